/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/engine.h"

#include <stdlib.h>
#include <sys/random.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "dataplane/handoff/counters.h"
#include "dataplane/handoff/hidden.h"
#include "dataplane/net/neighbour.h"
#include "dataplane/port/eal.h"
#include "dataplane/worker/device.h"
#include "dataplane/worker/telemetry.h"
#include "dataplane/worker/watchdog.h"
#include "proto/imap/imap_reply.h"
#include "proto/pop3/pop3_reply.h"
#include "proto/smtp/smtp_reply.h"

enum { FRAME_KB = 3, MEMORY_BASE_MB = 48 };

/* What one worker is made of. */
struct engine_worker {
    struct chunk_pool *chunks;
    struct tcp *tcp;
    struct sessions *sessions;
    struct worker *worker;
    struct worker_loop loop;
    bool running;
};

_Static_assert((int)ENGINE_WORKERS <= (int)WATCHDOG_WORKERS, "each worker is watched");

struct engine {
    struct engine_options options; /* defaults filled in */
    struct device device;
    bool eal;
    struct port *port;
    struct mesh *mesh;
    struct watchdog watchdog;
    struct engine_worker workers[ENGINE_WORKERS];
};

static void fill_defaults(struct engine_options *o)
{
    o->burst = o->burst ? o->burst : 32;
    o->rx_descriptors = o->rx_descriptors ? o->rx_descriptors : 512;
    o->tx_descriptors = o->tx_descriptors ? o->tx_descriptors : 512;
    o->ring_size = o->ring_size ? o->ring_size : o->workers <= 4 ? 1024 : 256;
    o->nap_us = o->nap_us ? o->nap_us : 50;
    o->idle_turns = o->idle_turns ? o->idle_turns : 64;
}

/* Frames that wait in a worker's rough line, or behind it. */
static uint32_t rough_holds(const struct rough_line_options *o)
{
    return rough_line_is_wanted(o) ? ROUGH_LINE_WAYS * o->buffers + FRAME_QUEUE : 0;
}

static struct port_options port_options(const struct engine *e)
{
    const struct engine_options *o = &e->options;

    return (struct port_options){
        .device = e->device.name,
        .workers = o->workers,
        .lcores = o->workers + 1,
        .rx_descriptors = o->rx_descriptors,
        .tx_descriptors = o->tx_descriptors,
        .burst = o->burst,
        .mtu = o->mtu,
        .frames = o->frames,
        .held = mesh_holds(o->workers, o->ring_size) +
                o->workers * (FRAME_QUEUE + NEIGHBOUR_PENDING_ALL + rough_holds(&o->rough)),
        .offloads = o->offloads,
        .tso = o->tso,
        .large_receive = o->large_receive,
    };
}

static bool start_environment(struct engine *e, struct writer *why)
{
    const struct engine_options *o = &e->options;
    struct port_options port = port_options(e);
    uint32_t needed = port_frames_needed(&port, (uint16_t)o->workers, (uint16_t)o->workers);
    uint32_t frames = needed > o->frames ? needed : o->frames;
    uint32_t least_mb = MEMORY_BASE_MB + frames * FRAME_KB / 1024;
    struct eal_options eal = {
        .program = o->program,
        .workers = o->workers,
        .memory_mb = o->memory_mb ? o->memory_mb : least_mb,
        .hugepages_mb = least_mb,
        .extra = o->eal_extra,
        .extra_count = o->eal_extra_count,
        .in_memory = true,
    };

    memcpy(eal.cpus, o->cpus, sizeof(eal.cpus));
    device_open_with(&e->device, 0, &eal);
    e->eal = eal_start(&eal, why);
    return e->eal;
}

static struct net_options net_options(const struct engine *e)
{
    const struct engine_options *o = &e->options;
    struct net_options net = {.vlan = o->vlan,
                              .address_count = o->address_count,
                              .claim = o->claim,
                              .claims = o->claims,
                              .dad_ms = o->dad_ms,
                              .workers = o->workers};

    memcpy(net.addresses, o->addresses, sizeof(net.addresses));
    if (e->port) {
        memcpy(net.mac, port_mac(e->port), sizeof(net.mac));
        net.port = *port_capabilities(e->port);
    }
    return net;
}

static bool secrets(struct net_options *net, struct tcp_options *tcp)
{
    return getrandom(&net->seed, sizeof(net->seed), 0) == sizeof(net->seed) &&
           getrandom(tcp->secret, sizeof(tcp->secret), 0) == sizeof(tcp->secret);
}

