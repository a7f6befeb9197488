/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/identity_service.h"

#include <errno.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/config/config_settings.h"
#include "control/directory/directory_pool.h"
#include "control/service/account_judge.h"
#include "control/service/service_thread.h"
#include "proto/address/address.h"

enum { LOGINS = 1024, WAITING = 128, TEXT = 2048, THREADS = 64 };

/* A job under way. */
struct proof {
    struct directory_question question; /* first: pools are handed it */
    struct identity_service *service;
    struct job *job;
    struct directory_chain *chain;
    struct oauth *oauth;
    struct directory_member member;
    struct span user; /* whom the client says it is, in `named`; empty: nobody */
    uint8_t named[ADDRESS_KEY_MAX];
    uint8_t identity[OAUTH_IDENTITY_MAX];
    uint8_t key[ADDRESS_KEY_MAX];
    uint8_t text[TEXT];
};

struct identity_service {
    struct service_thread thread;
    struct identity_service_options options;
    struct directory_pool *waiters;
    struct oauth_http *http[THREADS];
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t idle;
    struct directory_chain *chain;
    struct oauth *oauth;
    uint32_t timeout_ms, wait_ms;
    uint32_t logins;
    uint64_t verdicts[OAUTH_WAITS + 1];
};

static struct proof *proof_of(struct directory_question *question)
{
    return (struct proof *)question;
}

/* ---- the end of a login ---- */

