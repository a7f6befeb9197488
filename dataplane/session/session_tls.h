/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_TLS_H
#define DATAPLANE_SESSION_SESSION_TLS_H

#include "dataplane/handoff/tls_outcome.h"
#include "dataplane/session/session.h"
#include "dataplane/tls/tls_stream.h"

/*
 * TLS between the byte stream and the protocol. The handshake is control's: records go there and
 * back until it leaves keys; from then on records are opened and sealed here.
 *
 * A record stays with TCP until all that is in it was read: what was opened lies in memory of the
 * worker's that the next session overwrites, and is opened again where its reader had to wait. So a
 * connection holds keys and no buffer, and what it has not read keeps the peer's window shut.
 */
enum session_tls_step {
    SESSION_TLS_SHAKES, /* the handshake goes on */
    SESSION_TLS_OPEN,
    SESSION_TLS_FAILED, /* nothing is read or written any more */
};

/* Lies in a small chunk behind the session's struct session_more. */
struct session_tls {
    struct tls_stream stream;
    void *handshake;       /* control's, until JOB_TLS_END */
    struct chunk *in;      /* while control reads it */
    const char *why;       /* it failed; NULL: it did not */
    uint32_t memory;       /* bytes that control holds for the handshake */
    uint32_t rest;         /* of a record of the handshake that does not fit in a chunk */
    uint32_t record, used; /* length of the record that is being read, and how much of what is in
                              it was; 0: none is */
    uint8_t step;          /* enum session_tls_step */
    bool asked : 1;        /* control has a job */
    bool counted : 1;      /* among the handshakes under way */
    bool upgrade : 1;      /* after STARTTLS or STLS: the protocol has begun before */
    bool resumed : 1;
    bool identity : 1; /* its chunk hangs behind this one */
    uint8_t client;    /* enum tls_client */
    uint8_t name_len;
    uint8_t name[TLS_NAME_MAX];
    struct tls_binding binding;
};

/* A worker's. NULL: no memory. */
struct session_crypto *session_crypto_new(void);
void session_crypto_free(struct session_crypto *crypto);

/* The session's, while s->tls; NULL before a handshake. */
struct session_tls *session_tls_of(const struct session *s);

enum { SESSION_TAG_TLS = 8 }; /* of a listener's tag: its enum listener_tls, above the protocol */

/* The listener offers TLS by a command. */
bool session_tls_offered(const struct session *s);
/* TLS has come by a command: the protocol begins a second time. */
bool session_tls_upgraded(const struct session *s);
/* The handshake begins behind a command, whose reply is in `out`. What the client has sent behind
 * it in the clear is dropped and counted: none of it may be taken for what it says under TLS. */
void session_tls_upgrade(struct sessions *ss, struct session *s);
/* Whom the client's certificate is for; empty: nobody that can log in by it. */
struct span session_tls_identity(const struct session *s);
/* The version as "TLS1.3", and the suite; empty without TLS. */
struct span session_tls_version(const struct session *s);
struct span session_tls_suite(const struct session *s);
/* The handshake comes next; without memory the session ends. */
void session_tls_begin(struct sessions *ss, struct session *s, bool upgrade);
/*
 * A turn's share of handshakes begins anew: before the connections on which something has happened,
 * and before those that wait, so that neither keeps the other from it.
 */
void session_tls_share(struct sessions *ss);
/* True while the handshake goes on, or has failed. */
bool session_tls_shakes(const struct session *s);
/* Goes on with the handshake as far as bytes and jobs are there. */
void session_tls_run(struct sessions *ss, struct session *s);
/* True: the handshake is over, and the protocol may begin. */
bool session_tls_answer(struct sessions *ss, struct session *s, struct job *job);
/* True when control has nothing of the session's handshake. */
bool session_tls_idle(struct sessions *ss, struct session *s);
/* Forgets keys. */
void session_tls_give(struct sessions *ss, struct session *s);

/* As tcp_peek(), tcp_consume() and tcp_unread(), of what records brought. */
struct span session_tls_peek(struct sessions *ss, struct session *s);
void session_tls_consume(struct sessions *ss, struct session *s, uint32_t n);
bool session_tls_unread(const struct sessions *ss, const struct session *s);
/* Seals up to TLS_PLAIN_MAX octets and queues them. False: no memory; as if it had not been called.
 */
bool session_tls_write(struct sessions *ss, struct session *s, struct span bytes);
/* Memory of the worker's for what is to be written, of TLS_PLAIN_MAX bytes; until another session
 * is worked on. */
struct writer session_tls_room(struct sessions *ss);
/* The last record: close_notify, or the alert that is owed. */
void session_tls_close(struct sessions *ss, struct session *s);

#endif