static bool make_app(struct engine *e, struct engine_worker *w, uint32_t index,
                     struct worker_app *app_out)
{
    const struct engine_options *o = &e->options;

    if (o->make_app)
        return o->make_app(o->app_user, index, w->tcp, w->chunks, app_out);
    w->sessions =
        sessions_new(&(struct sessions_options){.tcp = w->tcp,
                                                .pool = w->chunks,
                                                .port = handoff_port_of(o->handoff, index),
                                                .connections = o->sessions,
                                                .node = o->node,
                                                .ids_after_ms = o->ids_after_ms});
    *app_out = worker_app_sessions(w->sessions);
    return w->sessions != NULL;
}

static bool make_worker(struct engine *e, uint32_t index, struct writer *why)
{
    const struct engine_options *o = &e->options;
    struct engine_worker *w = &e->workers[index];
    struct net_options net = net_options(e);
    struct tcp_options tcp = o->tcp;
    struct handoff_port *handoff = handoff_port_of(o->handoff, index);
    struct rough_line *rough = NULL;
    struct worker_app app;

    tcp.worker = index;
    tcp.workers = o->workers;
    tcp.mss_v4 = net_mss(&net, true);
    tcp.mss_v6 = net_mss(&net, false);
    tcp.prefault = o->prefault;
    w->chunks = secrets(&net, &tcp) ? chunk_pool_new(o->chunks) : NULL;
    if (w->chunks && (!o->prefault || chunk_pool_prefault(w->chunks)))
        w->tcp = tcp_new(&tcp, w->chunks);
    if (rough_line_is_wanted(&o->rough))
        rough = rough_line_new(&o->rough, index);
    if (w->tcp && (rough || !rough_line_is_wanted(&o->rough)) && make_app(e, w, index, &app))
        w->worker = worker_new(&(struct worker_options){.index = index,
                                                        .port = e->port,
                                                        .mesh = e->mesh,
                                                        .net = net,
                                                        .tcp = w->tcp,
                                                        .app = app,
                                                        .handoff = handoff,
                                                        .rough = rough,
                                                        .burst = o->burst});
    if (!w->worker)
        writer_printf(why, "no memory for worker %u", index);
    return w->worker != NULL;
}

static bool make_workers(struct engine *e, struct writer *why)
{
    uint8_t groups[PORT_MULTICAST * 2][6];
    uint32_t n = 0;

    e->mesh = mesh_new(e->options.workers, e->options.ring_size);
    if (!e->mesh) {
        writer_text(why, "no memory for the rings between workers");
        return false;
    }
    for (uint32_t i = 0; i < e->options.workers; i++)
        if (!make_worker(e, i, why))
            return false;
    n = net_groups(worker_net(e->workers[0].worker), groups, PORT_MULTICAST * 2);
    if (!port_multicast(e->port, groups, n)) {
        writer_printf(why, "%s: the port takes no multicast in", e->device.name);
        return false;
    }
    return true;
}

static bool check_options(const struct engine *e, struct writer *why)
{
    const struct engine_options *o = &e->options;
    struct net_options net;

    if (o->workers == 0 || o->workers > ENGINE_WORKERS || o->address_count > NET_ADDRESSES ||
        o->burst > NET_BURST / 2) {
        writer_printf(why,
                      "%u workers (1 to %d), %u addresses (at most %d), bursts of %u (at most %d): "
                      "out of range",
                      o->workers, ENGINE_WORKERS, o->address_count, NET_ADDRESSES, o->burst,
                      NET_BURST / 2);
        return false;
    }
    net = net_options(e);
    return net_options_check(&net, why);
}

struct engine *engine_start(const struct engine_options *options, struct writer *why)
{
    struct engine *e = calloc(1, sizeof(*e));
    struct port_options port;

    if (!e) {
        writer_text(why, "no memory");
        return NULL;
    }
    e->options = *options;
    fill_defaults(&e->options);
    if (!check_options(e, why) ||
        !device_choose(&e->device, options->pmd, options->interface, options->device, 0, why) ||
        !device_check(options->pmd, options->interface, why) || !start_environment(e, why)) {
        engine_stop(e);
        return NULL;
    }
    port = port_options(e);
    e->port = port_open(&port, why);
    if (!e->port || !make_workers(e, why)) {
        engine_stop(e);
        return NULL;
    }
    /* The rings of af_packet, which the driver maps. */
    hidden_mark_named("socket:");
    telemetry_show(e, &e->options);
    return e;
}

