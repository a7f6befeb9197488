/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSIONS_H
#define DATAPLANE_SESSION_SESSIONS_H

#include "dataplane/handoff/turn_time.h"
#include "dataplane/tcp/tcp.h"

struct handoff_port;
struct part_digests;
struct sessions;

/* A worker's sessions: one for each connection that TCP accepted, from banner to record. */
struct sessions_options {
    struct tcp *tcp;
    struct chunk_pool *pool;
    struct handoff_port *port;          /* this worker's side of the handoff */
    uint32_t connections;               /* most sessions at a time */
    uint16_t node;                      /* of this machine, in every id */
    uint64_t ids_after_ms;              /* ids begin behind this wall time; 0: now */
    const struct part_digests *digests; /* of parts; NULL: none are made */
};

struct sessions *sessions_new(const struct sessions_options *options);
void sessions_free(struct sessions *sessions);

/*
 * One turn: takes answers and notices from control, then every connection that TCP reports ready,
 * then due deadlines. Between tcp_receive() of the burst and tcp_settle(). Returns how many things
 * it did; 0 means idle.
 */
uint32_t sessions_turn(struct sessions *sessions, struct turn_time time);
/* The earliest deadline of any session, UINT64_MAX when there is none. */
uint64_t sessions_next_timer(const struct sessions *sessions);
uint32_t sessions_count(const struct sessions *sessions);

#endif
