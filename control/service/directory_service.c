/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/directory_service.h"

#include <errno.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/directory/directory_pool.h"
#include "control/service/directory_lookup.h"
#include "control/service/service_thread.h"

enum {
    THREADS = 2,    /* that put what was answered; the store makes new accounts one by one */
    LOOKUPS = 4096, /* at a time; further ones fail */
};

struct directory_service {
    struct service_thread thread;
    struct directory_service_options options;
    struct directory_pool *putters;
    pthread_rwlock_t putting; /* held for writing: nothing is being put into the table */
    pthread_mutex_t lock;     /* of all below */
    pthread_cond_t idle;
    struct directory_setting setting;
    uint64_t generation; /* counts what may have made an answer wrong */
    uint32_t under_way;
    uint64_t found, absent, unavailable;
};

static struct directory_lookup *lookup_of(struct directory_question *question)
{
    return (struct directory_lookup *)question;
}

static void end(struct directory_lookup *l, enum job_status status)
{
    struct directory_service *s = l->service;

    job_answer_shared(s->options.handoff, l->job, status);
    directory_chain_drop(l->chain);
    pthread_mutex_lock(&s->lock);
    s->unavailable += status != JOB_OK;
    s->found += status == JOB_OK && l->result == DIRECTORY_FOUND;
    s->absent += status == JOB_OK && l->result != DIRECTORY_FOUND;
    s->under_way--;
    pthread_cond_signal(&s->idle);
    pthread_mutex_unlock(&s->lock);
    free(l);
}

/* Asks what the step wants to know; the answer is put by one of the threads. */
static void answered(struct directory_question *question, enum directory_result result);

static void ask(struct directory_lookup *l)
{
    directory_lookup_ask(l);
    l->question.done = answered;
    l->question.deadline_ms = clock_monotonic_ms() + l->setting.timeout_ms;
    directory_chain_ask(l->chain, &l->question);
}

static void failed(struct directory_question *question, enum directory_result result)
{
    (void)result;
    end(lookup_of(question), JOB_FAILED);
}

static void answered(struct directory_question *question, enum directory_result result)
{
    struct directory_lookup *l = lookup_of(question);

    if (result == DIRECTORY_UNAVAILABLE) {
        failed(question, result);
        return;
    }
    l->result = result;
    question->done = failed;
    question->deadline_ms = UINT64_MAX;
    directory_pool_ask(l->service->putters, question);
}

/* The chain and all that goes with it, as it is now. */
static void take_setting(struct directory_lookup *l)
{
    struct directory_service *s = l->service;

    pthread_mutex_lock(&s->lock);
    if (l->chain)
        directory_chain_drop(l->chain);
    l->setting = s->setting;
    l->generation = s->generation;
    l->chain = l->setting.chain;
    directory_chain_hold(l->chain);
    pthread_mutex_unlock(&s->lock);
}

static bool is_old(struct directory_lookup *l)
{
    struct directory_service *s = l->service;
    bool old;

    pthread_mutex_lock(&s->lock);
    old = l->generation != s->generation;
    pthread_mutex_unlock(&s->lock);
    return old;
}

static void put(void *context, uint32_t thread, struct directory_question *question)
{
    struct directory_lookup *l = lookup_of(question);
    struct directory_service *s = context;
    bool old, ok = false;

    (void)thread;
    pthread_rwlock_rdlock(&s->putting);
    old = is_old(l);
    if (!old)
        ok = directory_lookup_step(l, &s->options, (uint32_t)(clock_wall_ms() / 1000));
    pthread_rwlock_unlock(&s->putting);
    if (old) {
        take_setting(l);
        directory_lookup_begin(l);
        ask(l);
        return;
    }
    if (ok && l->step != DIRECTORY_STEP_OVER)
        ask(l);
    else
        end(l, ok ? JOB_OK : JOB_FAILED);
}

