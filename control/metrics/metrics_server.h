/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_METRICS_METRICS_SERVER_H
#define CONTROL_METRICS_METRICS_SERVER_H

#include "control/metrics/metrics_latency.h"
#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/metric.h"

/*
 * An HTTP server (libmicrohttpd) for monitoring: /metrics in Prometheus' text format, /health with
 * status 200 while the engine takes connections and 503 otherwise. A thread of its own; at most
 * METRICS_CLIENTS connections, each ended after METRICS_PATIENCE seconds of silence.
 */
enum { METRICS_CLIENTS = 16, METRICS_PATIENCE = 10 };

struct metrics_server;

/* Where numbers come from. The functions are called on the server's thread. */
struct metrics_source {
    void *context;
    struct handoff *handoff;
    const char *store; /* directory whose size is told; NULL: none */
    /* What the packet side counts. */
    void (*engine)(void *context, const struct metric_sink *sink);
    /* What the control side counts, by the names of metrics_named.def. */
    void (*named)(void *context, const struct counter_sink *sink);
    bool (*healthy)(void *context);
    const struct metrics_latency *latency;
};

/* Listens where config_endpoint() reads; the thread inherits the caller's CPUs. Borrows what the
 * source points to. NULL with errno. */
struct metrics_server *metrics_server_start(const char *listen,
                                            const struct metrics_source *source);
void metrics_server_stop(struct metrics_server *server);

#endif
