/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/account_service.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "control/base/clock.h"
#include "control/directory/directory_pool.h"
#include "control/directory/password.h"
#include "control/service/service_thread.h"

enum {
    LOGINS = 128, /* that wait for their turn or are judged; further ones are refused */
    SALTS = 1024,
    TEXT = 2048,
    UPGRADE_MS = 2000,
};

/* A job under way. */
struct login {
    struct directory_question question; /* first: pools are handed it */
    struct account_service *service;
    struct job *job;
    struct login *next; /* of those that wait, or are judged */
    struct directory_chain *chain;
    struct directory_member member;
    uint64_t since_ms; /* monotonic: when it was asked */
    bool found;        /* a back end has the name */
    bool verified;     /* the back end has judged the password: `right` */
    bool right;
    uint8_t text[TEXT];
    struct password_kept kept; /* that replace stale ones */
};

struct account_service {
    struct service_thread thread;
    struct account_service_options options;
    struct directory_pool *judges;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t idle;
    struct directory_chain *chain;
    struct account_fakes fakes;
    uint32_t timeout_ms;
    struct login *first, *last; /* that wait until none of their address is judged, oldest first */
    struct login *judged;
    uint32_t logins, salts;
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

static struct login *login_of(struct directory_question *question)
{
    return (struct login *)question;
}

static enum job_status refuse(struct job *job, enum login_refusal why)
{
    *asked_of(job).why_out = (uint8_t)why;
    return JOB_REFUSED;
}

/* ---- one after the other ---- */

static void begin(struct login *l);

static bool is_judged(const struct account_service *s, const struct ip_address *client)
{
    const struct login *l = s->judged;

    while (l && !ip_address_equal(asked_of(l->job).client, client))
        l = l->next;
    return l != NULL;
}

/* Takes the oldest that may be judged now; NULL: none. */
static struct login *take_next(struct account_service *s)
{
    struct login *before = NULL, *l = s->first;

