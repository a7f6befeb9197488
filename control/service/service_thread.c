/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/service_thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum { SLEEP_MS = 1000 };

static uint32_t take(struct service_thread *t)
{
    uint32_t taken = service_take(t->handoff, t->service, t->taken, SERVICE_THREAD_JOBS);

    if (taken == 0 || taken == SERVICE_THREAD_JOBS || t->gather_ns == 0)
        return taken;
    nanosleep(&(struct timespec){.tv_nsec = t->gather_ns}, NULL);
    return taken +
           service_take(t->handoff, t->service, t->taken + taken, SERVICE_THREAD_JOBS - taken);
}

static void sleep_well(struct service_thread *t)
{
    service_wait(t->handoff, t->service, SLEEP_MS);
    if (t->woken)
        t->woken(t->context);
}

static void *run(void *arg)
{
    struct service_thread *t = arg;
    uint32_t held = 0;

    pthread_setname_np(pthread_self(), t->name);
    for (;;) {
        bool last = atomic_load(&t->stop);
        uint32_t taken = take(t);

        if (taken > 0 || held > 0)
            held = t->serve(t->context, t->taken, taken);
        else if (last)
            return NULL;
        else
            sleep_well(t);
    }
}

int service_thread_create(pthread_t *thread_out, void *(*run_it)(void *), void *arg)
{
    sigset_t all, before;
    int why;

    sigfillset(&all);
    /* What the filter of system calls refuses is told by this one, to the thread that called. */
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    why = pthread_create(thread_out, NULL, run_it, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why;
}

bool service_thread_start(struct service_thread *t)
{
    int why;

    atomic_store(&t->stop, false);
    why = service_thread_create(&t->thread, run, t);
    errno = why;
    return why == 0;
}

void service_thread_stop(struct service_thread *t)
{
    atomic_store(&t->stop, true);
    service_wake(t->handoff, t->service);
    pthread_join(t->thread, NULL);
}
