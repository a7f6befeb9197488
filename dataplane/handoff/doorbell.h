/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_DOORBELL_H
#define DATAPLANE_HANDOFF_DOORBELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * How a sleeping consumer is woken: it raises `asleep` before it looks a last time, and a producer
 * that finds the flag up takes it down and writes the eventfd. A producer pays for a system call
 * only when somebody really sleeps.
 */
struct doorbell {
    _Atomic uint32_t asleep;
    int fd;
};

bool doorbell_init(struct doorbell *d);
void doorbell_fini(struct doorbell *d);
/* After something was put that `ready` sees. */
void doorbell_ring(struct doorbell *d);
/* For what `ready` does not see: a consumer that is about to wait does not sleep either. Always a system call. */
void doorbell_wake(struct doorbell *d);
/*
 * Until `ready(arg)` or the bell or `timeout_ms` (negative: for ever). Looks for some microseconds
 * before it sleeps, since the next burst is usually that close.
 */
void doorbell_wait(struct doorbell *d, bool (*ready)(void *arg), void *arg, int timeout_ms);

#endif
