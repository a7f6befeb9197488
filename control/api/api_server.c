/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "control/api/api_listener.h"
#include "control/base/clock.h"
#include "control/log/log.h"

enum { SWEEP_MS = 500 };

struct api_server {
    struct api_http http;
    sem_t hashing;
    struct api_listener listeners[CONFIG_API_LISTENERS];
    uint32_t count;
    pthread_t sweeper;
    bool sweeping;
    pthread_mutex_t lock; /* of the next */
    struct MHD_Daemon *retired[API_RETIRED];
    uint32_t retired_count;
};

bool api_server_check(const struct config *config, struct writer *why)
{
    return api_listener_check(config, why);
}

static void set_limits(struct api_server *s, const struct config_api *api)
{
    s->http.body_size = (uint64_t)api->body_size;
    s->http.import_size = (uint64_t)api->import_size;
    s->http.request_ms = (uint64_t)api->request_timeout / 1000;
    s->http.idle_ms = (uint64_t)api->idle_timeout / 1000;
}

/* ---- daemons that have no socket any more ---- */

/* Ends those that have no connections; with `all`, the others too. */
static void end_retired(struct api_server *s, bool all)
{
    uint32_t kept = 0;

    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->retired_count; i++) {
        const union MHD_DaemonInfo *info =
            MHD_get_daemon_info(s->retired[i], MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

        if (all || !info || !info->num_connections)
            MHD_stop_daemon(s->retired[i]);
        else
            s->retired[kept++] = s->retired[i];
    }
    s->retired_count = kept;
    pthread_mutex_unlock(&s->lock);
}

/* One that finds no place ends now, and what it was asked with it. */
static void retire(struct api_server *s, struct MHD_Daemon *daemon)
{
    bool placed;

    pthread_mutex_lock(&s->lock);
    placed = s->retired_count < API_RETIRED;
    if (placed)
        s->retired[s->retired_count++] = daemon;
    pthread_mutex_unlock(&s->lock);
    if (!placed)
        MHD_stop_daemon(daemon);
}

static void *sweep(void *context)
{
    struct api_server *s = context;

    while (api_clients_wait(s->http.clients, SWEEP_MS)) {
        atomic_fetch_add(&s->http.late, api_clients_sweep(s->http.clients, clock_monotonic_ms()));
        end_retired(s, false);
    }
    return NULL;
}

/* ---- start and end ---- */

static bool start_listener(struct api_server *s, const struct config_api *api, uint32_t i)
{
    const struct config_api_listener *l = &api->listeners[i];
    struct MHD_Daemon *before;
    char text[API_ADDRESS];
    struct writer w = writer_of(text, sizeof(text) - 1);

    ip_address_put(&w, &l->address);
    text[w.len] = 0;
    if (!api_listener_open(&s->listeners[i], l, &s->http)) {
        LOG(ERROR, "api: %s port %u: %s", text, l->port, strerror(errno));
        return false;
    }
    s->count++;
    if (!api_listener_serve(&s->listeners[i], l, api, &before))
        return false;
    LOG(INFO, "api: %s port %u, %s", text, l->port, l->certificate[0] ? "TLS" : "in the clear");
    return true;
}

static bool start_sweeper(struct api_server *s)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->sweeping = pthread_create(&s->sweeper, NULL, sweep, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->sweeping;
}

struct api_server *api_server_start(const struct config *config, const struct api_source *source)
{
    struct api_server *s = calloc(1, sizeof(*s));
    bool ok;

    if (!s)
        return NULL;
    sem_init(&s->hashing, 0, (unsigned)config->api.threads);
    pthread_mutex_init(&s->lock, NULL);
    s->http.context = (struct api_context){.mail = source->mail,
                                           .engine = source->engine,
                                           .healthy = source->healthy,
                                           .healthy_context = source->context,
                                           .hashing = &s->hashing};
    set_limits(s, &config->api);
    s->http.guard = api_guard_new(source->mail, config);
    s->http.clients = api_clients_new();
    ok = s->http.guard && s->http.clients;
    for (uint32_t i = 0; ok && i < config->api.listeners_count; i++)
        ok = start_listener(s, &config->api, i);
    if (ok && (!s->count || start_sweeper(s)))
        return s;
    api_server_stop(s);
    return NULL;
}

void api_server_apply(struct api_server *s, const struct config *config)
{
    set_limits(s, &config->api);
    api_guard_apply(s->http.guard, config);
    for (uint32_t i = 0; i < s->count && i < config->api.listeners_count; i++) {
        struct MHD_Daemon *before;

        api_listener_serve(&s->listeners[i], &config->api.listeners[i], &config->api, &before);
        if (before)
            retire(s, before);
    }
}

void api_server_stop(struct api_server *s)
{
    if (!s)
        return;
    if (s->http.clients)
        api_clients_stop(s->http.clients);
    if (s->sweeping)
        pthread_join(s->sweeper, NULL);
    for (uint32_t i = 0; i < s->count; i++)
        api_listener_close(&s->listeners[i]);
    end_retired(s, true);
    api_guard_free(s->http.guard);
    api_clients_free(s->http.clients);
    pthread_mutex_destroy(&s->lock);
    sem_destroy(&s->hashing);
    free(s);
}

/* ---- numbers ---- */

void api_server_counters(const struct api_server *s, const struct counter_sink *sink)
{
    if (!s)
        return;
    sink->put(sink->user, "api_connections", api_clients_count(s->http.clients));
    sink->put(sink->user, "api_connections_banned", s->http.refused_clients);
    sink->put(sink->user, "api_connections_late", s->http.late);
    sink->put(sink->user, "api_tokens_wrong", s->http.wrong);
    sink->put(sink->user, "api_tokens_throttled", s->http.throttled);
    sink->put(sink->user, "api_accounts_imported", s->http.imported);
    sink->put(sink->user, "api_lines_refused", s->http.lines_refused);
}

void api_server_metrics(const struct api_server *s, const struct metric_sink *sink)
{
    char labels[32];

    for (int i = 0; s && i < API_STATUSES; i++) {
        snprintf(labels, sizeof(labels), "status=\"%u\"", api_http_statuses[i]);
        sink->put(sink->user,
                  &(const struct metric){.name = "api_requests",
                                         .text = "requests to the API, by the status of the answer",
                                         .labels = labels,
                                         .worker = METRIC_NO_WORKER,
                                         .value = s->http.answered[i]});
    }
}