static void end(struct proof *p, enum job_status status)
{
    struct identity_service *s = p->service;

    job_answer_shared(s->options.handoff, p->job, status);
    directory_chain_drop(p->chain);
    oauth_drop(p->oauth);
    explicit_bzero(p, sizeof(*p));
    free(p);
    pthread_mutex_lock(&s->lock);
    s->logins--;
    pthread_cond_signal(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

/* Nothing was found out that counts for or against the client. */
static void end_unjudged(struct proof *p, enum job_status status)
{
    login_guard_drop(p->service->options.guard, &p->job->account_identity.client, p->user,
                     clock_monotonic_ms());
    end(p, status);
}

static void refuse(struct proof *p, enum login_refusal why)
{
    struct job_account_identity *a = &p->job->account_identity;
    struct identity_service *s = p->service;

    a->delay_ms_out =
        login_guard_wrong(s->options.guard, &a->client, p->user, clock_monotonic_ms());
    if (why == LOGIN_WRONG && s->options.bans)
        ban_list_failure(s->options.bans, &a->client, clock_monotonic_ms());
    a->why_out = (uint8_t)why;
    end(p, JOB_REFUSED);
}

static void accept(struct proof *p)
{
    struct job_account_identity *a = &p->job->account_identity;
    bool right = login_guard_right(p->service->options.guard, &a->client, p->user, p->member.key,
                                   clock_monotonic_ms());

    a->why_out = LOGIN_EARLY;
    a->name_len_out = (uint16_t)p->member.key.len;
    memcpy(a->name, p->member.key.data, p->member.key.len);
    end(p, right ? JOB_OK : JOB_REFUSED);
}

/* ---- whose it is ---- */

static void known(struct directory_question *q, enum directory_result result)
{
    struct proof *p = proof_of(q);
    struct identity_service *s = p->service;
    struct job_account_identity *a = &p->job->account_identity;

    if (result == DIRECTORY_UNAVAILABLE) {
        end_unjudged(p, JOB_FAILED);
        return;
    }
    if (result != DIRECTORY_FOUND || q->answer.count != 1 || p->member.key.len > ADDRESS_KEY_MAX ||
        !account_judge_acts_as(p->member.key, a->identity)) {
        refuse(p, LOGIN_WRONG);
        return;
    }
    a->account_out = p->member.id || !s->options.account_id
                         ? p->member.id
                         : s->options.account_id(s->options.context, &p->member);
    if (a->account_out)
        accept(p);
    else
        end_unjudged(p, JOB_FAILED);
}

/* A name that is no address is nobody's. */
static void identify(struct proof *p, struct span identity, enum directory_source source)
{
    struct directory_question *q = &p->question;
    struct identity_service *s = p->service;
    struct writer key = writer_of(p->key, sizeof(p->key));

    if (!config_address_key(&key, identity, false)) {
        refuse(p, LOGIN_WRONG);
        return;
    }
    q->kind = DIRECTORY_ASK_IDENTITY;
    q->source = (uint8_t)source;
    q->name = writer_span(&key);
    q->done = known;
    q->answer.members = &p->member;
    q->answer.room = 1;
    q->answer.text = writer_of(p->text, sizeof(p->text));
    q->deadline_ms = clock_monotonic_ms() + s->timeout_ms;
    directory_chain_ask(p->chain, q);
}

/* ---- tokens ---- */

static void judged(struct proof *p, enum oauth_verdict verdict, struct span identity)
{
    struct identity_service *s = p->service;

    pthread_mutex_lock(&s->lock);
    s->verdicts[verdict]++;
    pthread_mutex_unlock(&s->lock);
    switch (verdict) {
    case OAUTH_GOOD:
        identify(p, identity, DIRECTORY_OAUTH);
        return;
    case OAUTH_WRONG:
        refuse(p, LOGIN_WRONG);
        return;
    case OAUTH_SCOPE:
        refuse(p, LOGIN_SCOPE);
        return;
    default:
        end_unjudged(p, JOB_FAILED);
        return;
    }
}

/* On a thread of the pool. */
static void wait_for(void *context, uint32_t thread, struct directory_question *question)
{
    struct identity_service *s = context;
    struct proof *p = proof_of(question);
    struct writer identity = writer_of(p->identity, sizeof(p->identity));
    enum oauth_verdict verdict;

    if (atomic_load(&p->job->cancelled)) {
        end_unjudged(p, JOB_CANCELLED);
        return;
    }
    verdict = oauth_check(p->oauth, p->job->account_identity.shown, s->http[thread], &identity);
    judged(p, verdict, writer_span(&identity));
}

/* The queue is full, or it took too long to come to its front. */
static void too_late(struct directory_question *q, enum directory_result result)
{
    (void)result;
    judged(proof_of(q), OAUTH_UNKNOWN, span_of(NULL, 0));
}

static void judge_token(struct proof *p)
{
    struct writer identity = writer_of(p->identity, sizeof(p->identity));
    enum oauth_verdict verdict =
        oauth_check(p->oauth, p->job->account_identity.shown, NULL, &identity);

    if (verdict != OAUTH_WAITS) {
        judged(p, verdict, writer_span(&identity));
        return;
    }
    p->question.done = too_late;
    p->question.deadline_ms = clock_monotonic_ms() + p->service->wait_ms;
    directory_pool_ask(p->service->waiters, &p->question);
}

/* ---- coming in ---- */

/* As passwords name them, so that tries by either way count together. A token and a certificate
 * say whose they are, but who shows one that is wrong has only the client's word. */
static void name(struct proof *p, struct span identity)
{
    struct writer key = writer_of(p->named, sizeof(p->named));

    if (!config_address_key(&key, identity, true)) {
        key.len = 0;
        writer_span_put(&key, span_head(identity, sizeof(p->named)));
    }
    p->user = writer_span(&key);
}

static struct proof *enter(struct identity_service *s, struct job *job)
{
    struct job_account_identity *a = &job->account_identity;
    struct proof *p = calloc(1, sizeof(*p));
    bool room;

    if (!p)
        return NULL;
    *p = (struct proof){.service = s, .job = job};
    name(p, a->identity);
    pthread_mutex_lock(&s->lock);
    room = s->logins < LOGINS &&
           login_guard_admit(s->options.guard, &a->client, p->user, clock_monotonic_ms());
    if (room) {
        p->chain = s->chain;
        p->oauth = s->oauth;
        directory_chain_hold(p->chain);
        oauth_hold(p->oauth);
        s->logins++;
    }
    pthread_mutex_unlock(&s->lock);
    if (room)
        return p;
    free(p);
    return NULL;
}

static void judge(struct identity_service *s, struct job *job)
{
    struct job_account_identity *a = &job->account_identity;
    struct proof *p = enter(s, job);

    if (!p) {
        a->why_out = LOGIN_BUSY;
        job_answer_shared(s->options.handoff, job, JOB_REFUSED);
        return;
    }
    if (a->token)
        judge_token(p);
    else
        identify(p, a->shown, DIRECTORY_CERTIFICATE);
}

static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        judge(context, jobs[i]);
    return 0;
}

/* ---- start and end ---- */

static bool start_threads(struct identity_service *s)
{
    int why;

    for (uint32_t i = 0; i < s->options.threads; i++) {
        s->http[i] = oauth_http_new();
        if (!s->http[i])
            return false;
    }
    s->waiters =
        directory_pool_start(&(struct directory_pool_options){.name = "oauth",
                                                              .threads = s->options.threads,
                                                              .waiting = WAITING,
                                                              .serve = wait_for,
                                                              .context = s});
    if (!s->waiters)
        return false;
    s->thread.handoff = s->options.handoff;
    s->thread.service = SERVICE_IDENTITY;
    s->thread.name = "identities";
    s->thread.serve = serve;
    s->thread.context = s;
    if (service_thread_start(&s->thread))
        return true;
    why = errno;
    directory_pool_stop(s->waiters);
    errno = why;
    return false;
}

static void release(struct identity_service *s)
{
    for (uint32_t i = 0; i < s->options.threads; i++)
        oauth_http_free(s->http[i]);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct identity_service *identity_service_start(const struct identity_service_options *options,
                                                const struct identity_setting *setting)
{
    struct identity_service *s = calloc(1, sizeof(*s));
    int why;

    if (!s)
        return NULL;
    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    errno = ENOMEM;
    if (oauth_http_start()) {
        identity_service_set(s, setting);
        if (start_threads(s))
            return s;
    }
    why = errno;
    release(s);
    errno = why;
    return NULL;
}

bool identity_service_apply(struct identity_service **service,
                            const struct identity_service_options *options,
                            const struct config *config, struct directory_chain *chain,
                            struct oauth **oauth, struct writer *why)
{
    struct identity_setting setting = {.chain = chain,
                                       .oauth = *oauth,
                                       .timeout_ms = (uint32_t)(config->directory.timeout / 1000),
                                       .wait_ms = (uint32_t)(config->oauth.timeout / 1000)};

    if (*service)
        identity_service_set(*service, &setting);
    else
        *service = identity_service_start(options, &setting);
    if (*service)
        *oauth = NULL;
    else
        writer_printf(why, "identity service: %s\n", strerror(errno));
    return *service != NULL;
}

void identity_service_set(struct identity_service *s, const struct identity_setting *setting)
{
    struct oauth *before;

    pthread_mutex_lock(&s->lock);
    before = s->oauth;
    s->chain = setting->chain;
    s->oauth = setting->oauth;
    s->timeout_ms = setting->timeout_ms;
    s->wait_ms = setting->wait_ms;
    pthread_mutex_unlock(&s->lock);
    oauth_drop(before);
}

void identity_service_set_chain(struct identity_service *s, struct directory_chain *chain)
{
    pthread_mutex_lock(&s->lock);
    s->chain = chain;
    pthread_mutex_unlock(&s->lock);
}

void identity_service_counters(struct identity_service *s, const struct counter_sink *sink)
{
    uint64_t verdicts[OAUTH_WAITS + 1];

    pthread_mutex_lock(&s->lock);
    memcpy(verdicts, s->verdicts, sizeof(verdicts));
    pthread_mutex_unlock(&s->lock);
    sink->put(sink->user, "oauth_tokens_good", verdicts[OAUTH_GOOD]);
    sink->put(sink->user, "oauth_tokens_wrong", verdicts[OAUTH_WRONG]);
    sink->put(sink->user, "oauth_tokens_scope", verdicts[OAUTH_SCOPE]);
    sink->put(sink->user, "oauth_tokens_unknown", verdicts[OAUTH_UNKNOWN]);
}

void identity_service_stop(struct identity_service *s)
{
    service_thread_stop(&s->thread);
    pthread_mutex_lock(&s->lock);
    while (s->logins)
        pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
    directory_pool_stop(s->waiters);
    oauth_drop(s->oauth);
    release(s);
}
