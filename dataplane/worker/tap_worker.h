/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_TAP_WORKER_H
#define DATAPLANE_WORKER_TAP_WORKER_H

#include "dataplane/handoff/tap_live.h"
#include "dataplane/port/port.h"
#include "dataplane/tap/tap.h"
#include "dataplane/worker/mesh.h"

/*
 * One worker of a tap: takes frames from its queues and from the other workers, hands those of
 * others over, and watches the rest. It has no way to send.
 *
 * Ports whose queues are as many as the workers give queue i to worker i; of the others each port
 * begins with another worker.
 */
enum { TAP_WORKER_BURST = 256 };

struct tap_worker_options {
    uint32_t index, workers;
    struct port *ports[TAP_LIVE_PORTS];
    uint32_t port_count;
    struct mesh *mesh;
    struct tap_worker **all; /* all workers, by index; filled in before the first turn */
    struct handoff *handoff;
    const struct tap_source *source;
    uint16_t burst; /* frames a queue and turn, at most TAP_WORKER_BURST */
};

struct tap_worker_counters {
#define TAP_WORKER_COUNTER(name, text) uint64_t name;
#include "dataplane/worker/tap_worker_counter.def"
#undef TAP_WORKER_COUNTER
};

/* What time it is for one turn. */
struct tap_worker_time {
    uint64_t now_ns;   /* monotonic */
    uint64_t epoch_ns; /* added to it: since 1970 */
};

struct tap_worker;

/* NULL: no memory. */
struct tap_worker *tap_worker_new(const struct tap_worker_options *options);
/* It has stopped. */
void tap_worker_free(struct tap_worker *worker);
/* Frames in, flows, timers; announces a quiescent state. Returns how many frames there were. */
uint32_t tap_worker_turn(struct tap_worker *worker, struct tap_worker_time time);
/* Frames that are its business were lost. Any thread. */
void tap_worker_lost(struct tap_worker *worker);
/* From now on turns take in only what other workers pass. */
void tap_worker_close(struct tap_worker *worker);
/* Ends all flows. By the worker's thread, once all are closed and have had a turn after that. */
void tap_worker_finish(struct tap_worker *worker);
/* Accounts a nap. */
void tap_worker_napped(struct tap_worker *worker);
const struct tap_worker_counters *tap_worker_counters(const struct tap_worker *worker);
const struct tap *tap_worker_tap(const struct tap_worker *worker);
/* Monotonic microseconds of its last turn; any thread. */
uint64_t tap_worker_heartbeat(const struct tap_worker *worker);

#endif
