/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLIENTCONFIG_CLIENT_UUID_H
#define CONTROL_CLIENTCONFIG_CLIENT_UUID_H

enum { CLIENT_UUID_TEXT = 37 };

/* The UUID of a name in the name space of DNS, version 5 (RFC 9562 section 5.5), as text with its
 * NUL: always the same of the same name. */
void client_uuid_of_name(const char *name, char text_out[CLIENT_UUID_TEXT]);

#endif
