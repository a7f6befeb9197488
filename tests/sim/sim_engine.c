/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_engine.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_eth_ring.h>
#include <urcu-qsbr.h>

#include "dataplane/handoff/gauge_table.h"
#include "dataplane/port/eal.h"
#include "dataplane/worker/worker.h"
#include "tests/sim/sim_gather.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/sim_router.h"

enum { BUFFER = 2000, LARGE = 60000, TSO_LIMIT = 65407, LINK_HEADER = 18 };
enum { QUEUE = 2048, MESH = 64, JOBS = 16, RECORDS = 64, SESSIONS = 200, HELD = 4096 };

static struct {
    struct rte_ring *in[SIM_WORKERS], *out[SIM_WORKERS];
    struct port *port;
} bench;

struct sim_engine {
    struct sim_engine_options options;
    struct sim_random *random;
    struct world *world;
    struct mesh *mesh;
    struct chunk_pool *pool[SIM_WORKERS];
    struct tcp *tcp[SIM_WORKERS];
    struct sessions *sessions[SIM_WORKERS];
    struct worker *worker[SIM_WORKERS];
    struct sim_inside inside[SIM_WORKERS];
    struct sim_packet *joined; /* what the port still has of this moment */
    struct sim_watch watch;
    struct sim_gather gather;
};

static void bail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(2);
}

struct ip_address sim_engine_address(bool v4)
{
    static const uint8_t four[4] = {198, 18, 0, 2}, six[16] = {0x20, 1, 0, 2, [15] = 2};

    return v4 ? ip_address_v4(four) : ip_address_v6(six);
}

