/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_TAP_SECURE_H
#define DATAPLANE_TAP_TAP_SECURE_H

#include "dataplane/handoff/chunk.h"
#include "dataplane/tcp/tcp_observer.h"
#include "dataplane/tls/tls_watch.h"
#include "proto/tls/tls_frames.h"
#include "proto/tls/tls_hello.h"
#include "proto/tls/tls_messages.h"

/*
 * A connection that is, or becomes, TLS: its handshake is told once, when all of it is known or the
 * connection ends; with the secrets of a key log its records are opened, and what is in them goes
 * the way of bytes in the clear. What cannot be opened is counted by a row of tap_unread.def, and
 * not looked at any more.
 *
 * Memory of a connection, from the worker's chunks: a small one; a large one until the handshake is
 * told; for each direction one of a record that came in part, by its length; up to TAP_WAITING
 * large ones of bytes that wait for the key log.
 */
struct tap;
struct tap_flow;

enum { TAP_WAITING = 16 };

enum tap_unread {
#define TAP_UNREAD(name, text, what) TAP_UNREAD_##name,
#include "dataplane/tap/tap_unread.def"
#undef TAP_UNREAD
    TAP_UNREADS,
};

/* What the records of a direction are under. */
enum tap_epoch {
    TAP_CLEAR,
    TAP_HANDSHAKE, /* TLS 1.3: the handshake's traffic secret */
    TAP_TRAFFIC,   /* the application's, or the keys of TLS 1.2 */
};

/* What is missing before more can be read. */
enum tap_want {
    TAP_WANT_FIRST = 4,   /* the secrets behind the server's hello; TLS 1.2: the master's */
    TAP_WANT_TRAFFIC = 1, /* << direction: those behind its Finished */
};

/* What a handshake has said, at the beginning of its large chunk. */
struct tap_hello {
    struct tls_hello client, server;
    struct span client_body, server_body;
    struct span certificates[TCP_DIRECTIONS];
    struct span alpn; /* of EncryptedExtensions */
    bool client_seen, server_seen, retried;
    bool alerted[TCP_DIRECTIONS];
    uint8_t alert[TCP_DIRECTIONS][2]; /* level, number */
    uint8_t alert_len[TCP_DIRECTIONS];
};

struct tap_secure {
    struct tls_watch watch;
    struct tls_messages messages[TCP_DIRECTIONS];
    struct tls_frames frames[TCP_DIRECTIONS];
    struct chunk *hello;                /* struct tap_hello; NULL: it was told */
    struct chunk *part[TCP_DIRECTIONS]; /* a sealed record that has not come whole */
    struct chunk *waiting;              /* pieces of both directions, a list; its last one */
    struct chunk *waiting_last;
    uint8_t waiting_count;
    uint64_t plain[TCP_DIRECTIONS]; /* bytes that were in the records */
    uint8_t client_random[TLS_RANDOM];
    uint8_t few[TCP_DIRECTIONS][2 * TLS_MESSAGE_HEADER]; /* messages behind the handshake */
    uint8_t epoch[TCP_DIRECTIONS];                       /* enum tap_epoch */
    uint8_t tries[TCP_DIRECTIONS]; /* records that may still fail to open, and are passed over */
    uint8_t wants;                 /* enum tap_want */
    uint8_t damaged;               /* bit of a direction: the record under way has a hole */
    uint8_t inside;                /* enum tap_stage of what is spoken in it */
    bool told, open;               /* open: the keys were found */
};

/* `inside`: what was spoken before, and goes on in it. */
void tap_secure_begin(struct tap *t, struct tap_flow *f, uint8_t inside);
void tap_secure_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes);
void tap_secure_gap(struct tap *t, struct tap_flow *f, enum tcp_direction d, uint64_t len);
void tap_secure_end(struct tap *t, struct tap_flow *f);
/* "no_secret", ... */
const char *tap_unread_name(enum tap_unread reason);

/* ---- for each other: tap_secure.c, tap_handshake.c ---- */

/* It is not read on; f->tls is gone. */
void tap_secure_unread(struct tap *t, struct tap_flow *f, enum tap_unread reason);
struct tap_hello *tap_secure_hello(const struct tap_flow *f);
/* Bytes of handshake messages, in the clear or out of a record. False: f->tls is gone. */
bool tap_handshake_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d,
                         struct span bytes);
/* ChangeCipherSpec in the clear. False: the same. */
bool tap_handshake_change(struct tap *t, struct tap_flow *f, enum tcp_direction d);
/* Looks for what is wanted. */
void tap_handshake_look(struct tap *t, struct tap_flow *f);
/* Says what is known of the handshake, once. `unread`: TAP_UNREADS where it is being read. */
void tap_handshake_tell(struct tap *t, struct tap_flow *f, enum tap_unread unread);

#endif
