/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_CERTIFICATE_H
#define CONTROL_TAP_TAP_CERTIFICATE_H

#include "proto/base/span.h"

/* The names that a certificate (DER) is for: the subject's common name, then its DNS names (RFC
 * 5280 section 4.2.1.6), each once, at most 100. Nothing where it is none. */
void tap_certificate_names(struct span der, void (*name)(void *context, struct span name),
                           void *context);
/* "TLS 1.2" */
const char *tap_tls_version(uint16_t version);

#endif