bool engine_launch(struct engine *e, struct writer *why)
{
    const struct engine_options *o = &e->options;

    for (uint32_t i = 0; i < o->workers; i++) {
        struct engine_worker *w = &e->workers[i];
        int rc;

        w->loop = (struct worker_loop){.worker = w->worker,
                                       .idle = o->idle,
                                       .nap_us = o->nap_us,
                                       .empty_turns = o->idle_turns};
        rc = rte_eal_remote_launch(worker_loop_run, &w->loop, eal_worker_lcore(i));
        if (rc) {
            writer_printf(why, "worker %u does not start: %s", i, strerror(-rc));
            return false;
        }
        w->running = true;
    }
    return true;
}

void engine_halt(struct engine *e)
{
    telemetry_hide();
    for (uint32_t i = 0; i < e->options.workers && i < ENGINE_WORKERS; i++)
        worker_loop_stop(&e->workers[i].loop);
    for (uint32_t i = 0; i < e->options.workers && i < ENGINE_WORKERS; i++) {
        if (e->workers[i].running)
            rte_eal_wait_lcore(eal_worker_lcore(i));
        e->workers[i].running = false;
    }
}

void engine_stop(struct engine *e)
{
    engine_halt(e);
    mesh_free(e->mesh);
    for (uint32_t i = 0; i < e->options.workers && i < ENGINE_WORKERS; i++) {
        struct engine_worker *w = &e->workers[i];

        worker_free(w->worker);
        if (w->sessions)
            sessions_free(w->sessions);
        if (w->tcp)
            tcp_free(w->tcp);
        if (w->chunks)
            chunk_pool_free(w->chunks);
    }
    if (e->port)
        port_close(e->port);
    if (e->eal)
        eal_stop();
    free(e);
}

bool engine_ready(const struct engine *e)
{
    for (uint32_t i = 0; i < e->options.workers; i++)
        if (!worker_status(e->workers[i].worker).ready)
            return false;
    return true;
}

struct worker_status engine_status(const struct engine *e)
{
    struct worker_status all = {.ready = engine_ready(e)};

    for (uint32_t i = 0; i < e->options.workers; i++) {
        struct worker_status one = worker_status(e->workers[i].worker);

        all.connections += one.connections;
        all.sessions += one.sessions;
    }
    return all;
}

const struct port_capabilities *engine_port(const struct engine *e)
{
    return port_capabilities(e->port);
}

bool engine_link_up(const struct engine *e)
{
    return port_link_up(e->port);
}

uint32_t engine_watch(struct engine *e, uint64_t now)
{
    uint32_t stalled = 0;

    for (uint32_t i = 0; i < e->options.workers; i++) {
        const struct stage_cycles *cycles = handoff_cycles(worker_handoff(e->workers[i].worker));
        uint64_t last = __atomic_load_n(&cycles->heartbeat_us, __ATOMIC_RELAXED);

        stalled += watchdog_look(&e->watchdog, i, last, now);
    }
    return stalled;
}

/* Adds up a row of all workers' counters; they lie in struct `type` at the same place in each. */
#define SUM(name, pointer_of)                                                                      \
    ({                                                                                             \
        uint64_t sum_ = 0;                                                                         \
        for (uint32_t i_ = 0; i_ < e->options.workers; i_++)                                       \
            sum_ += (pointer_of(e->workers[i_].worker))->name;                                     \
        sum_;                                                                                      \
    })

static const struct net_counters *of_net(const struct worker *w)
{
    return net_counters(worker_net(w));
}

static const struct tcp_counters *of_tcp(const struct worker *w)
{
    return tcp_counters(worker_tcp(w));
}

static const struct counters *of_sessions(const struct worker *w)
{
    return handoff_counters(worker_handoff(w));
}

