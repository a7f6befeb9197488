/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_WORKER_LOOP_H
#define DATAPLANE_WORKER_WORKER_LOOP_H

#include "dataplane/worker/worker.h"

/* The thread around the turn: the clocks, and when to sleep. */
enum worker_idle {
    WORKER_IDLE_BUSY,     /* never sleeps */
    WORKER_IDLE_ADAPTIVE, /* naps after some empty turns; what it promises others adds the nap */
};

struct worker_loop {
    struct worker *worker;
    enum worker_idle idle;
    uint32_t nap_us;
    uint32_t empty_turns; /* so many before a nap */
    bool stop;            /* set by whoever stops it, atomically */
};

/* For rte_eal_remote_launch(); `argument` is a struct worker_loop that outlives the thread's work. Returns 0. */
int worker_loop_run(void *argument);
void worker_loop_stop(struct worker_loop *loop);
/* Monotonic microseconds and wall-clock milliseconds. */
struct turn_time worker_loop_time(void);

#endif
