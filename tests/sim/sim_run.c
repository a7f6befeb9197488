/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_client.h"
#include "tests/sim/sim_engine.h"

enum {
    BEGIN = 1000000,
    IDLE_STEPS = 50, /* without progress at one moment before the clock is pushed on */
    NAP = 1000,      /* a worker's nap, where a timer is due that changes nothing */
    WINDOW = 262144,
    MSS = 1460,
};
#define LONGEST (8ull * 3600 * 1000000) /* virtual: more than any back-off needs */

struct sim {
    struct sim_scenario scenario;
    struct sim_random random;
    struct sim_link link;
    struct sim_client client;
    struct sim_engine *engine;
    struct sim_result *result;
    uint64_t seed, now, control; /* when control looks again */
    bool verbose;
};

static void fault(void *user, const char *where, const char *what)
{
    struct sim *sim = user;

    if (sim->result->faults++)
        return;
    snprintf(sim->result->first, sizeof(sim->result->first), "%.6f s: %s %s",
             (double)sim->now / 1e6, where, what);
    if (sim->verbose)
        printf("FAULT %s\n", sim->result->first);
}

static void show(const struct sim *sim, const struct sim_packet *p, const char *what)
{
    struct sim_packet *copy = sim_packet_copy(p);
    struct sim_view v;

    if (sim_packet_view_tcp(copy, &v))
        printf("%12.6f %s %s %u > %u seq %u ack %u win %u flags %02x len %u%s\n",
               (double)sim->now / 1e6, what, p->way == SIM_IN ? "->" : "<-", sim_get16(v.l4),
               sim_get16(v.l4 + 2), sim_get32(v.l4 + SIM_SEQ), sim_get32(v.l4 + SIM_ACK),
               sim_get16(v.l4 + SIM_WINDOW), v.l4[SIM_FLAGS], v.l4_len - sim_view_header(&v),
               sim_view_sums_good(&v) ? "" : " BAD SUM");
    else
        printf("%12.6f %s %s %u bytes\n", (double)sim->now / 1e6, what,
               p->way == SIM_IN ? "->" : "<-", p->len);
    free(copy);
}

static void send(void *user, struct sim_packet *p)
{
    struct sim *sim = user;

    sim->result->packets++;
    if (sim->verbose)
        show(sim, p, "send");
    sim->link.now = sim->now;
    sim_link_send(&sim->link, p);
}

static void deliver(void *user, struct sim_packet *p)
{
    struct sim *sim = user;

    if (sim->verbose)
        show(sim, p, "    ");
    if (p->way == SIM_IN)
        sim_engine_input(sim->engine, p);
    else
        sim_client_input(&sim->client, p);
}

/* What has arrived on one side in order is what the other side has sent. */
static void compare_side(struct sim *sim, const struct sim_watch *from, const struct sim_watch *to,
                         const struct watch_flow *f)
{
    uint32_t ports = f->ports << 16 | f->ports >> 16;

    for (uint32_t i = 0; i < from->count; i++) {
        const struct watch_flow *g = from->flows[i];

        if (g->ports == ports && f->got_len <= g->sent_len &&
            memcmp(f->got, g->sent, f->got_len) == 0)
            return;
    }
    fault(sim, to->name, "received other bytes than its peer sent");
}

static void compare(struct sim *sim)
{
    const struct sim_watch *c = &sim->client.watch, *e = sim_engine_watch(sim->engine);

    for (uint32_t i = 0; i < c->count; i++)
        if (c->flows[i]->got_len)
            compare_side(sim, e, c, c->flows[i]);
    for (uint32_t i = 0; i < e->count; i++)
        if (e->flows[i]->got_len)
            compare_side(sim, c, e, e->flows[i]);
}

static struct tcp_options tcp_options(const struct sim_scenario *s, uint32_t mss, uint8_t key)
{
    return (struct tcp_options){.connections = 256,
                                .half_open = 64,
                                .receive_window = s->window ? s->window : WINDOW,
                                .send_limit = 262144,
                                .mss_v4 = (uint16_t)mss,
                                .mss_v6 = (uint16_t)(mss - 20),
                                .time_wait_ms = 20000,
                                .ecn = TCP_ECN_ASK,
                                .secret = {key, key}};
}

