/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/doorbell.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LOOKS = 4 }; /* each yields the CPU, so that a worker on the same core gets on */

bool doorbell_init(struct doorbell *d)
{
    *d = (struct doorbell){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    return d->fd >= 0;
}

void doorbell_fini(struct doorbell *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

void doorbell_wake(struct doorbell *d)
{
    uint64_t one = 1;

    while (write(d->fd, &one, sizeof(one)) < 0)
        break; /* EAGAIN: the bell is already ringing */
}

void doorbell_ring(struct doorbell *d)
{
    /* Orders what was put before the look at the flag; the consumer's fence is in doorbell_wait().
     */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&d->asleep, memory_order_relaxed) && atomic_exchange(&d->asleep, 0))
        doorbell_wake(d);
}

void doorbell_wait(struct doorbell *d, bool (*ready)(void *arg), void *arg, int timeout_ms)
{
    struct pollfd p = {.fd = d->fd, .events = POLLIN};
    uint64_t count;

    for (int i = 0; i < LOOKS; i++) {
        if (ready(arg))
            return;
        sched_yield();
    }
    atomic_store_explicit(&d->asleep, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (!ready(arg) && poll(&p, 1, timeout_ms) > 0)
        while (read(d->fd, &count, sizeof(count)) > 0)
            continue;
    atomic_store_explicit(&d->asleep, 0, memory_order_relaxed);
}
