/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/tap_engine.h"

#include <stdlib.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "dataplane/handoff/hidden.h"
#include "dataplane/worker/device.h"
#include "dataplane/worker/tap_loop.h"
#include "dataplane/worker/watchdog.h"

enum {
    FRAME_KB = 3,
    MEMORY_BASE_MB = 48,
    RING = 1024,
    TX_DESCRIPTORS = 64, /* some drivers want a queue out for each one in; nothing goes there */
    DATAGRAM_FRAMES = 40,
};

struct tap_engine {
    struct tap_live_options options;
    struct device devices[TAP_LIVE_PORTS];
    bool eal;
    struct port *ports[TAP_LIVE_PORTS];
    uint64_t lost; /* by all ports, as last told */
    struct mesh *mesh;
    struct watchdog watchdog;
    bool stalled;
    bool stop;
    uint32_t closed;
    struct tap_worker *workers[WATCHDOG_WORKERS];
    struct tap_loop loops[WATCHDOG_WORKERS];
    bool running[WATCHDOG_WORKERS];
};

_Static_assert((int)TAP_LIVE_PORTS <= (int)EAL_DEVICES, "the environment opens all ports");

static struct port_options port_options(const struct tap_engine *e, uint32_t number)
{
    const struct tap_live_options *o = &e->options;

    return (struct port_options){
        .device = e->devices[number].name,
        .workers = o->workers,
        .lcores = o->workers + 1,
        .rx_descriptors = o->descriptors,
        .tx_descriptors = TX_DESCRIPTORS,
        .burst = o->burst,
        .frames = o->frames,
        .held = mesh_holds(o->workers, RING) + o->workers * DATAGRAM_FRAMES,
        .offloads = o->offloads,
        .watch = true,
    };
}

static bool choose_devices(struct tap_engine *e, struct writer *why)
{
    const struct tap_live_options *o = &e->options;

    for (uint32_t i = 0; i < o->port_count; i++) {
        const struct tap_live_port *p = &o->ports[i];

        if (!device_choose(&e->devices[i], p->pmd, p->interface, p->device, i, why) ||
            !device_check(p->pmd, p->interface, why))
            return false;
    }
    return true;
}

static bool start_environment(struct tap_engine *e, struct writer *why)
{
    const struct tap_live_options *o = &e->options;
    struct eal_options eal = {.program = o->program,
                              .workers = o->workers,
                              .extra = o->eal,
                              .extra_count = o->eal_count,
                              .in_memory = true};
    uint32_t frames = 0;

    memcpy(eal.cpus, o->cpus, sizeof(eal.cpus));
    for (uint32_t i = 0; i < o->port_count; i++) {
        struct port_options port = port_options(e, i);
        uint32_t needed = port_frames_needed(&port, (uint16_t)o->workers, (uint16_t)o->workers);

        frames += needed > o->frames ? needed : o->frames;
        device_open_with(&e->devices[i], i, &eal);
    }
    eal.hugepages_mb = MEMORY_BASE_MB + frames * FRAME_KB / 1024;
    eal.memory_mb = o->memory_mb > eal.hugepages_mb ? o->memory_mb : eal.hugepages_mb;
    e->eal = eal_start(&eal, why);
    return e->eal;
}

static bool open_ports(struct tap_engine *e, struct writer *why)
{
    for (uint32_t i = 0; i < e->options.port_count; i++) {
        struct port_options port = port_options(e, i);

        e->ports[i] = port_open(&port, why);
        if (!e->ports[i])
            return false;
    }
    return true;
}

static bool make_workers(struct tap_engine *e, struct writer *why)
{
    const struct tap_live_options *o = &e->options;
    struct tap_worker_options options = {.workers = o->workers,
                                         .port_count = o->port_count,
                                         .all = e->workers,
                                         .handoff = o->handoff,
                                         .burst = o->burst};

    memcpy(options.ports, e->ports, sizeof(options.ports));
    options.mesh = e->mesh = mesh_new(o->workers, RING);
    for (uint32_t i = 0; e->mesh && i < o->workers; i++) {
        options.index = i;
        options.source = &o->sources[i];
        e->workers[i] = tap_worker_new(&options);
        if (e->workers[i])
            continue;
        writer_printf(why, "no memory for worker %u", i);
        return false;
    }
    if (!e->mesh)
        writer_text(why, "no memory for the rings between workers");
    return e->mesh != NULL;
}

static void stop(struct tap_engine *e);

static struct tap_engine *start(const struct tap_live_options *options, struct writer *why)
{
    struct tap_engine *e = calloc(1, sizeof(*e));

    if (!e) {
        writer_text(why, "no memory");
        return NULL;
    }
    e->options = *options;
    if (!choose_devices(e, why) || !start_environment(e, why) || !open_ports(e, why) ||
        !make_workers(e, why)) {
        stop(e);
        return NULL;
    }
    /* The rings of af_packet, which the driver maps. */
    hidden_mark_named("socket:");
    /* The calling thread is EAL's first lcore; what it starts from here on is control's again. */
    eal_control_affinity();
    return e;
}

