/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_SERVER_H
#define CONTROL_API_API_SERVER_H

#include "control/ctl/ctl_mail.h"
#include "dataplane/handoff/metric.h"

/*
 * Provisioning over HTTP (docs/api.md): what `wirepost ctl account`, `domain`, `alias` and `ban`
 * do, for programs, with tokens. A thread for each connection, and one that looks after them.
 */
struct api_server;

struct api_source {
    struct ctl_mail *mail; /* borrowed */
    struct ctl_subject engine;
    bool (*healthy)(void *context);
    void *context;
};

/* Listens where the configuration says, which it borrows during the call. The threads inherit the
 * caller's CPUs. NULL: a log line says why. Without a listener it starts too, and does nothing. */
struct api_server *api_server_start(const struct config *config, const struct api_source *source);
/* Another configuration with the same listeners, whose certificates are read anew. One thread at a
 * time. */
void api_server_apply(struct api_server *server, const struct config *config);
/* Ends connections, after what is being done for them. NULL: nothing. */
void api_server_stop(struct api_server *server);

/* By name (metrics_named.def), and requests by status. Any thread; NULL: nothing. */
void api_server_counters(const struct api_server *server, const struct counter_sink *sink);
void api_server_metrics(const struct api_server *server, const struct metric_sink *sink);

/* What is wrong with a configuration's certificates, as lines in `why`. */
bool api_server_check(const struct config *config, struct writer *why);

#endif
