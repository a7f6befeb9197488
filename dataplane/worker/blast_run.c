/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <time.h>

#include "dataplane/blast/blast_sink.h"
#include "dataplane/port/eal.h"
#include "dataplane/worker/engine.h"

enum { STEP_MS = 5, STOPPED_STEPS = 20, READY_MS = 5000, CONNECTIONS_MORE = 8192 };
enum { WINDOW = 1 << 18, NARROW = 256, SEND_LIMIT = 1 << 20 };

#define LEDGER_MESSAGES (UINT64_C(1) << 24) /* without a number of messages */

struct blasting {
    const struct blast_order *order;
    struct blast_shared shared;
    struct handoff *handoff;
    struct engine *engine;
    struct blast_client *client[ENGINE_WORKERS];
    struct blast_sink *sink[ENGINE_WORKERS];
    struct blast_tally *tally; /* one a worker, and one for their sum */
    struct blast_verified verified;
    uint64_t loaded; /* when the load had ended; 0: not yet */
    uint64_t told;
};

static uint64_t now_us(void)
{
    return worker_loop_time().now;
}

/* ---- parts ---- */

static bool make_app(void *user, uint32_t index, struct tcp *tcp, struct chunk_pool *pool,
                     struct worker_app *app_out)
{
    struct blasting *b = user;
    struct blast_client_options o = {
        .shared = &b->shared, .index = index, .tcp = tcp, .pool = pool, .tally = &b->tally[index]};

    if (b->order->work == BLAST_WORK_SINK) {
        b->sink[index] = blast_sink_new(&o);
        *app_out = (struct worker_app){.self = b->sink[index],
                                       .turn = blast_sink_turn,
                                       .next_timer = blast_sink_next_timer,
                                       .count = blast_sink_count};
        return b->sink[index];
    }
    b->client[index] = blast_client_new(&o);
    *app_out = (struct worker_app){.self = b->client[index],
                                   .turn = blast_client_turn,
                                   .next_timer = blast_client_next_timer,
                                   .make = b->order->flood_rate > 0 ? blast_client_make : NULL,
                                   .count = blast_client_count};
    return b->client[index];
}

static struct engine_options engine_options_of(struct blasting *b)
{
    const struct blast_order *o = b->order;
    uint32_t share = blast_client_share(o, 0), places = blast_client_places(o, 0);
    struct engine_options e = {
        .program = o->program,
        .pmd = o->device ? NULL : o->pmd,
        .interface = o->interface,
        .device = o->device,
        .eal_extra = o->eal,
        .eal_extra_count = o->eal_count,
        .offloads = o->offloads,
        .claim = {.address = o->flood_from.address, .prefix = o->flood_from.prefix},
        .rough = {.loss = o->loss,
                  .delay_us = o->delay_us,
                  .jitter_us = o->jitter_us,
                  .seed = o->seed,
                  .buffers = rough_line_buffers(o->delay_us, o->jitter_us)},
        .claims = o->flood_rate > 0,
        .vlan = o->vlan,
        .workers = o->workers,
        .idle = o->busy ? WORKER_IDLE_BUSY : WORKER_IDLE_ADAPTIVE,
        /* Who holds still does not close, and has nothing under way. */
        .tcp = {.connections = share + (o->hold_us ? 0 : share / 2) + CONNECTIONS_MORE,
                .flights = o->hold_us ? places + CONNECTIONS_MORE : 0,
                .half_open = o->work == BLAST_WORK_SINK ? 65535 : 16,
                .receive_window = WINDOW,
                .narrow_window = NARROW,
                .send_limit = SEND_LIMIT},
        .chunks = {4 * places + 4096, places / 2 + 1024, places / 64 + 256},
        /* Page faults are measured as the server's; who holds many connections needs few chunks. */
        .prefault = !o->hold_us,
        .handoff = b->handoff,
        .make_app = make_app,
        .app_user = b,
    };

    memcpy(e.cpus, o->cpus, sizeof(e.cpus));
    for (; e.address_count < o->address_count; e.address_count++) {
        const struct blast_address *from = &o->addresses[e.address_count];

        e.addresses[e.address_count] = (struct net_address){.address = from->address,
                                                            .gateway = from->gateway,
                                                            .prefix = from->prefix,
                                                            .has_gateway = from->has_gateway};
    }
    return e;
}

/* All of it is touched now: hundreds of page faults in the middle of a load take the CPU for
 * milliseconds, and are measured as the server's. */
