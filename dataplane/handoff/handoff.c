/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/handoff.h"

#include <pthread.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

#include "dataplane/handoff/doorbell.h"
#include "dataplane/handoff/hidden.h"
#include "dataplane/handoff/ring.h"

enum {
    NOTICES = 64,
    RECORDS_BACK = 16, /* records that are taken between two looks for empty slots */
};

/* One worker's side. Everything but the far ends of the rings is touched by that worker alone. */
struct handoff_port {
    struct handoff *handoff;
    struct ring *asked[SERVICES];    /* worker to service */
    struct ring *answered[SERVICES]; /* service to worker */
    struct ring *records_out;        /* filled records, worker to writer */
    struct ring *records_back;       /* empty slots, writer to worker */
    struct ring *notices;
    struct notice notice_slots[NOTICES * 2]; /* twice what the ring holds: none is written again
                                                before it was read */
    uint32_t notice_next;                    /* under the handoff's notice_writer */
    struct job *free_jobs;
    struct job *near_first, **near_end; /* answered by near services, oldest first */
    uint32_t jobs_out, jobs_most;
    uint32_t open[SERVICES]; /* jobs asked of each, whose answers were not taken yet */
    uint32_t rung; /* bit per service, and one for records, that got something this turn */
    uint32_t services; /* that there are: all, and so many lanes of the last */
    uint16_t worker;
    struct job *jobs;
    struct record *records;
    struct record **spare; /* empty slots, the warmest last: no more are touched than are needed */
    _Atomic uint32_t spares; /* written by the worker */
    uint32_t takes;          /* of records */
    struct counters counters __attribute__((aligned(64)));
    struct stage_cycles cycles __attribute__((aligned(64)));
    struct worker_log log;
};

/* What answers a service's jobs on the worker; NULL: nothing does. */
struct near {
    job_near *answer;
    void *context;
};

struct handoff {
    struct handoff_options options;
    struct near near[SERVICES];
    struct doorbell bells[SERVICES + 1]; /* the last is the records' */
    struct settings *settings;           /* published by RCU */
    pthread_mutex_t notice_writer;
    pthread_mutex_t answering[SERVICES];
    uint32_t first[SERVICES + 1]; /* where the next fair collection begins */
    struct handoff_port *ports[];
};

enum { BELL_RECORDS = SERVICES };
_Static_assert(BELL_RECORDS < 32, "a bit for each in `rung`");

static void port_free(struct handoff_port *p)
{
    if (!p)
        return;
    for (int s = 0; s < SERVICES; s++) {
        ring_free(p->asked[s]);
        ring_free(p->answered[s]);
    }
    ring_free(p->records_out);
    ring_free(p->records_back);
    ring_free(p->notices);
    free(p->jobs);
    free(p->spare);
    hidden_free(p->records, p->handoff->options.records * sizeof(struct record));
    free(p);
}

static bool port_rings(struct handoff_port *p, const struct handoff_options *o)
{
    bool ok = true;

    for (uint32_t s = 0; s < p->services; s++) {
        p->asked[s] = ring_new(o->jobs);
        p->answered[s] = ring_new(o->jobs);
        ok = ok && p->asked[s] && p->answered[s];
    }
    p->records_out = ring_new(o->records);
    p->records_back = ring_new(o->records);
    p->notices = ring_new(NOTICES);
    return ok && p->records_out && p->records_back && p->notices;
}

static struct handoff_port *port_new(struct handoff *h, uint16_t worker)
{
    const struct handoff_options *o = &h->options;
    struct handoff_port *p = aligned_alloc(64, (sizeof(*p) + 63) / 64 * 64);

