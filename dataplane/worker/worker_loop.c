/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/worker_loop.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <urcu-qsbr.h>

#include "dataplane/handoff/hidden.h"

enum { SLICE_NS = 100 * 1000 };

/* What sched_setattr(2) takes; its own header and libc's both define struct sched_param. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static uint64_t clock_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct turn_time worker_loop_time(void)
{
    return (struct turn_time){.now = clock_us(CLOCK_MONOTONIC),
                              .wall_ms = clock_us(CLOCK_REALTIME) / 1000};
}

/*
 * Where others run on this CPU too: the worker's share of it stays the same, in short slices
 * (sched(7); Linux 6.12, older ones leave them as they are). So it is not away for long after it
 * was, and comes back at once when it wakes up.
 */
static void take_short_slices(void)
{
    struct scheduling s = {0};

    if (syscall(SYS_sched_getattr, 0, &s, sizeof(s), 0) != 0 || s.policy != SCHED_OTHER)
        return;
    s.runtime = SLICE_NS;
    /* Not granted: as it was. */
    syscall(SYS_sched_setattr, 0, &s, 0);
}

/* Sleeps up to the nap's length, not past the next timer, and not in the way of a grace period. */
static void nap(const struct worker_loop *loop, uint64_t now)
{
    uint64_t timer = worker_next_timer(loop->worker), us = loop->nap_us, begin;

    if (timer <= now)
        return;
    us = timer - now < us ? timer - now : us;
    begin = stage_now();
    urcu_qsbr_thread_offline();
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
    urcu_qsbr_thread_online();
    worker_napped(loop->worker, stage_now() - begin);
}

int worker_loop_run(void *argument)
{
    struct worker_loop *loop = argument;
    uint32_t empty = 0;

    hidden_mark_stack();
    /* The default slack of 50 microseconds would double the naps. */
    prctl(PR_SET_TIMERSLACK, 1UL);
    take_short_slices();
    urcu_qsbr_register_thread();
    worker_begin(loop->worker, worker_loop_time().now);
    while (!__atomic_load_n(&loop->stop, __ATOMIC_ACQUIRE)) {
        struct turn_time time = worker_loop_time();

        empty = worker_turn(loop->worker, time) ? 0 : empty + 1;
        if (loop->idle == WORKER_IDLE_ADAPTIVE && empty >= loop->empty_turns)
            nap(loop, time.now);
    }
    urcu_qsbr_unregister_thread();
    return 0;
}

void worker_loop_stop(struct worker_loop *loop)
{
    __atomic_store_n(&loop->stop, true, __ATOMIC_RELEASE);
}
