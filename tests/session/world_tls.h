/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SESSION_WORLD_TLS_H
#define TESTS_SESSION_WORLD_TLS_H

#include "dataplane/handoff/tls_outcome.h"
#include "dataplane/tls/tls_stream.h"
#include "tests/session/session_world.h"

/* A world's client under TLS 1.3 from the first byte on; the handshake is a job that is answered
 * with keys that both sides know. */
enum { WORLD_TLS_PORT = 465 };

struct world_tls {
    struct world *w;
    struct tls_crypto *crypto;
    struct tls_stream client;
};

/* A listener for it. */
struct world *world_tls_listen(struct world *w, enum listener_protocol protocol);
/* The client's first words, and what control makes of a handshake with such an outcome, if it has
 * been asked; NULL for the end of one. */
void world_tls_hello(struct world *w);
void world_tls_answer(struct world *w, const struct tls_outcome *outcome);
/* Connects; the outcome, which is static, gets its keys. Control is held until the handshake is
 * over. The greeting is still to be read. */
void world_tls_connect(struct world_tls *t, struct world *w, struct tls_outcome *outcome);
/* As world_say() and world_expect(). */
void world_tls_say(struct world_tls *t, const char *text);
void world_tls_say_bytes(struct world_tls *t, struct span bytes);
/* What the client has read becomes plain. */
void world_tls_open(struct world_tls *t);
bool world_tls_expect(struct world_tls *t, const char *expected);
/* As world_free(). */
bool world_tls_free(struct world_tls *t);

#endif