static void open_sim(struct sim *sim)
{
    static const uint32_t plenty[CHUNK_CLASSES] = {2000, 1000, 300};
    struct sim_scenario *s = &sim->scenario;
    struct sim_engine_options engine = {
        .tcp = tcp_options(s, MSS, 1), .send = send, .fault = fault, .user = sim};
    struct sim_client_options client = {.tcp = tcp_options(s, s->mss ? s->mss : MSS, 2),
                                        .chunks = {2000, 2000, 500},
                                        .messages = s->messages,
                                        .size_most = s->size_most,
                                        .deaf = s->deaf,
                                        .v4 = !s->v6,
                                        .send = send,
                                        .fault = fault,
                                        .user = sim};

    s->workers = s->workers ? s->workers : 1 + (uint32_t)sim_random_below(&sim->random, 3);
    engine.workers = s->workers;
    engine.offloads = s->offloads;
    engine.burst = (uint16_t)(1 + sim_random_below(&sim->random, 32));
    engine.scatter =
        sim_random_below(&sim->random, 4) ? 0 : 300 + (uint32_t)sim_random_below(&sim->random, 900);
    for (int c = 0; c < CHUNK_CLASSES; c++)
        engine.chunks[c] = plenty[c] * (s->chunks ? s->chunks : 100) / 100;
    client.apart = sim_random_below(&sim->random, 10000000);
    client.pipelining = (uint32_t)sim_random_below(&sim->random, 1000001);
    sim->link = (struct sim_link){
        .random = {sim_random_next(&sim->random)}, .deliver = deliver, .user = sim};
    sim_scenario_link(s, &sim->link, &sim->random);
    sim->engine = sim_engine_new(&engine, &sim->random, sim->now);
    sim_client_init(&sim->client, &client, &sim->random, sim_engine_world(sim->engine), sim->now);
}

/* Control answers at once, or looks in only now and then. */
static uint32_t control(struct sim *sim)
{
    if (sim->now < sim->control)
        return 0;
    if (sim->scenario.control)
        sim->control = sim->now + 1 + sim_random_below(&sim->random, sim->scenario.control);
    return sim_engine_control(sim->engine);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Everything that happens at one moment; then the clock moves to the next. False: nothing will ever
 * happen. */
static bool moment(struct sim *sim)
{
    uint64_t next;
    uint32_t moved = 1;

    for (int i = 0; moved && i < IDLE_STEPS; i++) {
        moved = sim_link_run(&sim->link, sim->now);
        moved += sim_engine_turn(sim->engine, sim->now);
        moved += sim_client_turn(&sim->client, sim->now);
        moved += control(sim);
        sim->result->steps++;
    }
    next = earlier(sim_link_next(&sim->link), sim_engine_next(sim->engine));
    next = earlier(next, sim_client_next(&sim->client));
    if (sim->scenario.control && sim_engine_asks(sim->engine))
        next = earlier(next, sim->control);
    if (next == UINT64_MAX)
        return false;
    sim->now = next > sim->now ? next : sim->now + NAP;
    return true;
}

static bool over(const struct sim *sim)
{
    return sim_client_finished(&sim->client) && !sim_engine_standing(sim->engine) &&
           !sim_engine_asks(sim->engine);
}

/* Every message is in the store, and nothing else is. */
static void check_store(struct sim *sim)
{
    const struct world *w = sim_engine_world(sim->engine);
    const struct sim_client *c = &sim->client;

    for (uint32_t i = 0; i + 1 < c->count; i++) {
        struct span sent = span_of(c->messages[i].bytes, c->messages[i].len);
        uint32_t found = 0;

        for (uint32_t k = 0; k < w->message_count; k++) {
            const struct world_message *m = &w->messages[k];

            found += span_equal(sent, span_of(m->bytes + m->prefix, m->len - m->prefix));
        }
        if (c->messages[i].sent && !found)
            fault(sim, "store", "lacks a message that was answered 250");
        if (found > c->talks[i].tries)
            fault(sim, "store", "has a message more often than it was sent");
    }
    if (w->row_count)
        fault(sim, "store", "has rows of no message");
}

static void close_sim(struct sim *sim)
{
    compare(sim);
    check_store(sim);
    sim->result->virtual_us = sim->now - BEGIN;
    sim->result->retransmitted =
        sim_engine_retransmitted(sim->engine) + tcp_counters(sim->client.host.tcp)->retransmitted;
    for (uint32_t i = 0; i < sim->link.count; i++) {
        sim->result->dropped += sim->link.elements[i]->dropped;
        sim->result->changed += sim->link.elements[i]->changed;
    }
    sim_client_fini(&sim->client);
    sim_engine_free(sim->engine);
    sim_link_fini(&sim->link);
}

void sim_run(const struct sim_scenario *scenario, uint64_t seed, bool verbose,
             struct sim_result *result)
{
    static struct sim sim;

    *result = (struct sim_result){0};
    sim = (struct sim){
        .random = {seed}, .seed = seed, .now = BEGIN, .result = result, .verbose = verbose};
    if (scenario)
        sim.scenario = *scenario;
    else
        sim_scenario_draw(&sim.scenario, &sim.random);
    open_sim(&sim);
    if (verbose)
        sim_scenario_print(&sim.scenario);
    while (!result->faults && !over(&sim)) {
        if (!moment(&sim) && !over(&sim))
            fault(&sim, "clock", "stands still with work to do: a timer was lost");
        if (sim.now - BEGIN > LONGEST)
            fault(&sim, "clock", "ran for hours without an end");
    }
    close_sim(&sim);
}