void engine_counters(const struct engine *e, const struct counter_sink *sink)
{
    struct port_stats stats;

    port_stats(e->port, &stats);
#define PORT_COUNTER(name, text) sink->put(sink->user, "port_" #name, stats.name);
#include "dataplane/port/port_counter.def"
#undef PORT_COUNTER
#define NET_COUNTER(name, text) sink->put(sink->user, "net_" #name, SUM(row[NET_##name], of_net));
#include "dataplane/net/net_counter.def"
#undef NET_COUNTER
#define WORKER_COUNTER(name, text)                                                                 \
    sink->put(sink->user, "worker_" #name, SUM(name, worker_counters));
#include "dataplane/worker/worker_counter.def"
#undef WORKER_COUNTER
    sink->put(sink->user, "worker_stalled", e->watchdog.stalls);
#define TCP_COUNTER(name, text) sink->put(sink->user, "tcp_" #name, SUM(name, of_tcp));
#include "dataplane/tcp/tcp_counter.def"
#undef TCP_COUNTER
#define COUNTER(name, text) sink->put(sink->user, #name, SUM(name, of_sessions));
#include "dataplane/handoff/counter.def"
#undef COUNTER
}

void engine_replies(const struct engine *e, const struct counter_sink *sink)
{
#define SMTP_REPLY(name, counter, code, enhanced, text)                                            \
    sink->put(sink->user, "smtp_reply_" #counter, SUM(smtp_reply[SMTP_REPLY_##name], of_sessions));
#include "proto/smtp/smtp_reply.def"
#undef SMTP_REPLY
#define POP3_REPLY(name, counter, status, response_code, text)                                     \
    sink->put(sink->user, "pop3_reply_" #counter, SUM(pop3_reply[POP3_REPLY_##name], of_sessions));
#include "proto/pop3/pop3_reply.def"
#undef POP3_REPLY
#define IMAP_REPLY(name, counter, form, status, response_code, text)                               \
    sink->put(sink->user, "imap_reply_" #counter, SUM(imap_reply[IMAP_REPLY_##name], of_sessions));
#include "proto/imap/imap_reply.def"
#undef IMAP_REPLY
}

/* ---- metrics ---- */

static void put_metric(const struct metric_sink *sink, struct metric m)
{
    sink->put(sink->user, &m);
}

/* A row for each worker. */
#define EACH(name_, text_, type_, value_)                                                          \
    do {                                                                                           \
        for (uint32_t i_ = 0; i_ < e->options.workers; i_++) {                                     \
            const struct engine_worker *w = &e->workers[i_];                                       \
            put_metric(sink, (struct metric){.name = name_,                                        \
                                             .text = text_,                                        \
                                             .type = METRIC_##type_,                               \
                                             .worker = (int32_t)i_,                                \
                                             .value = value_});                                    \
        }                                                                                          \
    } while (0)

static void put_chunks(const struct engine *e, const struct metric_sink *sink, const char *name,
                       const char *text,
                       uint32_t (*of)(const struct chunk_pool *pool, enum chunk_class class))
{
    static const char *const classes[CHUNK_CLASSES] = {"class=\"small\"", "class=\"medium\"",
                                                       "class=\"large\""};

    for (uint32_t i = 0; i < e->options.workers; i++)
        for (int c = 0; c < CHUNK_CLASSES; c++)
            put_metric(sink,
                       (struct metric){.name = name,
                                       .text = text,
                                       .labels = classes[c],
                                       .type = METRIC_GAUGE,
                                       .worker = (int32_t)i,
                                       .value = of(e->workers[i].chunks, (enum chunk_class)c)});
}

void engine_metrics(const struct engine *e, const struct metric_sink *sink)
{
    struct port_stats stats;

    port_stats(e->port, &stats);
#define PORT_COUNTER(name_, text_)                                                                 \
    put_metric(sink, (struct metric){.name = "port_" #name_,                                       \
                                     .text = text_,                                                \
                                     .worker = METRIC_NO_WORKER,                                   \
                                     .value = stats.name_});
#include "dataplane/port/port_counter.def"
#undef PORT_COUNTER
#define NET_COUNTER(name, text)                                                                    \
    EACH("net_" #name, text, COUNTER, of_net(w->worker)->row[NET_##name]);
#include "dataplane/net/net_counter.def"
#undef NET_COUNTER
#define WORKER_COUNTER(name, text)                                                                 \
    EACH("worker_" #name, text, COUNTER, worker_counters(w->worker)->name);
#include "dataplane/worker/worker_counter.def"
#undef WORKER_COUNTER
#define TCP_COUNTER(name, text) EACH("tcp_" #name, text, COUNTER, of_tcp(w->worker)->name);
#include "dataplane/tcp/tcp_counter.def"
#undef TCP_COUNTER
    put_metric(sink, (struct metric){.name = "worker_stalled",
                                     .text = "times that a worker was found stalled",
                                     .worker = METRIC_NO_WORKER,
                                     .value = e->watchdog.stalls});
    EACH("connections", "TCP connections at the moment", GAUGE,
         worker_status(w->worker).connections);
    put_chunks(e, sink, "chunks_used", "chunks that are out", chunk_used);
    put_chunks(e, sink, "chunks_most", "the most of them that ever were", chunk_peak);
}
