/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/account_service.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { JOBS_AT_ONCE = 32, WAIT_MS = 500 };

struct account_service {
    struct handoff *handoff;
    pthread_mutex_t lock; /* of the table */
    struct account_table *table;
    pthread_t thread;
    _Atomic bool stop;
};

static enum job_status judge(struct account_service *s, struct job *job)
{
    struct job_account_login *login = &job->account_login;
    bool ok;

    if (atomic_load(&job->cancelled))
        return JOB_CANCELLED;
    pthread_mutex_lock(&s->lock);
    ok = account_table_login(s->table, login->user, login->password, &login->account_out);
    pthread_mutex_unlock(&s->lock);
    return ok ? JOB_OK : JOB_REFUSED;
}

static uint32_t answer_jobs(struct account_service *s)
{
    struct job *jobs[JOBS_AT_ONCE];
    uint32_t n = service_take(s->handoff, SERVICE_ACCOUNT, jobs, JOBS_AT_ONCE);

    for (uint32_t i = 0; i < n; i++)
        job_answer(s->handoff, jobs[i],
                   jobs[i]->kind == JOB_ACCOUNT_LOGIN ? judge(s, jobs[i]) : JOB_FAILED);
    return n;
}

static void *service_main(void *arg)
{
    struct account_service *s = arg;

    for (;;) {
        bool stop = atomic_load(&s->stop);

        if (answer_jobs(s) > 0)
            continue;
        if (stop)
            return NULL;
        service_wait(s->handoff, SERVICE_ACCOUNT, WAIT_MS);
    }
}

struct account_service *account_service_start(struct handoff *handoff, struct account_table *table)
{
    struct account_service *s = calloc(1, sizeof(*s));
    sigset_t all, before;
    int why;

    if (!s)
        return NULL;
    s->handoff = handoff;
    s->table = table;
    pthread_mutex_init(&s->lock, NULL);
    sigfillset(&all);
    /* What the filter of system calls refuses is told by this one, to the thread that called. */
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    why = pthread_create(&s->thread, NULL, service_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why == 0)
        return s;
    pthread_mutex_destroy(&s->lock);
    free(s);
    errno = why;
    return NULL;
}

void account_service_swap(struct account_service *service, struct account_table *table)
{
    struct account_table *old;

    pthread_mutex_lock(&service->lock);
    old = service->table;
    service->table = table;
    pthread_mutex_unlock(&service->lock);
    account_table_free(old);
}

void account_service_stop(struct account_service *service)
{
    atomic_store(&service->stop, true);
    service_wake(service->handoff, SERVICE_ACCOUNT);
    pthread_join(service->thread, NULL);
    account_table_free(service->table);
    pthread_mutex_destroy(&service->lock);
    free(service);
}
