/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/tap_loop.h"

#include <sys/prctl.h>
#include <time.h>

#include <urcu-qsbr.h>

#include "dataplane/handoff/hidden.h"

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The machine's own counter, as the kernel has calibrated it; nobody sets it back. */
static struct tap_worker_time time_now(void)
{
    uint64_t now = clock_ns(CLOCK_MONOTONIC);

    return (struct tap_worker_time){.now_ns = now, .epoch_ns = clock_ns(CLOCK_REALTIME) - now};
}

static void nap(const struct tap_loop *loop)
{
    urcu_qsbr_thread_offline();
    nanosleep(&(struct timespec){.tv_nsec = (long)loop->nap_us * 1000}, NULL);
    urcu_qsbr_thread_online();
    tap_worker_napped(loop->worker);
}

/* What is on its way between workers reaches its owner before any of them ends its flows. */
static void end_together(struct tap_loop *loop)
{
    bool all;

    tap_worker_close(loop->worker);
    __atomic_add_fetch(loop->closed, 1, __ATOMIC_ACQ_REL);
    do {
        all = __atomic_load_n(loop->closed, __ATOMIC_ACQUIRE) == loop->workers;
        while (tap_worker_turn(loop->worker, time_now()))
            ;
        if (!all)
            nap(loop);
    } while (!all);
    tap_worker_finish(loop->worker);
}

int tap_loop_run(void *argument)
{
    struct tap_loop *loop = argument;
    uint32_t empty = 0;

    hidden_mark_stack();
    /* The default slack of 50 microseconds would double the naps. */
    prctl(PR_SET_TIMERSLACK, 1UL);
    urcu_qsbr_register_thread();
    while (!__atomic_load_n(loop->stop, __ATOMIC_ACQUIRE)) {
        empty = tap_worker_turn(loop->worker, time_now()) ? 0 : empty + 1;
        if (!loop->busy && empty >= loop->empty_turns)
            nap(loop);
    }
    end_together(loop);
    urcu_qsbr_unregister_thread();
    return 0;
}
