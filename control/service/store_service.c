/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/store_service.h"

#include <stdlib.h>

#include "control/base/clock.h"
#include "control/service/mailbox_view.h"
#include "control/service/service_thread.h"
#include "control/store/store_near.h"
#include "proto/base/tally.h"

enum {
    BATCH_MAX = SERVICE_THREAD_JOBS, /* changes in one batch */
    CLASSES = 256,                   /* of durations: four to a power of two */
    GATHER_SHARE = 4,                /* of the time that a batch takes, and at most so long */
    GATHER_MAX_NS = 500 * 1000,
    GATHER_MIN_NS = 50 * 1000, /* shorter is not worth a sleep: a store in memory */
};

/* Written by the thread alone. */
struct counts {
    _Atomic uint64_t commits, refused, deletions, rows, batches, largest;
    _Atomic uint64_t ns_min, ns_sum, ns_max;
    _Atomic uint64_t classes[CLASSES];
};

/* Written by one worker. */
struct near_counts {
    _Atomic uint64_t commits, refused, rows;
} __attribute__((aligned(64)));

struct store_service {
    struct service_thread thread;
    struct store_service_options options;
    struct counts counts;
    struct near_counts *near;        /* of each worker; NULL: the store is not near */
    struct job *gathered[BATCH_MAX]; /* the job of each change */
    struct store_change changes[BATCH_MAX];
};

enum job_status store_service_job_status(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return JOB_OK;
    case STORE_BUSY:
        return JOB_REFUSED;
    case STORE_FULL:
        return JOB_FULL;
    case STORE_DISK_FULL:
        return JOB_DISK_FULL;
    case STORE_NONE:
    case STORE_CORRUPT:
    case STORE_NEWER:
    case STORE_FAILED:
    case STORE_TOO_OLD:
    case STORE_EXISTS:
    case STORE_LIMIT:
        break;
    }
    return JOB_FAILED;
}

static void raise_to(_Atomic uint64_t *counter, uint64_t n)
{
    if (n > atomic_load_explicit(counter, memory_order_relaxed))
        atomic_store_explicit(counter, n, memory_order_relaxed);
}

/* Class 4 * e + q holds durations from 2^e * (1 + q/4) on. */
static unsigned class_of(uint64_t ns)
{
    unsigned e = 63 - (unsigned)__builtin_clzll(ns | 4);

    return 4 * e + (unsigned)(ns >> (e - 2) & 3);
}

static uint64_t class_edge(unsigned class)
{
    return (UINT64_C(5) + class % 4) << (class / 4) >> 2;
}

static void count_batch(struct counts *c, uint32_t changes, uint64_t ns)
{
    uint64_t min = atomic_load_explicit(&c->ns_min, memory_order_relaxed);

    tally_add(&c->batches, 1);
    tally_add(&c->ns_sum, ns);
    tally_add(&c->classes[class_of(ns)], 1);
    raise_to(&c->largest, changes);
    raise_to(&c->ns_max, ns);
    if (min == 0 || ns < min)
        atomic_store_explicit(&c->ns_min, ns, memory_order_relaxed);
}

static enum job_status answer_to(const struct job *job, enum store_status status)
{
    /* An account that was erased. */
    if (job->kind == JOB_STORE_COMMIT && status == STORE_NONE)
        return JOB_GONE;
    return store_service_job_status(status);
}

/* ---- on workers ---- */

static bool commit_near(struct store_service *s, struct job *job)
{
    struct near_counts *counts = &s->near[job->worker];
    struct message *message = job->store_commit.message;
    enum store_status status = STORE_NONE;

    if (s->options.serves_near(s->options.context, message) &&
        !store_commit_near(s->options.store, job->worker, message, &status))
        return false;
    tally_add(status == STORE_OK ? &counts->commits : &counts->refused, 1);
    job->status = (uint8_t)answer_to(job, status);
    return true;
}

static bool write_near(struct store_service *s, struct job *job)
{
    const struct job_store_write *w = &job->store_write;
    enum store_status status;

    if (!store_write_near(s->options.store, job->worker, &w->message, w->row,
                          span_of(w->chunk->data, w->chunk->len), &status))
        return false;
    tally_add(&s->near[job->worker].rows, status == STORE_OK);
    job->status = (uint8_t)store_service_job_status(status);
    return true;
}

static bool answer_near(void *context, struct job *job)
{
    struct store_service *s = context;

    if (job->kind == JOB_STORE_DISCARD) {
        job->status = JOB_OK;
        return store_discard_near(s->options.store, job->worker, &job->store_discard.message);
    }
    if (job->kind != JOB_STORE_COMMIT && job->kind != JOB_STORE_WRITE)
        return false;
    if (atomic_load_explicit(&job->cancelled, memory_order_relaxed)) {
        job->status = JOB_CANCELLED;
        return true;
    }
    return job->kind == JOB_STORE_COMMIT ? commit_near(s, job) : write_near(s, job);
}

/* ---- on the commit thread ---- */

