/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_TAP_LOOP_H
#define DATAPLANE_WORKER_TAP_LOOP_H

#include "dataplane/worker/tap_worker.h"

/* The thread around a tap's turn: the clocks, when to sleep, and how all workers end together. */
struct tap_loop {
    struct tap_worker *worker;
    bool busy; /* never sleeps */
    uint32_t nap_us, empty_turns;
    uint32_t workers;
    bool *stop;       /* of all; set by whoever stops them, atomically */
    uint32_t *closed; /* how many of all have read their queues for the last time */
};

enum { TAP_LOOP_EMPTY_TURNS = 64 };

/* For rte_eal_remote_launch(); `argument` is a struct tap_loop that outlives the thread's work.
 * Returns 0. */
int tap_loop_run(void *argument);

#endif