    if (!p)
        return NULL;
    *p = (struct handoff_port){
        .handoff = h, .worker = worker, .services = SERVICE_IMAP + handoff_imap_lanes(h)};
    p->near_end = &p->near_first;
    p->jobs = calloc(o->jobs, sizeof(struct job));
    p->spare = malloc(o->records * sizeof(*p->spare));
    /* Mapped, so that slots nobody needs cost no memory. */
    p->records = hidden_new(o->records * sizeof(struct record));
    if (!port_rings(p, o) || !p->jobs || !p->spare || !p->records) {
        port_free(p);
        return NULL;
    }
    if (o->prefault && !hidden_prefault(p->records, o->records * sizeof(struct record))) {
        port_free(p);
        return NULL;
    }
    for (uint32_t i = 0; i < o->jobs; i++) {
        p->jobs[i].next = p->free_jobs;
        p->free_jobs = &p->jobs[i];
    }
    for (uint32_t i = 0; i < o->records; i++)
        p->spare[o->records - 1 - i] = &p->records[i];
    p->spares = o->records;
    return p;
}

struct handoff *handoff_new(const struct handoff_options *options)
{
    struct handoff *h = calloc(1, sizeof(*h) + options->workers * sizeof(h->ports[0]));

    if (!h)
        return NULL;
    h->options = *options;
    pthread_mutex_init(&h->notice_writer, NULL);
    for (int s = 0; s < SERVICES; s++)
        pthread_mutex_init(&h->answering[s], NULL);
    for (int i = 0; i <= SERVICES; i++)
        h->bells[i].fd = -1;
    for (uint32_t i = 0; i <= SERVICES; i++)
        if ((i < SERVICE_IMAP + handoff_imap_lanes(h) || i == BELL_RECORDS) &&
            !doorbell_init(&h->bells[i]))
            goto failed;
    for (uint32_t w = 0; w < options->workers; w++) {
        h->ports[w] = port_new(h, (uint16_t)w);
        if (!h->ports[w])
            goto failed;
    }
    return h;
failed:
    handoff_free(h);
    return NULL;
}

void handoff_free(struct handoff *h)
{
    if (!h)
        return;
    for (uint32_t w = 0; w < h->options.workers; w++)
        port_free(h->ports[w]);
    for (int i = 0; i <= SERVICES; i++)
        doorbell_fini(&h->bells[i]);
    pthread_mutex_destroy(&h->notice_writer);
    for (int s = 0; s < SERVICES; s++)
        pthread_mutex_destroy(&h->answering[s]);
    free(h);
}

void handoff_near(struct handoff *h, enum service service, job_near *near, void *context)
{
    h->near[service] = (struct near){.answer = near, .context = context};
}

uint32_t handoff_workers(const struct handoff *h)
{
    return h->options.workers;
}

uint32_t handoff_imap_lanes(const struct handoff *h)
{
    uint32_t lanes = h->options.imap_lanes;

    return lanes == 0 ? 1 : lanes < IMAP_LANES ? lanes : IMAP_LANES;
}

/* Ids follow each other, by steps of what else an account has: multiplied, they spread. */
enum service handoff_imap_lane(const struct handoff *h, uint64_t account)
{
    uint64_t spread = account * UINT64_C(0x9e3779b97f4a7c15) >> 32;

    return (enum service)(SERVICE_IMAP + spread % handoff_imap_lanes(h));
}

static enum service service_of(const struct handoff *h, const struct job *job)
{
    enum service service = job_service((enum job_kind)job->kind);

    return service == SERVICE_IMAP ? handoff_imap_lane(h, job->imap.account) : service;
}

struct handoff_port *handoff_port_of(struct handoff *h, uint32_t worker)
{
    return h->ports[worker];
}

static uint32_t spares_of(const struct handoff_port *port)
{
    return atomic_load_explicit(&port->spares, memory_order_relaxed);
}

struct handoff_level handoff_level(const struct handoff_port *port)
{
    return (struct handoff_level){.jobs = port->jobs_out,
                                  .jobs_most = port->jobs_most,
                                  .commits = ring_count(port->asked[SERVICE_STORE]),
                                  .records = ring_count(port->records_out),
                                  .records_free = spares_of(port) + ring_count(port->records_back)};
}

