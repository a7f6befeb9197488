/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_OAUTH_BASE64URL_H
#define CONTROL_OAUTH_BASE64URL_H

#include "proto/base/writer.h"

/*
 * Decodes base64url without padding (RFC 7515 section 2), strictly: octets have one text only.
 * False: it is none, or does not fit.
 */
bool base64url_read(struct span text, struct writer *w);

#endif