/* Makes the job a change of the batch. False when it is answered already. */
static bool gather(struct store_service *s, struct job *job, struct store_change *change)
{
    enum store_status status;

    if (atomic_load_explicit(&job->cancelled, memory_order_relaxed) &&
        job->kind != JOB_STORE_DISCARD) {
        job_answer(s->options.handoff, job, JOB_CANCELLED);
        return false;
    }
    switch (job->kind) {
    case JOB_STORE_COMMIT:
        /* An account may have left the configuration since the worker looked. */
        if (!s->options.serves(s->options.context, job->store_commit.message)) {
            tally_add(&s->counts.refused, 1);
            job_answer(s->options.handoff, job, JOB_GONE);
            return false;
        }
        if (s->options.place)
            s->options.place(s->options.store, job->store_commit.message);
        *change = (struct store_change){.kind = STORE_COMMIT, .message = job->store_commit.message};
        return true;
    case JOB_STORE_DISCARD:
        *change =
            (struct store_change){.kind = STORE_DISCARD, .discarded = job->store_discard.message};
        return true;
    case JOB_MAILBOX_DELETE:
        *change = (struct store_change){.kind = STORE_DELETE,
                                        .view = mailbox_view_stored(job->mailbox_delete.view),
                                        .marked = job->mailbox_delete.marked};
        return true;
    case JOB_STORE_WRITE:
        status = store_write(s->options.store, &job->store_write.message, job->store_write.row,
                             span_of(job->store_write.chunk->data, job->store_write.chunk->len));
        tally_add(&s->counts.rows, status == STORE_OK);
        job_answer(s->options.handoff, job, store_service_job_status(status));
        return false;
    default:
        job_answer(s->options.handoff, job, JOB_FAILED);
        return false;
    }
}

/*
 * A sync costs the same for one message as for many. Where several came together others are under
 * way, and all of them are answered sooner on the whole if the next batch lets more of them join. A
 * single session never waits.
 */
static uint32_t gather_next(uint32_t changes, uint64_t ns)
{
    uint64_t share = ns / GATHER_SHARE;

    if (changes < 2 || share < GATHER_MIN_NS)
        return 0;
    return (uint32_t)(share < GATHER_MAX_NS ? share : GATHER_MAX_NS);
}

static void count_change(struct counts *c, const struct store_change *change)
{
    if (change->kind == STORE_COMMIT)
        tally_add(change->status_out == STORE_OK ? &c->commits : &c->refused, 1);
    else if (change->kind == STORE_DELETE)
        tally_add(&c->deletions, change->status_out == STORE_OK);
}

static uint32_t serve(void *context, struct job **jobs, uint32_t taken)
{
    struct store_service *s = context;
    uint32_t count = 0;
    bool synced = false;
    uint64_t begun = clock_monotonic_ns(), ns;

    for (uint32_t i = 0; i < taken; i++)
        if (gather(s, jobs[i], &s->changes[count]))
            s->gathered[count++] = jobs[i];
    if (count == 0)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        synced |= s->changes[i].kind != STORE_DISCARD;
    store_apply(s->options.store, s->changes, count);
    ns = clock_monotonic_ns() - begun;
    s->thread.gather_ns = gather_next(count, ns);
    if (synced)
        count_batch(&s->counts, count, ns);
    for (uint32_t i = 0; i < count; i++) {
        count_change(&s->counts, &s->changes[i]);
        job_answer(s->options.handoff, s->gathered[i],
                   answer_to(s->gathered[i], s->changes[i].status_out));
    }
    return 0;
}

static bool start_near(struct store_service *s)
{
    size_t bytes = handoff_workers(s->options.handoff) * sizeof(*s->near);

    if (!store_is_near(s->options.store))
        return true;
    s->near = aligned_alloc(64, bytes);
    if (s->near)
        memset(s->near, 0, bytes);
    return s->near != NULL;
}

struct store_service *store_service_start(const struct store_service_options *options)
{
    struct store_service *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->options = *options;
    s->thread.handoff = options->handoff;
    s->thread.service = SERVICE_STORE;
    s->thread.name = "store";
    s->thread.serve = serve;
    s->thread.context = s;
    if (start_near(s) && service_thread_start(&s->thread)) {
        if (s->near)
            handoff_near(options->handoff, SERVICE_STORE, answer_near, s);
        return s;
    }
    free(s->near);
    free(s);
    return NULL;
}

void store_service_stop(struct store_service *s)
{
    service_thread_stop(&s->thread);
    free(s->near);
    free(s);
}

static void add_near(const struct store_service *s, struct store_service_stats *out)
{
    for (uint32_t i = 0; s->near && i < handoff_workers(s->options.handoff); i++) {
        out->commits += atomic_load_explicit(&s->near[i].commits, memory_order_relaxed);
        out->refused += atomic_load_explicit(&s->near[i].refused, memory_order_relaxed);
        out->rows += atomic_load_explicit(&s->near[i].rows, memory_order_relaxed);
    }
}

void store_service_stats(const struct store_service *s, struct store_service_stats *out)
{
    const struct counts *c = &s->counts;
    uint64_t seen = 0;

    *out = (struct store_service_stats){
        .commits = atomic_load_explicit(&c->commits, memory_order_relaxed),
        .refused = atomic_load_explicit(&c->refused, memory_order_relaxed),
        .deletions = atomic_load_explicit(&c->deletions, memory_order_relaxed),
        .rows = atomic_load_explicit(&c->rows, memory_order_relaxed),
        .batches = atomic_load_explicit(&c->batches, memory_order_relaxed),
        .largest = atomic_load_explicit(&c->largest, memory_order_relaxed),
        .apply_ns_min = atomic_load_explicit(&c->ns_min, memory_order_relaxed),
        .apply_ns_max = atomic_load_explicit(&c->ns_max, memory_order_relaxed),
    };
    add_near(s, out);
    if (out->batches == 0)
        return;
    out->apply_ns_avg = atomic_load_explicit(&c->ns_sum, memory_order_relaxed) / out->batches;
    for (unsigned i = 0; i < CLASSES && seen * 100 < out->batches * 99; i++) {
        seen += atomic_load_explicit(&c->classes[i], memory_order_relaxed);
        out->apply_ns_p99 = class_edge(i);
    }
}
