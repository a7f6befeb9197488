/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_TAP_SECURE_H
#define DATAPLANE_TAP_TAP_SECURE_H

#include "dataplane/tcp/tcp_observer.h"
#include "proto/tls/tls_hello.h"

/* The handshake of a connection that is, or becomes, TLS: what it says in the clear is told once,
 * when all of it is known or the connection ends. */
struct tap;
struct tap_flow;

struct tap_secure {
    struct tls_hello hello[2];
    bool done[2];
};

void tap_secure_begin(struct tap *t, struct tap_flow *f);
void tap_secure_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes);
void tap_secure_end(struct tap *t, struct tap_flow *f);

#endif
