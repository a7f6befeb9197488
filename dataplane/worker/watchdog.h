/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_WATCHDOG_H
#define DATAPLANE_WORKER_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Sees workers that have stopped turning, by the time of each one's last turn. One thread looks,
 * about once a second.
 */
enum { WATCHDOG_WORKERS = 64, WATCHDOG_PATIENCE_US = 2000000 };

struct watchdog {
    uint64_t began;  /* the first look; until a worker's first turn it stands for that */
    uint64_t stalls; /* so far, each once */
    bool stalled[WATCHDOG_WORKERS];
};

/*
 * Whether the worker (< WATCHDOG_WORKERS) is stalled: no turn for longer than WATCHDOG_PATIENCE_US.
 * `last_turn` is 0 before its first; both times are monotonic microseconds.
 */
bool watchdog_look(struct watchdog *dog, uint32_t worker, uint64_t last_turn, uint64_t now);

#endif
