/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_CERTIFICATE_H
#define CONTROL_TAP_TAP_CERTIFICATE_H

#include "control/record/json_line.h"

/* Certificates of others, in DER, as a peer sent them: read by libcrypto, and told. */

/* The names that one is for: the subject's common name, then its DNS names (RFC 5280 section
 * 4.2.1.6), each once, at most 100. Nothing where it is none. */
void tap_certificate_names(struct span der, void (*name)(void *context, struct span name),
                           void *context);
/* One as an object, valid or not at the given second since 1970. Where it is none, its digest is
 * all that is told. */
void tap_certificate_put(struct json_line *line, struct span der, uint64_t now);

#endif
