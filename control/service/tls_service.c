/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/tls_service.h"

#include <errno.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/service/service_team.h"
#include "control/tls/tls_contexts.h"
#include "control/tls/tls_handshake.h"
#include "control/tls/tls_memory.h"
#include "control/tls/tls_tickets.h"

enum { A_DAY = 86400000 };

/* What a worker names a handshake by. */
struct tls_task {
    struct tls_task *next, **link;
    struct tls_contexts *contexts;
    struct tls_handshake *handshake;
    int64_t memory; /* that OpenSSL holds for it */
};

struct tls_service {
    struct service_team team;
    struct handoff *handoff;
    struct tls_tickets *tickets;
    pthread_mutex_t lock;          /* of the next two */
    struct tls_contexts *contexts; /* NULL: none yet */
    struct tls_task *tasks;        /* all there are */
    _Atomic uint64_t under_way, busy_ns;
    _Atomic int64_t expiry;
    uint64_t warned_ms; /* with the lock */
};

static void drop(struct tls_service *s, struct tls_task *task)
{
    if (!task)
        return;
    pthread_mutex_lock(&s->lock);
    *task->link = task->next;
    if (task->next)
        task->next->link = task->link;
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_sub_explicit(&s->under_way, 1, memory_order_relaxed);
    tls_handshake_free(task->handshake);
    tls_contexts_free(task->contexts);
    free(task);
}

static struct tls_task *begin(struct tls_service *s, uint16_t port)
{
    struct tls_task *task = calloc(1, sizeof(*task));
    SSL_CTX *context;

    if (!task)
        return NULL;
    atomic_fetch_add_explicit(&s->under_way, 1, memory_order_relaxed);
    pthread_mutex_lock(&s->lock);
    task->next = s->tasks;
    task->link = &s->tasks;
    if (s->tasks)
        s->tasks->link = &task->next;
    s->tasks = task;
    task->contexts = s->contexts ? tls_contexts_share(s->contexts) : NULL;
    pthread_mutex_unlock(&s->lock);
    context = task->contexts ? tls_contexts_find(task->contexts, port) : NULL;
    task->handshake = context ? tls_handshake_new(context) : NULL;
    if (task->handshake)
        return task;
    drop(s, task);
    return NULL;
}

static enum job_status go_on(struct tls_service *s, struct job *job)
{
    struct job_tls_handshake *j = &job->tls_handshake;
    struct tls_task *task = j->handshake;
    int64_t before = tls_memory_of_thread();
    enum tls_step step;

    if (atomic_load(&job->cancelled))
        return JOB_CANCELLED;
    if (!task)
        task = begin(s, j->port);
    j->handshake_out = task;
    if (!task)
        return JOB_FAILED;
    step = tls_handshake_feed(task->handshake, j->in, &j->out_out, &j->taken_out);
    task->memory += tls_memory_of_thread() - before;
    j->memory_out = task->memory > 0 ? (uint32_t)task->memory : 0;
    switch (step) {
    case TLS_STEP_DONE:
        j->outcome_out = tls_handshake_outcome(task->handshake);
        return JOB_OK;
    case TLS_STEP_MORE:
        return JOB_OK;
    case TLS_STEP_FAILED:
        break;
    }
    j->why_out = tls_handshake_why(task->handshake);
    return JOB_REFUSED;
}

static enum job_status serve(void *context, struct job *job)
{
    struct tls_service *s = context;
    uint64_t before = clock_thread_ns();
    enum job_status status = JOB_FAILED;

    if (job->kind == JOB_TLS_HANDSHAKE) {
        status = go_on(s, job);
    } else if (job->kind == JOB_TLS_END) {
        drop(s, job->tls_end.handshake);
        status = JOB_OK;
    }
    atomic_fetch_add_explicit(&s->busy_ns, clock_thread_ns() - before, memory_order_relaxed);
    return status;
}

struct tls_service *tls_service_start(struct handoff *handoff, uint32_t threads)
{
    struct tls_service *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->handoff = handoff;
    s->tickets = tls_tickets_new();
    s->team.handoff = handoff;
    s->team.service = SERVICE_CRYPTO;
    s->team.name = "crypto";
    s->team.serve = serve;
    s->team.context = s;
    s->team.count = threads;
    atomic_store(&s->expiry, INT64_MAX);
    pthread_mutex_init(&s->lock, NULL);
    if (s->tickets && service_team_start(&s->team))
        return s;
    if (!s->tickets)
        errno = ENOMEM;
    tls_tickets_free(s->tickets);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

struct tls_contexts *tls_service_read(struct tls_service *s, const struct config *config,
                                      struct writer *why)
{
    struct tls_contexts *contexts = tls_contexts_new(config, s->tickets, why);

    if (contexts && tls_tickets_set(s->tickets, &config->tls, why))
        return contexts;
    tls_contexts_free(contexts);
    return NULL;
}

void tls_service_swap(struct tls_service *s, struct tls_contexts *contexts)
{
    struct tls_contexts *before;

    pthread_mutex_lock(&s->lock);
    before = s->contexts;
    s->contexts = contexts;
    s->warned_ms = 0;
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->expiry, tls_contexts_expiry(contexts));
    tls_contexts_free(before);
}

void tls_service_watch(struct tls_service *s)
{
    uint64_t now = clock_wall_ms();

    pthread_mutex_lock(&s->lock);
    if (s->contexts && (now < s->warned_ms || now - s->warned_ms >= A_DAY)) {
        s->warned_ms = now;
        tls_contexts_warn(s->contexts, (int64_t)(now / 1000));
    }
    pthread_mutex_unlock(&s->lock);
}

void tls_service_counters(const struct tls_service *s, const struct counter_sink *sink)
{
    int64_t expiry = atomic_load(&s->expiry);

    sink->put(sink->user, "tls_handshakes_under_way",
              atomic_load_explicit(&s->under_way, memory_order_relaxed));
    sink->put(sink->user, "tls_crypto_ms",
              atomic_load_explicit(&s->busy_ns, memory_order_relaxed) / 1000000);
    sink->put(sink->user, "tls_memory_bytes", tls_memory_bytes());
    sink->put(sink->user, "tls_certificate_expires_seconds",
              expiry == INT64_MAX ? 0 : (uint64_t)expiry);
}

void tls_service_stop(struct tls_service *s)
{
    service_team_stop(&s->team);
    while (s->tasks)
        drop(s, s->tasks);
    tls_contexts_free(s->contexts);
    tls_tickets_free(s->tickets);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
