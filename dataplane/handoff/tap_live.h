/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_TAP_LIVE_H
#define DATAPLANE_HANDOFF_TAP_LIVE_H

#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/tap_source.h"

/*
 * A tap on live ports, as control sees it: what it asks for, and the calls by which the packet side
 * answers. Everything in the options is borrowed until stop().
 */
enum { TAP_LIVE_PORTS = 4 };

struct tap_live_port {
    const char *pmd, *interface; /* a driver over a kernel interface; or: */
    const char *device;          /* one as DPDK names it */
};

struct tap_live_options {
    const char *program;
    struct handoff *handoff; /* its workers are these */
    /* One a worker, in the order of workers. Calls come on the worker's thread, and may neither
     * wait nor ask the kernel for anything. `next` is not called. */
    const struct tap_source *sources;
    struct tap_live_port ports[TAP_LIVE_PORTS];
    uint32_t port_count, workers;
    uint64_t cpus[16];      /* the workers', a bit each; none: chosen */
    const char *const *eal; /* further words for DPDK's environment */
    uint32_t eal_count, memory_mb;
    uint16_t burst, descriptors;
    uint32_t frames; /* of each port's pool; 0: as many as it needs */
    uint32_t nap_us;
    bool busy;     /* never sleeps */
    bool offloads; /* let the ports judge checksums */
};

struct tap_live_status {
    uint32_t flows, conversations, queues;
    bool link;    /* of all ports */
    bool stalled; /* a worker does not turn */
};

struct tap_engine;

struct tap_live_calls {
    /* Opens the ports. NULL, with a reason in `why`. */
    struct tap_engine *(*start)(const struct tap_live_options *options, struct writer *why);
    /* What the ports cannot do and somebody should know, as lines. */
    void (*warn)(const struct tap_engine *engine, struct writer *out);
    /* From here on frames are read. */
    bool (*launch)(struct tap_engine *engine, struct writer *why);
    /* Many times a second, by one thread: what the ports have lost since is told to the workers.
     * `now_us`: monotonic. */
    void (*look)(struct tap_engine *engine, uint64_t now_us);
    /* Any thread. */
    struct tap_live_status (*status)(const struct tap_engine *engine);
    /* Of all workers and ports, groups not in a row. Any thread. */
    void (*statistics)(const struct tap_engine *engine,
                       void (*put)(void *context, const struct tap_statistic *statistic),
                       void *context);
    /* Workers end all flows, which tells them, and return. */
    void (*halt)(struct tap_engine *engine);
    /* Closes the ports, frees everything. */
    void (*stop)(struct tap_engine *engine);
};

#endif
