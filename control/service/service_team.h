/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_SERVICE_TEAM_H
#define CONTROL_SERVICE_SERVICE_TEAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "dataplane/handoff/handoff.h"

/*
 * Several threads of one service, whose jobs are long and know nothing of each other. Each takes
 * one job at a time, of the workers in turn, so that a worker that asks much delays its own answers
 * and nobody else's.
 */
enum { SERVICE_TEAM_MAX = 64 };

struct service_team {
    struct handoff *handoff;
    enum service service;
    const char *name; /* of the threads, at most 15 characters; static */
    /* On any of the threads, several at once. */
    enum job_status (*serve)(void *context, struct job *job);
    void *context;
    uint32_t count; /* of threads, 1 to SERVICE_TEAM_MAX */
    /* Private. */
    pthread_mutex_t taking; /* a ring has one reader: who holds this */
    _Atomic bool stop;
    pthread_t threads[SERVICE_TEAM_MAX];
};

/* Starts the threads that the fields above describe. They inherit the caller's CPUs and block all
 * signals. False with errno. The struct must stay until service_team_stop(). */
bool service_team_start(struct service_team *t);
/* Answers what was asked before, then ends the threads. */
void service_team_stop(struct service_team *t);

#endif
