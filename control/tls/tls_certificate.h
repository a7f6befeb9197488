/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_CERTIFICATE_H
#define CONTROL_TLS_TLS_CERTIFICATE_H

#include <openssl/ssl.h>

#include "control/config/config.h"

/* A certificate with its chain, its private key and what is stapled to it; immutable. */
struct tls_certificate {
    X509 *leaf;
    STACK_OF(X509) * chain; /* above the leaf, maybe none */
    EVP_PKEY *key;
    uint8_t *staple; /* an OCSP response in DER, from OpenSSL's memory; NULL: none */
    size_t staple_len;
    int64_t expires; /* seconds since 1970 */
    char *path;      /* for the log */
    char *set;       /* empty: none */
};

/* Reads its files. False: a line in `why` says what is wrong; nothing is held then. */
bool tls_certificate_load(struct tls_certificate *c, const struct config_certificate *config,
                          struct writer *why);
/* Reads the response that is stapled, of which only is read whether it is one (RFC 6960 section
 * 4.2.1). False: it is no successful one, or too long. */
bool tls_certificate_staple(struct tls_certificate *c, BIO *der);
void tls_certificate_fini(struct tls_certificate *c);
/* Whether the certificate is for this name (RFC 6125 section 6.4). */
bool tls_certificate_names(const struct tls_certificate *c, const char *name);

#endif