void sim_engine_environment(void)
{
    static const char *const extra[] = {"--no-huge", "--no-shconf", "--no-telemetry",
                                        "--log-level=4"};
    struct eal_options o = {
        .program = "simulate", .memory_mb = 128, .extra = extra, .extra_count = 4};
    struct port_options port = {.device = "net_ring_sim",
                                .workers = SIM_WORKERS,
                                .lcores = 1,
                                .rx_descriptors = 128,
                                .tx_descriptors = 128,
                                .burst = 32,
                                .held = SIM_WORKERS * QUEUE * 2 + HELD};
    char text[256] = "", name[16];
    struct writer why = writer_of(text, sizeof(text) - 1);

    if (!eal_start(&o, &why))
        bail(text);
    for (int i = 0; i < SIM_WORKERS; i++) {
        snprintf(name, sizeof(name), "sim_in%d", i);
        bench.in[i] = rte_ring_create(name, QUEUE, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
        snprintf(name, sizeof(name), "sim_out%d", i);
        bench.out[i] = rte_ring_create(name, QUEUE, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
        if (!bench.in[i] || !bench.out[i])
            bail("no memory for rings");
    }
    if (rte_eth_from_rings("sim", bench.in, SIM_WORKERS, bench.out, SIM_WORKERS, 0) < 0)
        bail("no port made of rings");
    bench.port = port_open(&port, &why);
    if (!bench.port)
        bail(text);
}

static struct net_options net_options(const struct sim_engine *e, uint64_t seed)
{
    struct net_options o = {.workers = e->options.workers,
                            .address_count = 2,
                            .seed = seed,
                            .port = *port_capabilities(bench.port)};

    if (e->options.offloads) {
        o.port.tx_ipv4_checksum = o.port.tx_tcp_checksum = o.port.tx_chains = true;
        o.port.tso = o.port.tso_v6 = o.port.rx_large = true;
        o.port.tso_limit = TSO_LIMIT;
        o.port.tso_frame = o.port.mtu + LINK_HEADER;
    }
    memcpy(o.mac, sim_router_engine_mac, 6);
    for (int i = 0; i < 2; i++)
        o.addresses[i] = (struct net_address){.address = sim_engine_address(i == 0),
                                              .prefix = i ? 64 : 24,
                                              .gateway = sim_router_address(i == 0),
                                              .has_gateway = true};
    return o;
}

static void make_worker(struct sim_engine *e, uint32_t i, uint64_t seed, uint64_t now)
{
    struct net_options net = net_options(e, seed);
    struct tcp_options tcp = e->options.tcp;

    tcp.mss_v4 = net_mss(&net, true);
    tcp.mss_v6 = net_mss(&net, false);
    tcp.secret[0] = (uint8_t)seed;
    tcp.secret[1] = (uint8_t)(seed >> 8);
    e->pool[i] = chunk_pool_new(e->options.chunks);
    e->tcp[i] = tcp_new(&tcp, e->pool[i]);
    e->sessions[i] =
        sessions_new(&(struct sessions_options){.tcp = e->tcp[i],
                                                .pool = e->pool[i],
                                                .port = handoff_port_of(e->world->handoff, i),
                                                .connections = SESSIONS,
                                                .node = 1,
                                                .ids_after_ms = e->world->wall_ms});
    e->worker[i] =
        worker_new(&(struct worker_options){.index = i,
                                            .port = bench.port,
                                            .mesh = e->mesh,
                                            .net = net,
                                            .tcp = e->tcp[i],
                                            .app = worker_app_sessions(e->sessions[i]),
                                            .handoff = handoff_port_of(e->world->handoff, i),
                                            .burst = e->options.burst});
    worker_begin(e->worker[i], now);
}

struct sim_engine *sim_engine_new(const struct sim_engine_options *options,
                                  struct sim_random *random, uint64_t now)
{
    struct sim_engine *e = calloc(1, sizeof(*e));
    uint64_t seed = sim_random_next(random);

    e->options = *options;
    e->random = random;
    e->watch = (struct sim_watch){.name = "engine", .fault = options->fault, .user = options->user};
    e->world = calloc(1, sizeof(*e->world));
    e->world->wall_ms = 1800000000000ull;
    e->world->handoff = handoff_new(
        &(struct handoff_options){.workers = options->workers, .jobs = JOBS, .records = RECORDS});
    world_settings(e->world, NULL);
    urcu_qsbr_register_thread();
    e->mesh = mesh_new(options->workers, MESH);
    for (uint32_t i = 0; i < options->workers; i++)
        make_worker(e, i, seed, now);
    return e;
}

static void fault(const struct sim_engine *e, const char *what)
{
    e->options.fault(e->options.user, "engine", what);
}

/* Frames that nobody fetched any more. */
static void drain(struct rte_ring *ring)
{
    void *frame;

    while (rte_ring_dequeue(ring, &frame) == 0)
        rte_pktmbuf_free(frame);
}

static void check_given_back(const struct sim_engine *e, uint32_t i)
{
    uint32_t jobs = 0;

    while (job_take(handoff_port_of(e->world->handoff, i)))
        jobs++;
    if (jobs != JOBS)
        fault(e, "has jobs out at the end");
    for (int c = 0; c < CHUNK_CLASSES; c++)
        if (chunk_used(e->pool[i], (enum chunk_class)c))
            fault(e, "has chunks out at the end");
    if (sessions_count(e->sessions[i]))
        fault(e, "has sessions at the end");
    if (tcp_connections(e->tcp[i]))
        fault(e, "has connections at the end");
    sim_inside_end(e->tcp[i], &e->watch);
}

void sim_engine_free(struct sim_engine *e)
{
    free(e->joined);
    for (uint32_t i = 0; i < e->options.workers; i++) {
        check_given_back(e, i);
        worker_free(e->worker[i]);
        sessions_free(e->sessions[i]);
        tcp_free(e->tcp[i]);
        chunk_pool_free(e->pool[i]);
    }
    for (uint32_t i = 0; i < SIM_WORKERS; i++) {
        drain(bench.in[i]);
        drain(bench.out[i]);
    }
    mesh_free(e->mesh);
    if (e->world->pins || e->world->views)
        fault(e, "has pins or views out at the end");
    if (gauge_table_sum(e->world->settings.limits.gauges))
        fault(e, "has gauges of sessions that are gone");
    if (rte_mempool_in_use_count(port_mempool(bench.port)))
        fault(e, "has frames out at the end");
    free(settings_publish(e->world->handoff, NULL));
    urcu_qsbr_unregister_thread();
    world_control_fini(e->world);
    free(e->world);
    sim_watch_fini(&e->watch);
    sim_gather_fini(&e->gather);
    free(e);
}

/* Bytes of a received frame in one buffer. */
static uint32_t piece(const struct sim_engine *e)
{
    return e->options.scatter ? e->options.scatter : BUFFER;
}

/* A frame of the packet on a queue's ring; false: no room. */
static bool put(struct sim_engine *e, struct sim_packet *p)
{
    struct span bytes = span_of(p->frame, p->len);
    struct rte_mempool *pool = port_mempool(bench.port);
    struct rte_mbuf *frame = rte_pktmbuf_alloc(pool), *tail = frame;
    uint32_t step = piece(e);
    struct rte_ring *ring = bench.in[sim_random_below(e->random, e->options.workers)];

    for (size_t at = 0; tail && at < bytes.len; at += step) {
        struct span part = span_head(span_skip(bytes, at), step);

        if (at) {
            tail->next = rte_pktmbuf_alloc(pool);
            tail = tail->next;
            frame->nb_segs++;
        }
        if (!tail)
            break;
        memcpy(rte_pktmbuf_mtod(tail, uint8_t *), part.data, part.len);
        tail->data_len = (uint16_t)part.len;
        frame->pkt_len += (uint32_t)part.len;
    }
    if (tail && e->options.offloads)
        frame->ol_flags |= sim_port_sums(p);
    if (tail && rte_ring_enqueue(ring, frame) == 0)
        return true;
    rte_pktmbuf_free(frame);
    return false;
}

static void receive(struct sim_engine *e, struct sim_packet *p)
{
    struct sim_packet *whole =
        put(e, p) && !e->options.unwatched ? sim_gather(&e->gather, p) : NULL;

    if (whole)
        sim_watch_arrived(&e->watch, whole);
    free(p);
}

static void flush(struct sim_engine *e)
{
    if (e->joined)
        receive(e, e->joined);
    e->joined = NULL;
}

void sim_engine_input(struct sim_engine *e, struct sim_packet *p)
{
    uint32_t most = (TCP_PIECES - 2) * piece(e);
    struct sim_packet *whole;

    sim_router_address_frame(p);
    if (!e->options.offloads) {
        receive(e, p);
        return;
    }
    whole = e->joined ? sim_port_join(e->joined, p, most < LARGE ? most : LARGE) : NULL;
    if (!whole)
        flush(e);
    e->joined = whole ? whole : p;
}

static void take_packet(void *user, struct sim_packet *p)
{
    struct sim_engine *e = user;
    int what = sim_router_take(p);

    if (what == ROUTER_FORWARD) {
        if (!e->options.unwatched)
            sim_watch_sent(&e->watch, p);
        e->options.send(e->options.user, p);
        return;
    }
    if (what == ROUTER_ANSWER)
        put(e, p);
    free(p);
}

uint32_t sim_engine_turn(struct sim_engine *e, uint64_t now)
{
    struct turn_time time = {.now = now, .wall_ms = e->world->wall_ms + now / 1000};
    uint32_t did = 0;
    void *frame;

    flush(e);
    for (uint32_t i = 0; i < e->options.workers; i++) {
        did += worker_turn(e->worker[i], time);
        while (rte_ring_dequeue(bench.out[i], &frame) == 0) {
            sim_port_cut(frame, take_packet, e);
            rte_pktmbuf_free(frame);
        }
        if (!e->options.unwatched)
            sim_inside_look(&e->inside[i], e->tcp[i], &e->watch);
    }
    return did;
}

uint32_t sim_engine_control(struct sim_engine *e)
{
    return world_control(e->world);
}

bool sim_engine_asks(const struct sim_engine *e)
{
    bool asks = false;

    for (uint32_t i = 0; i < e->options.workers; i++) {
        struct handoff_level level = handoff_level(handoff_port_of(e->world->handoff, i));

        asks |= level.jobs || level.records;
    }
    return asks;
}

uint64_t sim_engine_next(const struct sim_engine *e)
{
    uint64_t next = e->joined ? 0 : UINT64_MAX;

    for (uint32_t i = 0; i < e->options.workers; i++) {
        uint64_t one = worker_next_timer(e->worker[i]);

        next = one < next ? one : next;
        if (!rte_ring_empty(bench.in[i]))
            next = 0;
    }
    return next;
}

uint32_t sim_engine_standing(const struct sim_engine *e)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->options.workers; i++)
        n += tcp_connections(e->tcp[i]) + sessions_count(e->sessions[i]);
    return n;
}

struct world *sim_engine_world(struct sim_engine *e)
{
    return e->world;
}

const struct sim_watch *sim_engine_watch(const struct sim_engine *e)
{
    return &e->watch;
}

uint64_t sim_engine_retransmitted(const struct sim_engine *e)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < e->options.workers; i++)
        n += tcp_counters(e->tcp[i])->retransmitted;
    return n;
}