static void warn(const struct tap_engine *e, struct writer *out)
{
    for (uint32_t i = 0; i < e->options.port_count; i++) {
        const struct port_capabilities *c = port_capabilities(e->ports[i]);

        if (!c->promiscuous)
            writer_printf(out,
                          "%s: the driver has no promiscuous mode; what it passes on is all there "
                          "is\n",
                          e->devices[i].name);
        if (!c->counts_missed)
            writer_printf(out,
                          "%s: the driver does not count frames that it drops; losses are seen "
                          "only where they leave holes in connections\n",
                          e->devices[i].name);
    }
}

static bool launch(struct tap_engine *e, struct writer *why)
{
    const struct tap_live_options *o = &e->options;

    for (uint32_t i = 0; i < o->workers; i++) {
        int rc;

        e->loops[i] = (struct tap_loop){.worker = e->workers[i],
                                        .busy = o->busy,
                                        .nap_us = o->nap_us,
                                        .empty_turns = TAP_LOOP_EMPTY_TURNS,
                                        .workers = o->workers,
                                        .stop = &e->stop,
                                        .closed = &e->closed};
        rc = rte_eal_remote_launch(tap_loop_run, &e->loops[i], eal_worker_lcore(i));
        e->running[i] = rc == 0;
        if (e->running[i])
            continue;
        writer_printf(why, "worker %u does not start: %s", i, strerror(-rc));
        /* Those that run end without it. */
        __atomic_add_fetch(&e->closed, o->workers - i, __ATOMIC_ACQ_REL);
        return false;
    }
    return true;
}

/* Frames that the ports know to have lost since they were opened. */
static uint64_t lost_by_ports(const struct tap_engine *e)
{
    uint64_t lost = 0;

    for (uint32_t i = 0; i < e->options.port_count; i++) {
        struct port_stats s;

        port_stats(e->ports[i], &s);
        lost += s.missed + s.no_frame + s.in_errors;
    }
    return lost;
}

static void look(struct tap_engine *e, uint64_t now_us)
{
    uint64_t lost = lost_by_ports(e);
    bool stalled = false;

    /* Whose they were nobody knows. */
    for (uint32_t i = 0; lost != e->lost && i < e->options.workers; i++)
        tap_worker_lost(e->workers[i]);
    e->lost = lost;
    for (uint32_t i = 0; i < e->options.workers; i++)
        stalled |= watchdog_look(&e->watchdog, i, tap_worker_heartbeat(e->workers[i]), now_us);
    __atomic_store_n(&e->stalled, stalled, __ATOMIC_RELAXED);
}

static struct tap_live_status status(const struct tap_engine *e)
{
    struct tap_live_status s = {.link = true,
                                .stalled = __atomic_load_n(&e->stalled, __ATOMIC_RELAXED)};

    for (uint32_t i = 0; i < e->options.workers; i++) {
        s.flows += tap_flows(tap_worker_tap(e->workers[i]));
        s.conversations += tap_conversations(tap_worker_tap(e->workers[i]));
    }
    for (uint32_t i = 0; i < e->options.port_count; i++) {
        s.queues += port_capabilities(e->ports[i])->rx_queues;
        s.link = s.link && port_link_up(e->ports[i]);
    }
    return s;
}

static void statistics(const struct tap_engine *e,
                       void (*put)(void *context, const struct tap_statistic *statistic),
                       void *context)
{
    for (uint32_t i = 0; i < e->options.workers; i++) {
        const struct tap_worker_counters *c = tap_worker_counters(e->workers[i]);

        tap_statistics(tap_worker_tap(e->workers[i]), put, context);
#define TAP_WORKER_COUNTER(name, text)                                                             \
    put(context, &(struct tap_statistic){"worker", #name, c->name});
#include "dataplane/worker/tap_worker_counter.def"
#undef TAP_WORKER_COUNTER
    }
    put(context, &(struct tap_statistic){"worker", "stalled", e->watchdog.stalls});
    for (uint32_t i = 0; i < e->options.port_count; i++) {
        struct port_stats s;

        port_stats(e->ports[i], &s);
#define PORT_COUNTER(name, text) put(context, &(struct tap_statistic){"port", #name, s.name});
#include "dataplane/port/port_counter.def"
#undef PORT_COUNTER
    }
}

static void halt(struct tap_engine *e)
{
    __atomic_store_n(&e->stop, true, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < e->options.workers; i++) {
        if (e->running[i])
            rte_eal_wait_lcore(eal_worker_lcore(i));
        e->running[i] = false;
    }
}

static void stop(struct tap_engine *e)
{
    if (!e)
        return;
    halt(e);
    mesh_free(e->mesh);
    for (uint32_t i = 0; i < e->options.workers; i++)
        tap_worker_free(e->workers[i]);
    for (uint32_t i = 0; i < e->options.port_count; i++)
        if (e->ports[i])
            port_close(e->ports[i]);
    if (e->eal)
        eal_stop();
    free(e);
}

const struct tap_live_calls tap_engine_calls = {
    .start = start,
    .warn = warn,
    .launch = launch,
    .look = look,
    .status = status,
    .statistics = statistics,
    .halt = halt,
    .stop = stop,
};
