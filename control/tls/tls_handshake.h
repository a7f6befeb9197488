/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_HANDSHAKE_H
#define CONTROL_TLS_TLS_HANDSHAKE_H

#include <openssl/ssl.h>

#include "dataplane/handoff/tls_outcome.h"
#include "proto/base/span.h"

/*
 * One handshake: OpenSSL between two runs of bytes, until it is over and the keys of the records
 * are taken out of it. No socket, no thread of its own. The server's side is the engine's, the
 * client's that of the load generator.
 */
struct tls_handshake;

enum tls_step {
    TLS_STEP_MORE, /* waits for the peer's next records */
    TLS_STEP_DONE,
    TLS_STEP_FAILED,
};

/* To be done once for each context that handshakes are made with; `logins`: what a login can be bound
 * to the connection by is wanted of them. */
void tls_handshake_prepare(SSL_CTX *context, bool logins);
/* A verification that lets every certificate pass; what is wrong is told in the outcome. */
int tls_handshake_accept_any(int ok, X509_STORE_CTX *store);

/* The server's side. NULL: no memory. */
struct tls_handshake *tls_handshake_new(SSL_CTX *context);
/*
 * The client's: it speaks first, so it is to be fed with nothing. It asks for `name`, and has the
 * certificate verified for it where the context verifies; NULL: for none. With `session`, borrowed,
 * it tries to resume that one. NULL: no memory.
 */
struct tls_handshake *tls_handshake_new_client(SSL_CTX *context, const char *name,
                                               SSL_SESSION *session);
/* OpenSSL's connection outlives the end, so that tls_handshake_listen() can be said. */
void tls_handshake_keep(struct tls_handshake *h);
void tls_handshake_free(struct tls_handshake *h);

/*
 * Takes bytes from the peer, whole records or the next part of one. *out is what it is to be sent,
 * also with an alert when it failed; valid until the next call. *taken is how many bytes of `in`
 * were the handshake's: what follows behind its end is not.
 */
enum tls_step tls_handshake_feed(struct tls_handshake *h, struct span in, struct span *out,
                                 uint32_t *taken_out);
/*
 * Hears a record that came behind the end, whole, as the owner of the keys does: in TLS 1.3 a
 * ticket comes so, and the context's callback for new sessions gets it. False: no more are wanted,
 * since data have come, or something is wrong.
 */
bool tls_handshake_listen(struct tls_handshake *h, struct span record);
/* After DONE; of the handshake's. */
const struct tls_outcome *tls_handshake_outcome(const struct tls_handshake *h);
/* Why it failed; a text that lasts. */
const char *tls_handshake_why(const struct tls_handshake *h);

#endif