static struct blast_tally *tallies_new(uint32_t count)
{
    size_t bytes = count * sizeof(struct blast_tally);
    struct blast_tally *tallies = aligned_alloc(_Alignof(struct blast_tally), bytes);

    if (tallies)
        memset(tallies, 0, bytes);
    return tallies;
}

static bool begin(struct blasting *b, struct writer *why)
{
    const struct blast_order *o = b->order;
    struct engine_options options;

    b->tally = tallies_new(o->workers + 1);
    b->handoff =
        handoff_new(&(struct handoff_options){.workers = o->workers, .jobs = 1, .records = 1});
    if (o->verify)
        b->shared.ledger = blast_ledger_new(o->messages ? o->messages : LEDGER_MESSAGES);
    if (!b->tally || !b->handoff || (o->verify && !b->shared.ledger)) {
        writer_text(why, "out of memory");
        return false;
    }
    options = engine_options_of(b);
    b->engine = engine_start(&options, why);
    if (!b->engine || !engine_launch(b->engine, why))
        return false;
    eal_control_affinity();
    return true;
}

static void end(struct blasting *b)
{
    if (b->engine)
        engine_stop(b->engine);
    for (uint32_t i = 0; i < ENGINE_WORKERS; i++) {
        blast_client_free(b->client[i]);
        blast_sink_free(b->sink[i]);
    }
    blast_ledger_free(b->shared.ledger);
    handoff_free(b->handoff);
    free(b->tally);
}

/* ---- what is told ---- */

static void add(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

static void sum_step(struct blast_step_tally *all, const struct blast_step_tally *one)
{
    add(&all->started, &one->started,
        offsetof(struct blast_step_tally, session) / sizeof(uint64_t));
    log_histogram_merge(&all->session, &one->session);
    log_histogram_merge(&all->end, &one->end);
}

static void sum(struct blasting *b)
{
    struct blast_tally *all = &b->tally[b->order->workers];

    memset(all, 0, blast_tally_size(b->order));
    for (uint32_t w = 0; w < b->order->workers; w++) {
        const struct blast_tally *one = &b->tally[w];

        add((uint64_t *)&all->counts, (const uint64_t *)&one->counts,
            sizeof(all->counts) / sizeof(uint64_t));
        add(all->refused[0], one->refused[0], sizeof(all->refused) / sizeof(uint64_t));
        add((uint64_t *)all->manners, (const uint64_t *)one->manners,
            sizeof(all->manners) / (sizeof(uint64_t)));
        add(all->errors, one->errors, POP3_VERB_COUNT);
        add(all->imap_errors, one->imap_errors, BLAST_IMAP_STEPS);
        add(all->imap_faults, one->imap_faults, IMAP_RESPONSE_FAULTS);
        add(all->smtp_faults, one->smtp_faults, SMTP_CLIENT_FAULTS);
        add(all->pop3_faults, one->pop3_faults, POP3_CLIENT_FAULTS);
        all->tls_fault = one->tls_fault ? one->tls_fault : all->tls_fault;
        for (int i = 0; i < BLAST_LATENCIES; i++)
            log_histogram_merge(&all->latency[i], &one->latency[i]);
        for (uint32_t i = 0; i < b->order->step_count; i++)
            sum_step(&all->steps[i], &one->steps[i]);
    }
}

/* Whether it is the load that is at its limit, not the server. */
static double busy(const struct blasting *b)
{
    uint64_t did = 0, all = 0;

    for (uint32_t i = 0; i < b->order->workers; i++) {
        const struct stage_cycles *c = handoff_cycles(handoff_port_of(b->handoff, i));

        did += c->busy;
        all += c->busy + c->idle;
    }
    return all ? (double)did / (double)all : 0;
}

/* When the last worker's last session stood; 0: not yet. */
static uint64_t stood(const struct blasting *b)
{
    uint64_t last = 0;

    for (uint32_t i = 0; b->order->hold_us && i < b->order->workers; i++) {
        uint64_t at = b->client[i] ? blast_client_stood(b->client[i]) : 0;

        if (!at)
            return 0;
        last = at > last ? at : last;
    }
    return last ? last - b->shared.begin : 0;
}

static void tell(struct blasting *b, const struct blast_verified *verified)
{
    uint64_t now = now_us(), until = b->loaded ? b->loaded : now;
    struct blast_told told = {.elapsed_us = now - b->shared.begin,
                              .load_us = until - b->shared.begin,
                              .active = engine_status(b->engine).sessions,
                              .stood_us = stood(b),
                              .verifying = b->shared.phase == BLAST_PHASE_VERIFY,
                              .busy = busy(b),
                              .tally = &b->tally[b->order->workers],
                              .verified = verified};

    sum(b);
    b->order->second(b->order->context, &told);
    b->told = now;
}

static void tell_counter(void *user, const char *name, uint64_t value)
{
    const struct blast_order *o = user;

    o->counter(o->context, name, value);
}

/* What the workers' turns that did something took, by stage. */
static void tell_cycles(const struct blasting *b)
{
    const struct blast_order *o = b->order;
    uint64_t stages[STAGES] = {0};
    char name[32];

    for (uint32_t i = 0; i < o->workers; i++)
        add(stages, handoff_cycles(handoff_port_of(b->handoff, i))->stage, STAGES);
    for (int i = 0; i < STAGES; i++) {
        struct writer w = writer_of(name, sizeof(name) - 1);

        writer_text(&w, "cycles_");
        writer_text(&w, stage_name((enum stage)i));
        name[w.len] = '\0';
        if (stages[i])
            o->counter(o->context, name, stages[i]);
    }
}

/* ---- the run ---- */

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000}, NULL);
}

