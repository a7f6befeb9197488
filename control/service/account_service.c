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

/* What a password and a proof have in common. */
struct asked {
    struct span user, identity;
    const struct ip_address *client;
    uint64_t *account_out;
    uint32_t *delay_ms_out;
    uint8_t *why_out;
};

static struct asked asked_of(struct job *job)
{
    struct job_account_login *l = &job->account_login;
    struct job_account_proof *p = &job->account_proof;

    if (job->kind == JOB_ACCOUNT_PROOF)
        return (struct asked){p->user,         p->identity,      &p->client,
                              &p->account_out, &p->delay_ms_out, &p->why_out};
    return (struct asked){l->user,         l->identity,      &l->client,
                          &l->account_out, &l->delay_ms_out, &l->why_out};
}

static enum job_status refuse(struct job *job, enum login_refusal why)
{
    *asked_of(job).why_out = (uint8_t)why;
    return JOB_REFUSED;
}

static bool is_right(const struct account_table *table, struct job *job, const struct asked *a)
{
    bool right =
        job->kind == JOB_ACCOUNT_PROOF
            ? account_table_prove(table, &job->account_proof, a->account_out,
                                  job->account_proof.signature_out)
            : account_table_login(table, a->user, job->account_login.password, a->account_out);

    return right && account_table_acts_as(table, *a->account_out, a->identity);
}

static enum job_status judge(struct account_service *s, struct job *job)
{
    struct asked a = asked_of(job);
    enum job_status status = JOB_OK;

    pthread_mutex_lock(&s->lock);
    if (atomic_load(&job->cancelled)) {
        login_guard_drop(s->guard, a.client, clock_monotonic_ms());
        status = JOB_CANCELLED;
    } else {
        if (!is_right(s->table, job, &a)) {
            *a.delay_ms_out = login_guard_wrong(s->guard, a.client, a.user, clock_monotonic_ms());
            status = refuse(job, LOGIN_WRONG);
        } else if (!login_guard_right(s->guard, a.client, a.user, clock_monotonic_ms())) {
            status = refuse(job, LOGIN_EARLY);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

static enum job_status answer_salt(struct account_service *s, struct job_account_salt *a)
{
    struct scram_keys keys;
    bool ok;

    pthread_mutex_lock(&s->lock);
    ok = account_table_salt(s->table, a->user, (enum scram_hash)a->hash, &keys);
    pthread_mutex_unlock(&s->lock);
    if (!ok || getrandom(a->nonce_out, sizeof(a->nonce_out), 0) != sizeof(a->nonce_out))
        return JOB_FAILED;
    a->iterations_out = keys.iterations;
    a->salt_len_out = keys.salt_len;
    memcpy(a->salt_out, keys.salt, keys.salt_len);
    return JOB_OK;
}

/* Queues a login, or answers it at once: who asks too often must not fill the queue of others. */
static void admit(struct account_service *s, struct job *job)
{
    bool welcome;

    if (job->kind == JOB_ACCOUNT_SALT) {
        job_answer(s->handoff, job, answer_salt(s, &job->account_salt));
        return;
    }
    *asked_of(job).delay_ms_out = 0;
    pthread_mutex_lock(&s->lock);
    welcome = s->waiting < WAITING_MAX &&
              login_guard_admit(s->guard, asked_of(job).client, clock_monotonic_ms());
    pthread_mutex_unlock(&s->lock);
    if (!welcome) {
        job_answer(s->handoff, job, refuse(job, LOGIN_BUSY));
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
