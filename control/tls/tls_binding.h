/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_BINDING_H
#define CONTROL_TLS_TLS_BINDING_H

#include <openssl/ssl.h>

#include "dataplane/handoff/tls_outcome.h"

/* What logins can be bound to a connection by (RFC 5056), taken out of OpenSSL's state before that
 * is freed. */

/* Tickets of this context remember which certificate the connection began with: one that is resumed
 * shows none. To be done once for each context; `logins`: somebody may log in on its connections,
 * else there is nothing to bind and nothing is taken. */
void tls_binding_prepare(SSL_CTX *context, bool logins);
/* Computes now what connections that show this certificate are bound to. */
void tls_binding_note(X509 *certificate);
/* Of a handshake that is over. What it has not is left empty. */
void tls_binding_take(SSL *ssl, struct tls_binding *binding_out);

#endif
