/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/account_service.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "control/base/clock.h"
#include "control/service/login_guard.h"
#include "control/service/service_thread.h"

enum { WAITING_MAX = 128 }; /* logins that wait for their turn; further ones are refused */

struct account_service {
    struct service_thread thread;
    struct handoff *handoff;
    pthread_mutex_t lock; /* of the table and the guard's limits */
    struct account_table *table;
    struct login_guard *guard;
    struct job *first, *last; /* that wait to be judged, oldest first */
    uint32_t waiting;
};

static enum job_status refuse(struct job_account_login *login, enum login_refusal why)
{
    login->why_out = (uint8_t)why;
    return JOB_REFUSED;
}

static enum job_status judge(struct account_service *s, struct job *job)
{
    struct job_account_login *login = &job->account_login;
    enum job_status status = JOB_OK;
    bool ok;

    pthread_mutex_lock(&s->lock);
    if (atomic_load(&job->cancelled)) {
        login_guard_drop(s->guard, &login->client, clock_monotonic_ms());
        status = JOB_CANCELLED;
    } else {
        ok = account_table_login(s->table, login->user, login->password, &login->account_out);
        if (!ok) {
            login->delay_ms_out =
                login_guard_wrong(s->guard, &login->client, login->user, clock_monotonic_ms());
            status = refuse(login, LOGIN_WRONG);
        } else if (!login_guard_right(s->guard, &login->client, login->user,
                                      clock_monotonic_ms())) {
            status = refuse(login, LOGIN_EARLY);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

/* Queues a login, or answers it at once: who asks too often must not fill the queue of others. */
static void admit(struct account_service *s, struct job *job)
{
    bool welcome;

    if (job->kind != JOB_ACCOUNT_LOGIN) {
        job_answer(s->handoff, job, JOB_FAILED);
        return;
    }
    job->account_login.delay_ms_out = 0;
    pthread_mutex_lock(&s->lock);
    welcome = s->waiting < WAITING_MAX &&
              login_guard_admit(s->guard, &job->account_login.client, clock_monotonic_ms());
    pthread_mutex_unlock(&s->lock);
    if (!welcome) {
        job_answer(s->handoff, job, refuse(&job->account_login, LOGIN_BUSY));
        return;
    }
    job->next = NULL;
    *(s->first ? &s->last->next : &s->first) = job;
    s->last = job;
    s->waiting++;
}

/* Takes what was asked, then judges one, so that no job waits in the ring behind many hashes. */
static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    struct account_service *s = context;
    struct job *job;

    for (uint32_t i = 0; i < count; i++)
        admit(s, jobs[i]);
    job = s->first;
    if (!job)
        return 0;
    s->first = job->next;
    s->waiting--;
    job_answer(s->handoff, job, judge(s, job));
    return s->waiting;
}

struct account_service *account_service_start(struct handoff *handoff, struct account_table *table)
{
    struct account_service *s = calloc(1, sizeof(*s));
    uint64_t seed = 0;
    int why;

    if (!s)
        return NULL;
    /* Without randomness so early the guard works all the same. */
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
        seed = clock_monotonic_ms();
    s->guard = login_guard_new(seed);
    if (!s->guard) {
        free(s);
        errno = ENOMEM;
        return NULL;
    }
    login_guard_limit(s->guard, account_table_limits(table));
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
    login_guard_free(s->guard);
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
    login_guard_limit(service->guard, account_table_limits(table));
    pthread_mutex_unlock(&service->lock);
    account_table_free(old);
}

void account_service_stop(struct account_service *service)
{
    service_thread_stop(&service->thread);
    account_table_free(service->table);
    pthread_mutex_destroy(&service->lock);
    login_guard_free(service->guard);
    free(service);
}
