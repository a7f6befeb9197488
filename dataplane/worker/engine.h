/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_ENGINE_H
#define DATAPLANE_WORKER_ENGINE_H

#include "dataplane/handoff/metric.h"
#include "dataplane/worker/worker_loop.h"

/*
 * The data plane as one thing: environment, port, workers. One a process. Everything is said in the
 * options; control fills them from the configuration.
 */
enum { ENGINE_WORKERS = 64 };

struct engine_options {
    /* Environment. Either a driver over a kernel interface, or a device as DPDK knows it. */
    const char *program;          /* argv[0] */
    const char *pmd;              /* "af_packet", "af_xdp", "tap"; NULL with `device` */
    const char *interface;        /* of that driver; for tap the name that the new interface gets */
    const char *device;           /* "0000:03:00.0,...", "net_memif0,..."; NULL with `pmd` */
    const char *const *eal_extra; /* further EAL arguments */
    uint32_t eal_extra_count;
    uint32_t memory_mb; /* of DPDK's memory, 0: what the pool needs */

    /* Port. 0 stands for the default in parentheses. */
    uint16_t burst;          /* (32) */
    uint16_t rx_descriptors; /* (512) a queue */
    uint16_t tx_descriptors; /* (512) */
    uint16_t mtu;            /* (the port's) */
    uint32_t frames;         /* (as many as needed) */
    uint32_t ring_size;      /* (1024, 256 for more than 4 workers) frames a ring of the mesh */
    bool offloads, tso, large_receive; /* as in struct port_options */

    /* Addresses. */
    uint16_t vlan;
    struct net_address addresses[NET_ADDRESSES];
    uint32_t address_count;
    struct net_address claim; /* as in struct net_options */
    bool claims;
    struct rough_line_options rough; /* each worker's; zeros: the line is as it is */
    uint32_t dad_ms;                 /* 0: no detection */

    /* Workers; the limits are each worker's. */
    uint32_t workers;  /* 1 to ENGINE_WORKERS */
    uint64_t cpus[16]; /* as in struct eal_options */
    enum worker_idle idle;
    uint32_t nap_us;     /* (50) */
    uint32_t idle_turns; /* (64) */
    struct tcp_options
        tcp; /* all but mss_v4, mss_v6, secret, worker and workers, which are set here */
    uint32_t sessions;
    uint16_t node; /* of this machine, in every id */
    uint64_t
        ids_after_ms; /* ids begin behind this wall time, as those given out before did; 0: now */
    uint32_t chunks[CHUNK_CLASSES];
    bool prefault;           /* the workers' pools are taken from the system at once */
    struct handoff *handoff; /* for as many workers; outlives the engine */

    /*
     * Makes what worker `index` does instead of serving sessions; it and the memory are the
     * caller's and outlive the engine. False: out of memory. NULL: sessions are served.
     */
    bool (*make_app)(void *user, uint32_t index, struct tcp *tcp, struct chunk_pool *pool,
                     struct worker_app *app_out);
    void *app_user;

    /* Adds rows to the counters that telemetry shows; NULL: none. Called from DPDK's telemetry
     * thread. */
    void (*more_counters)(void *user, const struct counter_sink *sink);
    void *more_user;
};

struct engine;

/* Opens everything; no worker runs yet, so that what only root may do can be given up before a
 * packet is read. NULL, with the reason in `why`: nothing is left open. */
struct engine *engine_start(const struct engine_options *options, struct writer *why);
/* Lets the workers run. Once; false, with the reason in `why`: the engine is to be stopped. */
bool engine_launch(struct engine *engine, struct writer *why);
/*
 * Stops the workers wherever they are, and telemetry. What they handed to control stays readable:
 * so that services can answer what they were asked, and end, before engine_stop() frees it. To
 * finish sessions first is control's affair.
 */
void engine_halt(struct engine *engine);
/* Halts, frees what the workers had, closes the port, ends the environment. */
void engine_stop(struct engine *engine);
/* All addresses are usable (or found duplicate), on all workers. */
bool engine_ready(const struct engine *engine);
/* Sums over the workers. */
struct worker_status engine_status(const struct engine *engine);
const struct port_capabilities *engine_port(const struct engine *engine);
bool engine_link_up(const struct engine *engine);
/* Each counter by name (net_..., tcp_..., worker_..., port_..., sessions' as they are called),
 * summed over the workers. */
void engine_counters(const struct engine *engine, const struct counter_sink *sink);
/* How often each reply was given: smtp_reply_..., pop3_reply_... */
void engine_replies(const struct engine *engine, const struct counter_sink *sink);
/* The same but for sessions' counters, by worker, and how full the chunk pools are. */
void engine_metrics(const struct engine *engine, const struct metric_sink *sink);
/*
 * To be called about once a second, by one thread: counts workers that have stopped turning
 * (watchdog.h), each stall once (counter worker_stalled). Returns how many are stalled now. `now`
 * is monotonic microseconds.
 */
uint32_t engine_watch(struct engine *engine, uint64_t now);

#endif
