/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_SERVICE_THREAD_H
#define CONTROL_SERVICE_SERVICE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "dataplane/handoff/handoff.h"

/*
 * The thread of one service of control: takes the jobs that workers asked, hands them to `serve`,
 * sleeps when there are none, and ends once it was told to and nothing is left. All services run
 * on this; each owns what its `serve` touches, so that needs no lock.
 */
enum { SERVICE_THREAD_JOBS = 1024 }; /* most jobs in one call of `serve` */

struct service_thread {
    struct handoff *handoff;
    enum service service;
    const char *name; /* of the thread, at most 15 characters; static */
    /* Answers the jobs, or keeps some and says how many it holds: while it does, it is called
     * again without waiting, with new jobs or none. */
    uint32_t (*serve)(void *context, struct job **jobs, uint32_t count);
    void *context;
    /* Called when the thread was woken, or has slept for a second, and there are no jobs; may be
     * NULL. */
    void (*woken)(void *context);
    /* Set by `serve`, 0 at first: after the next jobs were taken, more of them are waited for so
     * long, so that they can share what is costly. Nanoseconds, less than a second. */
    uint32_t gather_ns;
    /* Private. */
    pthread_t thread;
    _Atomic bool stop;
    struct job *taken[SERVICE_THREAD_JOBS];
};

/* Starts the thread that the fields above describe. It inherits the caller's CPUs and blocks all
 * signals. False with errno. The struct must stay until service_thread_stop(). */
bool service_thread_start(struct service_thread *t);
/* A thread that blocks all signals, or why there is none. */
int service_thread_create(pthread_t *thread_out, void *(*run_it)(void *), void *arg);
/* Answers what was asked before, then ends the thread. */
void service_thread_stop(struct service_thread *t);

#endif