static void enter(struct blasting *b, enum blast_phase phase)
{
    atomic_store_explicit(&b->shared.phase, phase, memory_order_release);
}

/* All workers have brought the phase to its end; *at_out is when the last one did. */
static bool is_finished(const struct blasting *b, enum blast_phase phase, uint64_t *at_out)
{
    *at_out = 0;
    for (uint32_t i = 0; i < b->order->workers; i++) {
        uint64_t at;

        if (!b->client[i] || blast_client_finished(b->client[i], &at) != phase)
            return false;
        *at_out = at > *at_out ? at : *at_out;
    }
    return true;
}

/* Waits for the end of a phase, for `until`, or to be stopped. False: it was stopped. */
static bool wait_for(struct blasting *b, enum blast_phase phase, uint64_t until)
{
    const struct blast_order *o = b->order;
    uint64_t at;

    for (uint32_t step = 0; now_us() < until; step++) {
        if (is_finished(b, phase, &at)) {
            b->loaded = phase <= BLAST_PHASE_DRAIN ? at : b->loaded;
            return true;
        }
        if (now_us() - b->told >= 1000000)
            tell(b, NULL);
        /* A server is not left with a million dead connections, whoever is in a hurry. */
        if (step % STOPPED_STEPS == 0 && !(o->hold_us && phase == BLAST_PHASE_DRAIN) &&
            o->stopped(o->context))
            return false;
        nap();
    }
    return true;
}

/* Those that hold still are ended as fast as the server takes it: for as long as some are. */
static void drain(struct blasting *b)
{
    const struct blast_order *o = b->order;
    uint32_t before, left = engine_status(b->engine).sessions;

    enter(b, BLAST_PHASE_DRAIN);
    do {
        before = left;
        wait_for(b, BLAST_PHASE_DRAIN, now_us() + o->drain_us);
        left = engine_status(b->engine).sessions;
    } while (o->hold_us && left && left < before);
}

static void work(struct blasting *b)
{
    const struct blast_order *o = b->order;
    bool goes_on;

    for (int waited = 0; !engine_ready(b->engine) && waited < READY_MS; waited += STEP_MS)
        nap();
    b->shared.begin = b->told = now_us();
    enter(b, BLAST_PHASE_LOAD);
    goes_on = wait_for(b, BLAST_PHASE_LOAD,
                       o->duration_us ? b->shared.begin + o->duration_us : UINT64_MAX);
    if (o->work != BLAST_WORK_SINK && (!b->loaded || o->hold_us))
        drain(b);
    if (!b->loaded)
        b->loaded = now_us();
    if (o->verify && goes_on) {
        enter(b, BLAST_PHASE_VERIFY);
        wait_for(b, BLAST_PHASE_VERIFY, UINT64_MAX);
        b->verified = blast_ledger_sum(b->shared.ledger);
    }
    enter(b, BLAST_PHASE_END);
    nap();
    engine_halt(b->engine);
    tell(b, o->verify && goes_on ? &b->verified : NULL);
    engine_counters(b->engine, &(struct counter_sink){.put = tell_counter, .user = (void *)o});
    tell_cycles(b);
}

bool blast_run(const struct blast_order *order, struct writer *why)
{
    struct blasting *b = calloc(1, sizeof(*b));
    bool ok;

    if (!b) {
        writer_text(why, "out of memory");
        return false;
    }
    b->order = order;
    b->shared.order = order;
    ok = begin(b, why);
    if (ok)
        work(b);
    end(b);
    free(b);
    return ok;
}
