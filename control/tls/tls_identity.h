/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_IDENTITY_H
#define CONTROL_TLS_TLS_IDENTITY_H

#include <openssl/ssl.h>

#include "control/config/config.h"
#include "proto/base/writer.h"

/* Whose the certificates of clients are: a configuration's auth.certificates, copied. Immutable. */
struct tls_identities;

/* NULL: no memory. */
struct tls_identities *tls_identities_new(const struct config_auth *config);
void tls_identities_free(struct tls_identities *identities);

/* To be done for each context; borrowed as long as that is. */
void tls_identities_use(const struct tls_identities *identities, SSL_CTX *context);
/* Writes the address of whom a certificate is for, whatever became of it otherwise. */
void tls_identities_name(const struct tls_identities *identities, X509 *certificate,
                         struct writer *address);
/* Writes the address of whom the peer's certificate, which was verified, is for; nothing when it is
 * for nobody, or not valid any more. */
void tls_identities_find(SSL *ssl, struct writer *address);

#endif