static void begin(struct directory_service *s, struct job *job)
{
    struct directory_lookup *l = NULL;

    pthread_mutex_lock(&s->lock);
    if (s->under_way < LOOKUPS)
        l = malloc(sizeof(*l));
    s->under_way += l != NULL;
    pthread_mutex_unlock(&s->lock);
    if (!l) {
        job_answer_shared(s->options.handoff, job, JOB_FAILED);
        return;
    }
    memset(l, 0, offsetof(struct directory_lookup, members));
    l->service = s;
    l->job = job;
    take_setting(l);
    if (directory_lookup_begin(l))
        ask(l);
    else
        end(l, JOB_FAILED);
}

static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        begin(context, jobs[i]);
    return 0;
}

/* ---- start and end ---- */

static void release(struct directory_service *s)
{
    pthread_cond_destroy(&s->idle);
    pthread_rwlock_destroy(&s->putting);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static bool start_threads(struct directory_service *s)
{
    int why;

    s->putters = directory_pool_start(&(struct directory_pool_options){
        .name = "directory", .threads = THREADS, .waiting = LOOKUPS, .serve = put, .context = s});
    if (!s->putters)
        return false;
    s->thread.handoff = s->options.handoff;
    s->thread.service = SERVICE_DIRECTORY;
    s->thread.name = "addresses";
    s->thread.serve = serve;
    s->thread.context = s;
    if (service_thread_start(&s->thread))
        return true;
    why = errno;
    directory_pool_stop(s->putters);
    errno = why;
    return false;
}

struct directory_service *directory_service_start(const struct directory_service_options *options,
                                                  const struct directory_setting *setting)
{
    struct directory_service *s = calloc(1, sizeof(*s));
    pthread_rwlockattr_t fair;
    int why;

    if (!s)
        return NULL;
    s->options = *options;
    s->setting = *setting;
    pthread_mutex_init(&s->lock, NULL);
    /* Those who change something do not wait for a pause. */
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&s->putting, &fair);
    pthread_rwlockattr_destroy(&fair);
    pthread_cond_init(&s->idle, NULL);
    if (start_threads(s))
        return s;
    why = errno;
    release(s);
    errno = why;
    return NULL;
}

/* Lets what is being put be put; from then on older answers are not. */
static void age(struct directory_service *s, const struct directory_setting *setting)
{
    pthread_rwlock_wrlock(&s->putting);
    pthread_mutex_lock(&s->lock);
    s->generation++;
    if (setting)
        s->setting = *setting;
    pthread_mutex_unlock(&s->lock);
    pthread_rwlock_unlock(&s->putting);
}

void directory_service_set(struct directory_service *service,
                           const struct directory_setting *setting)
{
    age(service, setting);
}

void directory_service_changed(struct directory_service *service, struct span key)
{
    struct directory *table = service->options.table;
    ptrdiff_t at = -1;

    age(service, NULL);
    if (!key.len) {
        directory_forget_all(table);
        return;
    }
    for (size_t i = 0; i < key.len; i++)
        at = key.data[i] == '@' ? (ptrdiff_t)i : at;
    directory_forget(table, DIRECTORY_ADDRESS, key);
    directory_forget(table, DIRECTORY_DOMAIN, span_skip(key, (size_t)(at + 1)));
}

void directory_service_counters(struct directory_service *service, const struct counter_sink *sink)
{
    uint64_t found, absent, unavailable;

    pthread_mutex_lock(&service->lock);
    found = service->found;
    absent = service->absent;
    unavailable = service->unavailable;
    pthread_mutex_unlock(&service->lock);
    sink->put(sink->user, "directory_found", found);
    sink->put(sink->user, "directory_absent", absent);
    sink->put(sink->user, "directory_unavailable", unavailable);
}

void directory_service_stop(struct directory_service *service)
{
    service_thread_stop(&service->thread);
    pthread_mutex_lock(&service->lock);
    while (service->under_way)
        pthread_cond_wait(&service->idle, &service->lock);
    pthread_mutex_unlock(&service->lock);
    directory_pool_stop(service->putters);
    release(service);
}