    while (l && is_judged(s, asked_of(l->job).client)) {
        before = l;
        l = l->next;
    }
    if (!l)
        return NULL;
    *(before ? &before->next : &s->first) = l->next;
    if (s->last == l)
        s->last = before;
    l->next = s->judged;
    s->judged = l;
    return l;
}

static void go_on(struct account_service *s)
{
    struct login *l;

    do {
        pthread_mutex_lock(&s->lock);
        l = take_next(s);
        pthread_mutex_unlock(&s->lock);
        if (l)
            begin(l);
    } while (l);
}

static void release(struct login *l)
{
    directory_chain_drop(l->chain);
    explicit_bzero(l, sizeof(*l));
    free(l);
}

static void end(struct login *l, enum job_status status)
{
    struct account_service *s = l->service;
    struct login **at = &s->judged;
    struct job *job = l->job;

    pthread_mutex_lock(&s->lock);
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    pthread_mutex_unlock(&s->lock);
    job_answer_shared(s->options.handoff, job, status);
    release(l);
    go_on(s);
    pthread_mutex_lock(&s->lock);
    s->logins--;
    pthread_cond_signal(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

/* ---- judging ---- */

static void end_unjudged(struct login *l, enum job_status status)
{
    login_guard_drop(l->service->options.guard, asked_of(l->job).client, asked_of(l->job).user,
                     clock_monotonic_ms());
    end(l, status);
}

static void fail(struct directory_question *q, enum directory_result result)
{
    (void)result;
    end_unjudged(login_of(q), JOB_FAILED);
}

static bool is_right(struct login *l)
{
    const struct directory_answer *known = l->found ? &l->question.answer : NULL;
    struct account_service *s = l->service;
    struct account_fakes fakes;
    struct job *job = l->job;

    if (l->verified)
        return l->right;
    pthread_mutex_lock(&s->lock);
    fakes = s->fakes;
    pthread_mutex_unlock(&s->lock);
    if (job->kind == JOB_ACCOUNT_PROOF)
        return account_judge_proof(&fakes, known, &job->account_proof,
                                   job->account_proof.signature_out);
    return account_judge_password(&fakes, known, job->account_login.user,
                                  job->account_login.password);
}

static uint64_t id_of(const struct login *l)
{
    const struct account_service *s = l->service;

    return l->member.id ? l->member.id : s->options.account_id(s->options.context, &l->member);
}

static void upgraded(struct directory_question *q, enum directory_result result)
{
    (void)result; /* the next login tries again */
    end(login_of(q), JOB_OK);
}

/* The back end wants another hash of the password, which is known now and never else. False: not,
 * or it cannot be made. */
static bool upgrade(struct login *l)
{
    struct directory_question *q = &l->question;

    if (l->verified || l->job->kind != JOB_ACCOUNT_LOGIN || !q->answer.stale ||
        !password_make(l->job->account_login.password, l->service->options.method, &l->kept))
        return false;
    q->kind = DIRECTORY_ASK_UPGRADE;
    q->name = l->member.key;
    q->stale = q->answer.hash;
    q->hash = span_text(l->kept.hash);
    q->scram[SCRAM_SHA256] = span_text(l->kept.scram);
    q->deadline_ms = clock_monotonic_ms() + UPGRADE_MS;
    q->done = upgraded;
    directory_chain_ask_one(l->chain, q->from, q);
    return true;
}

/* A refusal comes so long after the question, not after the judgement: so the time that back ends
 * and hashes of different kinds take does not show in it. */
static uint32_t left_of(const struct login *l, uint32_t delay_ms)
{
    uint64_t spent = clock_monotonic_ms() - l->since_ms;

    return spent < delay_ms ? delay_ms - (uint32_t)spent : 0;
}

/* On a thread of the pool. */
static void judge(void *context, uint32_t thread, struct directory_question *question)
{
    struct login *l = login_of(question);
    struct account_service *s = context;
    struct asked a = asked_of(l->job);
    enum job_status status = JOB_OK;
    bool right;

    (void)thread;
    if (atomic_load(&l->job->cancelled)) {
        end_unjudged(l, JOB_CANCELLED);
        return;
    }
    right = is_right(l) && account_judge_acts_as(l->member.key, a.identity);
    *a.account_out = right ? id_of(l) : 0;
    if (right && !*a.account_out) {
        end_unjudged(l, JOB_FAILED);
        return;
    }
    if (!right) {
        *a.delay_ms_out =
            left_of(l, login_guard_wrong(s->options.guard, a.client, a.user, clock_monotonic_ms()));
        status = refuse(l->job, LOGIN_WRONG);
    } else if (!login_guard_right(s->options.guard, a.client, a.user, a.user,
                                  clock_monotonic_ms())) {
        status = refuse(l->job, LOGIN_EARLY);
    }
    if (!right && s->options.bans)
        ban_list_failure(s->options.bans, a.client, clock_monotonic_ms());
    if (status != JOB_OK || !upgrade(l))
        end(l, status);
}

/* The one answer there is about an account; without one nobody is known. */
static void take_member(struct login *l)
{
    const struct directory_answer *a = &l->question.answer;

    l->found = l->found && a->count == 1;
    if (l->found)
        l->member = a->members[0];
}

static void to_judges(struct login *l)
{
    l->question.deadline_ms = UINT64_MAX;
    l->question.done = fail;
    directory_pool_ask(l->service->judges, &l->question);
}

static void verified(struct directory_question *q, enum directory_result result)
{
    struct login *l = login_of(q);

    if (result == DIRECTORY_UNAVAILABLE) {
        fail(q, result);
        return;
    }
    l->verified = true;
    l->found = result == DIRECTORY_FOUND;
    take_member(l);
    l->right = l->found;
    to_judges(l);
}

static void known(struct directory_question *q, enum directory_result result)
{
    struct login *l = login_of(q);

    if (result == DIRECTORY_UNAVAILABLE) {
        fail(q, result);
        return;
    }
    l->found = result == DIRECTORY_FOUND;
    if (q->answer.verifies && l->job->kind == JOB_ACCOUNT_LOGIN) {
        q->kind = DIRECTORY_ASK_PASSWORD;
        q->password = l->job->account_login.password;
        q->done = verified;
        directory_chain_ask_one(l->chain, q->from, q);
        return;
    }
    take_member(l);
    to_judges(l);
}

/* ---- challenges ---- */

static enum job_status put_salt(struct login *l)
{
    struct account_service *s = l->service;
    struct job_account_salt *a = &l->job->account_salt;
    struct account_fakes fakes;
    struct scram_keys keys;

    pthread_mutex_lock(&s->lock);
    fakes = s->fakes;
    pthread_mutex_unlock(&s->lock);
    if (!account_judge_salt(&fakes, l->found ? &l->question.answer : NULL, a->user,
                            (enum scram_hash)a->hash, &keys) ||
        getrandom(a->nonce_out, sizeof(a->nonce_out), 0) != sizeof(a->nonce_out))
        return JOB_FAILED;
    a->iterations_out = keys.iterations;
    a->salt_len_out = keys.salt_len;
    memcpy(a->salt_out, keys.salt, keys.salt_len);
    return JOB_OK;
}

static void salt_known(struct directory_question *q, enum directory_result result)
{
    struct login *l = login_of(q);
    struct account_service *s = l->service;

    l->found = result == DIRECTORY_FOUND;
    job_answer_shared(s->options.handoff, l->job,
                      result == DIRECTORY_UNAVAILABLE ? JOB_FAILED : put_salt(l));
    release(l);
    pthread_mutex_lock(&s->lock);
    s->salts--;
    pthread_cond_signal(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

/* ---- coming in ---- */

static void begin(struct login *l)
{
    struct account_service *s = l->service;
    struct directory_question *q = &l->question;
    bool salt = l->job->kind == JOB_ACCOUNT_SALT;

    q->kind = DIRECTORY_ASK_CREDENTIALS;
    q->name = salt ? l->job->account_salt.user : asked_of(l->job).user;
    q->done = salt ? salt_known : known;
    q->answer.members = &l->member;
    q->answer.room = 1;
    q->answer.text = writer_of(l->text, sizeof(l->text));
    pthread_mutex_lock(&s->lock);
    q->deadline_ms = clock_monotonic_ms() + s->timeout_ms;
    l->chain = s->chain;
    directory_chain_hold(l->chain);
    pthread_mutex_unlock(&s->lock);
    directory_chain_ask(l->chain, q);
}

/* `count` of those under way has room, and one more is. NULL: not. */
static struct login *enter(struct account_service *s, struct job *job, uint32_t *count,
                           uint32_t most)
{
    struct login *l = *count < most ? calloc(1, sizeof(*l)) : NULL;

    if (!l)
        return NULL;
    l->service = s;
    l->job = job;
    l->since_ms = clock_monotonic_ms();
    (*count)++;
    return l;
}

static void admit_salt(struct account_service *s, struct job *job)
{
    struct login *l;

    pthread_mutex_lock(&s->lock);
    l = enter(s, job, &s->salts, SALTS);
    pthread_mutex_unlock(&s->lock);
    if (l)
        begin(l);
    else
        job_answer_shared(s->options.handoff, job, JOB_FAILED);
}

/* Queues a login, or answers it at once: who asks too often must not fill the queue of others. */
static void admit(struct account_service *s, struct job *job)
{
    struct login_guard *guard = s->options.guard;
    struct asked a = asked_of(job);
    struct login *l = NULL;

    *a.delay_ms_out = 0;
    pthread_mutex_lock(&s->lock);
    if (s->logins < LOGINS && login_guard_admit(guard, a.client, a.user, clock_monotonic_ms())) {
        l = enter(s, job, &s->logins, LOGINS);
        if (!l)
            login_guard_drop(guard, a.client, a.user, clock_monotonic_ms());
    }
    if (l) {
        *(s->first ? &s->last->next : &s->first) = l;
        s->last = l;
    }
    pthread_mutex_unlock(&s->lock);
    if (!l)
        job_answer_shared(s->options.handoff, job, refuse(job, LOGIN_BUSY));
}

static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    struct account_service *s = context;

    for (uint32_t i = 0; i < count; i++) {
        if (jobs[i]->kind == JOB_ACCOUNT_SALT)
            admit_salt(s, jobs[i]);
        else
            admit(s, jobs[i]);
    }
    go_on(s);
    return 0;
}

/* ---- start and end ---- */

static bool start_threads(struct account_service *s)
{
    int why;

    s->judges = directory_pool_start(&(struct directory_pool_options){.name = "account",
                                                                      .threads = s->options.threads,
                                                                      .waiting = LOGINS,
                                                                      .serve = judge,
                                                                      .context = s});
    if (!s->judges)
        return false;
    s->thread.handoff = s->options.handoff;
    s->thread.service = SERVICE_ACCOUNT;
    s->thread.name = "logins";
    s->thread.serve = serve;
    s->thread.context = s;
    if (service_thread_start(&s->thread))
        return true;
    why = errno;
    directory_pool_stop(s->judges);
    errno = why;
    return false;
}

static void release_service(struct account_service *s)
{
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    explicit_bzero(&s->fakes, sizeof(s->fakes));
    free(s);
}

struct account_service *account_service_start(const struct account_service_options *options,
                                              const struct account_setting *setting)
{
    struct account_service *s = calloc(1, sizeof(*s));
    int why;

    if (!s)
        return NULL;
    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    account_service_set(s, setting);
    if (start_threads(s))
        return s;
    why = errno;
    release_service(s);
    errno = why;
    return NULL;
}

void account_service_set(struct account_service *service, const struct account_setting *setting)
{
    pthread_mutex_lock(&service->lock);
    service->chain = setting->chain;
    service->fakes = *setting->fakes;
    service->timeout_ms = setting->timeout_ms;
    pthread_mutex_unlock(&service->lock);
}

void account_service_stop(struct account_service *service)
{
    service_thread_stop(&service->thread);
    pthread_mutex_lock(&service->lock);
    while (service->logins || service->salts)
        pthread_cond_wait(&service->idle, &service->lock);
    pthread_mutex_unlock(&service->lock);
    directory_pool_stop(service->judges);
    release_service(service);
}