uint64_t handoff_log_dropped(const struct handoff *h)
{
    uint64_t sum = 0;

    for (uint32_t w = 0; w < h->options.workers; w++)
        sum += atomic_load_explicit(&h->ports[w]->log.dropped, memory_order_relaxed);
    return sum;
}

/* ---- the worker's side ---- */

struct job *job_take(struct handoff_port *port)
{
    struct job *job = port->free_jobs;

    if (!job)
        return NULL;
    port->free_jobs = job->next;
    if (++port->jobs_out > port->jobs_most)
        port->jobs_most = port->jobs_out;
    job->next = NULL;
    job->worker = port->worker;
    job->status = JOB_OK;
    atomic_store_explicit(&job->cancelled, 0, memory_order_relaxed);
    return job;
}

void job_submit(struct handoff_port *port, struct job *job)
{
    enum service service = service_of(port->handoff, job);
    const struct near *near = &port->handoff->near[service];

    job->asked_tsc = stage_now();
    if (near->answer && near->answer(near->context, job)) {
        job->next = NULL;
        *port->near_end = job;
        port->near_end = &job->next;
        return;
    }
    ring_put(port->asked[service], job);
    port->open[service]++;
    port->rung |= 1u << service;
}

uint32_t job_answers(struct handoff_port *port, struct job **jobs_out, uint32_t max)
{
    uint32_t n = 0;

    while (port->near_first && n < max) {
        jobs_out[n++] = port->near_first;
        port->near_first = port->near_first->next;
    }
    if (!port->near_first)
        port->near_end = &port->near_first;
    for (uint32_t s = 0; s < port->services && n < max; s++) {
        uint32_t taken;

        if (!port->open[s])
            continue;
        taken = ring_take(port->answered[s], (void **)(jobs_out + n), max - n);
        port->open[s] -= taken;
        n += taken;
    }
    return n;
}

bool job_answered_near(const struct handoff_port *port)
{
    return port->near_first != NULL;
}

uint32_t job_count(const struct handoff_port *port)
{
    return port->handoff->options.jobs;
}

void job_give(struct handoff_port *port, struct job *job)
{
    job->next = port->free_jobs;
    port->free_jobs = job;
    port->jobs_out--;
}

bool notice_take(struct handoff_port *port, struct notice *notice_out)
{
    void *slot;

    if (ring_take(port->notices, &slot, 1) == 0)
        return false;
    *notice_out = *(struct notice *)slot;
    return true;
}

struct record *record_take(struct handoff_port *port)
{
    uint32_t spares = spares_of(port);
    struct record *record;

    /* Not each time: the ring's line is the writer's, and comes from another processor. */
    if (spares == 0 || port->takes++ % RECORDS_BACK == 0)
        spares += ring_take(port->records_back, (void **)(port->spare + spares),
                            port->handoff->options.records - spares);
    if (spares == 0)
        return NULL;
    record = port->spare[--spares];
    atomic_store_explicit(&port->spares, spares, memory_order_relaxed);
    record->worker = port->worker;
    return record;
}

void record_give(struct handoff_port *port, struct record *record, bool send)
{
    uint32_t spares = spares_of(port);

    if (send) {
        ring_put(port->records_out, record);
        port->rung |= 1u << BELL_RECORDS;
        return;
    }
    port->spare[spares] = record;
    atomic_store_explicit(&port->spares, spares + 1, memory_order_relaxed);
}

void handoff_flush(struct handoff_port *port)
{
    while (port->rung) {
        unsigned bell = (unsigned)__builtin_ctz(port->rung);

        doorbell_ring(&port->handoff->bells[bell]);
        port->rung &= port->rung - 1;
    }
}

struct counters *handoff_counters(struct handoff_port *port)
{
    return &port->counters;
}

struct stage_cycles *handoff_cycles(struct handoff_port *port)
{
    return &port->cycles;
}

