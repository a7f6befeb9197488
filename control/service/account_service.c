/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/account_service.h"

#include <errno.h>
#include <stdlib.h>

#include "control/service/service_thread.h"

struct account_service {
    struct service_thread thread;
    struct handoff *handoff;
    pthread_mutex_t lock; /* of the table */
    struct account_table *table;
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

static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    struct account_service *s = context;

    for (uint32_t i = 0; i < count; i++)
        job_answer(s->handoff, jobs[i],
                   jobs[i]->kind == JOB_ACCOUNT_LOGIN ? judge(s, jobs[i]) : JOB_FAILED);
    return 0;
}

struct account_service *account_service_start(struct handoff *handoff, struct account_table *table)
{
    struct account_service *s = calloc(1, sizeof(*s));
    int why;

    if (!s)
        return NULL;
    s->handoff = handoff;
    s->table = table;
    s->thread.handoff = handoff;
    s->thread.service = SERVICE_ACCOUNT;
    s->thread.name = "account";
    s->thread.serve = serve;
    s->thread.context = s;
    pthread_mutex_init(&s->lock, NULL);
    if (service_thread_start(&s->thread))
        return s;
    why = errno;
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
    service_thread_stop(&service->thread);
    account_table_free(service->table);
    pthread_mutex_destroy(&service->lock);
    free(service);
}
