/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_WORKER_H
#define DATAPLANE_WORKER_WORKER_H

#include "dataplane/handoff/handoff.h"
#include "dataplane/net/net.h"
#include "dataplane/worker/mesh.h"
#include "dataplane/worker/rough_line.h"
#include "dataplane/worker/worker_app.h"

/*
 * One worker: the parts that one lcore owns, and the turn that runs them. Nothing in a turn waits,
 * locks, or asks what time it is.
 */
struct worker_options {
    uint32_t index;
    struct port *port;
    struct mesh *mesh;
    struct net_options net; /* worker and workers are set here too */
    struct tcp *tcp;        /* this and the next two are the worker's alone once it runs */
    struct worker_app app;
    struct handoff_port *handoff;
    struct rough_line *rough; /* the worker's from then on; NULL: the line is as it is */
    uint16_t burst;           /* frames a receive, at most NET_BURST / 2 */
};

struct worker_counters {
#define WORKER_COUNTER(name, text) uint64_t name;
#include "dataplane/worker/worker_counter.def"
#undef WORKER_COUNTER
};

/* What others may see of a running worker. Written by the worker, each turn. */
struct worker_status {
    uint32_t connections, sessions;
    bool ready; /* all addresses are past detection */
};

struct worker;

struct worker *worker_new(const struct worker_options *options);
/* Gives back all frames. The worker has stopped. */
void worker_free(struct worker *worker);
/* Once, before the first turn. */
void worker_begin(struct worker *worker, uint64_t now);
/*
 * One turn: frames in, segments, sessions, timers, frames out; announces a quiescent state. Returns
 * how much it did; 0 means idle.
 */
uint32_t worker_turn(struct worker *worker, struct turn_time time);
/* When there must be a turn even if nothing arrives, UINT64_MAX for never. */
uint64_t worker_next_timer(const struct worker *worker);
/* Accounts a nap of so many cycles. */
void worker_napped(struct worker *worker, uint64_t cycles);

const struct worker_counters *worker_counters(const struct worker *worker);
struct worker_status worker_status(const struct worker *worker);
const struct net *worker_net(const struct worker *worker);
const struct tcp *worker_tcp(const struct worker *worker);
struct handoff_port *worker_handoff(const struct worker *worker);

#endif