struct worker_log *handoff_log(struct handoff_port *port)
{
    return &port->log;
}

const struct settings *handoff_settings(const struct handoff_port *port)
{
    return rcu_dereference(port->handoff->settings);
}

uint16_t handoff_worker(const struct handoff_port *port)
{
    return port->worker;
}

/* ---- control's side ---- */

struct waiting {
    struct handoff *h;
    unsigned bell;
};

static struct ring *ring_towards(struct handoff *h, uint32_t worker, unsigned bell)
{
    return bell == BELL_RECORDS ? h->ports[worker]->records_out : h->ports[worker]->asked[bell];
}

static bool anything(void *arg)
{
    const struct waiting *w = arg;

    for (uint32_t i = 0; i < w->h->options.workers; i++)
        if (!ring_empty(ring_towards(w->h, i, w->bell)))
            return true;
    return false;
}

/* Begins each time with another worker, so that none is always served last. */
static uint32_t collect(struct handoff *h, unsigned bell, void **items_out, uint32_t max)
{
    uint32_t workers = h->options.workers, n = 0;

    for (uint32_t i = 0; i < workers && n < max; i++)
        n += ring_take(ring_towards(h, (h->first[bell] + i) % workers, bell), items_out + n,
                       max - n);
    h->first[bell] = (h->first[bell] + 1) % workers;
    return n;
}

uint32_t service_take(struct handoff *h, enum service service, struct job **jobs_out, uint32_t max)
{
    if (service >= SERVICE_IMAP + handoff_imap_lanes(h))
        return 0;
    return collect(h, service, (void **)jobs_out, max);
}

void service_wait(struct handoff *h, enum service service, int timeout_ms)
{
    struct waiting w = {.h = h, .bell = service};

    doorbell_wait(&h->bells[service], anything, &w, timeout_ms);
}

void service_wake(struct handoff *h, enum service service)
{
    doorbell_wake(&h->bells[service]);
}

void job_answer(struct handoff *h, struct job *job, enum job_status status)
{
    job->status = (uint8_t)status;
    ring_put(h->ports[job->worker]->answered[service_of(h, job)], job);
}

void job_answer_shared(struct handoff *h, struct job *job, enum job_status status)
{
    pthread_mutex_t *answering = &h->answering[service_of(h, job)];

    pthread_mutex_lock(answering);
    job_answer(h, job, status);
    pthread_mutex_unlock(answering);
}

bool notice_send(struct handoff *h, uint16_t worker, const struct notice *notice)
{
    bool ok = true;

    pthread_mutex_lock(&h->notice_writer);
    for (uint32_t w = 0; w < h->options.workers; w++) {
        struct handoff_port *p = h->ports[w];
        struct notice *slot = &p->notice_slots[p->notice_next % (NOTICES * 2)];

        if (worker != UINT16_MAX && worker != w)
            continue;
        *slot = *notice;
        if (ring_put(p->notices, slot))
            p->notice_next++;
        else
            ok = false;
    }
    pthread_mutex_unlock(&h->notice_writer);
    return ok;
}

uint32_t record_collect(struct handoff *h, struct record **records_out, uint32_t max)
{
    return collect(h, BELL_RECORDS, (void **)records_out, max);
}

void record_return(struct handoff *h, struct record *record)
{
    ring_put(h->ports[record->worker]->records_back, record);
}

void record_wait(struct handoff *h, int timeout_ms)
{
    struct waiting w = {.h = h, .bell = BELL_RECORDS};

    doorbell_wait(&h->bells[BELL_RECORDS], anything, &w, timeout_ms);
}

void record_wake(struct handoff *h)
{
    doorbell_ring(&h->bells[BELL_RECORDS]);
}

struct settings *settings_publish(struct handoff *h, struct settings *settings)
{
    struct settings *old = rcu_xchg_pointer(&h->settings, settings);

    synchronize_rcu();
    return old;
}
