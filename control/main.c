/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one place that knows all parts: it starts them in order, moves them to a new configuration,
 * and ends them in the reverse order. Everything else is in a library that knows only what is below
 * it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "control/api/api_server.h"
#include "control/base/clock.h"
#include "control/cli/cli.h"
#include "control/cli/cli_check.h"
#include "control/ctl/ctl_request.h"
#include "control/ctl/ctl_mail.h"
#include "control/ctl/ctl_cycles.h"
#include "control/ctl/ctl_rules.h"
#include "control/ctl/ctl_store.h"
#include "control/ctl/ctl_trace.h"
#include "control/log/log.h"
#include "control/log/log_config.h"
#include "control/metrics/metrics_server.h"
#include "control/privilege/privilege.h"
#include "control/record/record_audit.h"
#include "control/record/record_config.h"
#include "control/service/control_cpus.h"
#include "control/service/policy.h"
#include "control/mail/mail_config.h"
#include "control/mail/mail_folder.h"
#include "control/mail/mail_index_config.h"
#include "control/service/service_counters.h"
#include "control/service/service_signals.h"
#include "control/service/store_service.h"
#include "control/service/store_start.h"
#include "control/tls/tls_memory.h"
#include "dataplane/session/session_judge.h"
#include "dataplane/tap/tap.h"
#ifdef WIREPOST_DPDK
#include "dataplane/handoff/blast_order.h"
#include "dataplane/port/eal.h"
#include "dataplane/worker/engine.h"
#include "dataplane/worker/tap_engine.h"
#endif

enum { ERRORS_TEXT = 16384, TERM_DRAIN_MS = 5000, READY_MS = 5000, TICK_MS = 200 };

#ifdef WIREPOST_DPDK

/* Everything that runs, in the order in which it is started. */
struct run {
    const struct cli_run *cli;
    struct config *own_config; /* from the last reload; the first is the command line's */
    const struct config *config;
    struct store *store;
    struct handoff *handoff;
    struct policy *policy;
    struct store_service *store_service;
    struct mail_index *index;
    struct mail_team *mail_team;
    struct record_writer *records;
    struct keeper_service *keeper;
    struct ctl_mail mail;
    struct trace_source trace;
    struct engine *engine;
    struct ctl_server *ctl;
    struct api_server *api;
    struct metrics_server *metrics;
    struct metrics_latency latency;
    uint64_t started_ms;
    int wake; /* eventfd: drain and stop are asked on the control socket's thread and done on the
                 main one */
    _Atomic bool stop;
    _Atomic uint64_t drain_until; /* monotonic ms; 0: not draining */
    pthread_mutex_t reloading;
};

/* Tells in the records what happens to the engine itself. */
static void tell(struct run *r, const char *event)
{
    record_writer_event(r->records, RECORD_TYPE_engine,
                        json_pack("{s:s, s:s, s:I, s:s}", "event", event, "program",
                                  WIREPOST_VERSION, "configuration",
                                  (json_int_t)policy_version(r->policy), "hostname",
                                  r->config->hostname));
}

/* ---- start ---- */

static bool start_policy(struct run *r)
{
    static char text[ERRORS_TEXT];
    struct writer why = writer_of(text, sizeof(text));
    struct handoff_options options = {.workers = (uint32_t)r->config->engine.workers,
                                      .jobs = (uint32_t)r->config->engine.jobs,
                                      .records = (uint32_t)r->config->engine.records,
                                      .prefault = r->config->engine.prefault,
                                      .imap_lanes = mail_config_threads(r->config)};

    r->handoff = handoff_new(&options);
    if (r->handoff)
        r->policy = policy_new(&(struct policy_options){
            .store = r->store,
            .handoff = r->handoff,
            .addresses_max = (uint32_t)r->config->engine.directory,
            .connections = (uint32_t)(r->config->engine.connections * r->config->engine.workers),
            .counters = (uint32_t)r->config->limits.counters,
            .known = (uint32_t)r->config->greylist.cache,
            .cache = (uint32_t)r->config->directory.cache,
            .cache_absent = (uint32_t)r->config->directory.cache_absent,
            .profile = r->cli->profile});
    if (!r->policy)
        return log_config_refused(span_text("out of memory"));
    return policy_apply(r->policy, r->config, &why) || log_config_refused(writer_span(&why));
}

static bool start_services(struct run *r)
{
    struct record_writer_options records = record_config_options(r->config);
    struct record_writer_watch watch = {.saw = metrics_latency_saw, .context = &r->latency};

    r->store_service =
        store_service_start(&(struct store_service_options){.handoff = r->handoff,
                                                            .store = r->store,
                                                            .serves = policy_serves,
                                                            .serves_near = policy_serves_near,
                                                            .place = mail_folder_find,
                                                            .context = r->policy});
    if (mail_index_configured(r->config, r->store, &r->index))
        r->mail_team = mail_config_start(r->config, r->handoff, r->store, r->index);
    r->records = record_writer_start(r->handoff, r->config->records.path, r->config->records.keys,
                                     &records, &watch);
    if (!r->records)
        LOG(ERROR, "records %s: %s", r->config->records.path, strerror(errno));
    if (r->records)
        r->keeper = keeper_service_start(&(struct keeper_options){.store = r->store,
                                                                  .policy = r->policy,
                                                                  .tell = record_audit_tell,
                                                                  .context = r->records});
    return r->store_service && r->mail_team && r->records && r->keeper;
}

static void more_counters(void *context, const struct counter_sink *sink)
{
    struct run *r = context;
    service_counters_put(r->records, r->store_service, r->keeper, policy_greylist(r->policy),
                         r->handoff, sink);
    policy_counters(r->policy, sink);
    mail_index_counters(r->index, sink);
    api_server_counters(r->api, sink);
    sink->put(sink->user, "system_calls_refused", privilege_refused());
}

static void set_addresses(struct engine_options *o, const struct config_ports *network)
{
    for (uint32_t i = 0; i < network->addresses_count && i < NET_ADDRESSES; i++) {
        struct net_address *a = &o->addresses[o->address_count++];
        const struct ip_address *gateway = config_gateway(network, &network->addresses[i]);

        a->address = network->addresses[i].address;
        a->prefix = network->addresses[i].prefix;
        a->has_gateway = gateway != NULL;
        if (gateway)
            a->gateway = *gateway;
    }
}

static const char *const pmd_names[] = {"af_packet", "af_xdp", "tap", NULL};

static struct engine_options engine_options_of(struct run *r)
{
    const struct config_engine *e = &r->config->engine;
    const struct config_tcp *t = &r->config->tcp;
    struct engine_options o = {
        .program = r->cli->program,
        .pmd = pmd_names[e->pmd],
        .interface = e->interface,
        .device = e->pmd == CONFIG_PMD_EAL ? e->device : NULL,
        .eal_extra = (const char *const *)e->eal,
        .eal_extra_count = e->eal_count,
        .memory_mb = (uint32_t)(e->memory >> 20),
        .burst = (uint16_t)e->burst,
        .rx_descriptors = (uint16_t)e->descriptors,
        .tx_descriptors = (uint16_t)e->descriptors,
        .frames = (uint32_t)e->mbufs,
        .offloads = e->checksum_offload,
        .tso = e->tso == CONFIG_OFFLOAD_AUTO,
        .large_receive = e->large_receive == CONFIG_OFFLOAD_AUTO,
        .vlan = (uint16_t)r->config->network.vlan,
        .dad_ms = (uint32_t)(r->config->network.dad / 1000),
        .workers = (uint32_t)e->workers,
        .idle = e->idle == CONFIG_IDLE_BUSY ? WORKER_IDLE_BUSY : WORKER_IDLE_ADAPTIVE,
        .nap_us = (uint32_t)e->nap,
        .tcp = {.connections = (uint32_t)e->connections,
                .half_open = (uint32_t)e->half_open,
                .prefix_connections = (uint32_t)t->prefix_connections,
                .prefix_half_open = (uint32_t)t->prefix_half_open,
                .prefix_v4 = (uint8_t)t->prefix_v4,
                .prefix_v6 = (uint8_t)t->prefix_v6,
                .no_cookies = !t->syn_cookies,
                .out_of_order = (uint32_t)t->out_of_order,
                .keepalive_ms = (uint32_t)(t->keepalive / 1000),
                .receive_window = (uint32_t)e->receive_window,
                .send_limit = (uint32_t)e->send_limit,
                .newreno = t->congestion == CONFIG_CONGESTION_NEWRENO,
                .ecn = (uint8_t)t->ecn,
                .flights = (uint32_t)t->flights,
                .time_wait_ms = (uint32_t)(e->time_wait / 1000)},
        .sessions = (uint32_t)e->connections,
        .prefault = e->prefault,
        .chunks = {(uint32_t)e->chunks_small, (uint32_t)e->chunks_medium,
                   (uint32_t)e->chunks_large},
        .node = (uint16_t)e->node,
        .ids_after_ms = store_clock(r->store),
        .handoff = r->handoff,
        .more_counters = more_counters,
        .more_user = r,
    };

    config_cpus(e->worker_cpus, o.cpus);
    set_addresses(&o, &r->config->network);
    return o;
}

static bool start_engine(struct run *r)
{
    char text[1024];
    struct writer why = writer_of(text, sizeof(text));
    struct engine_options options = engine_options_of(r);

    r->engine = engine_start(&options, &why);
    if (!r->engine) {
        LOG(ERROR, "engine: %.*s", (int)why.len, text);
        return false;
    }
    /* This thread is EAL's first lcore now; what it starts from here on is control's again. */
    eal_control_affinity();
    return true;
}

/* From here on packets are read. */
static bool launch(struct run *r)
{
    char text[1024];
    struct writer why = writer_of(text, sizeof(text));

    if (!engine_launch(r->engine, &why)) {
        LOG(ERROR, "engine: %.*s", (int)why.len, text);
        return false;
    }
    for (int waited = 0; !engine_ready(r->engine) && waited < READY_MS; waited += 10)
        poll(NULL, 0, 10);
    if (!engine_ready(r->engine))
        LOG(WARNING, "addresses are not usable yet: duplicate address detection goes on");
    mail_index_begin(r->index);
    return true;
}

/* ---- reload ---- */

/* What is wrong leaves everything as it was. */
static bool reload(struct run *r, struct writer *why)
{
    struct config *config = config_reread(r->cli->config_path, r->config, why);
    struct record_writer_options records;

    if (!config || !api_server_check(config, why) || !policy_apply(r->policy, config, why)) {
        config_free(config);
        return false;
    }
    records = record_config_options(config);
    record_writer_reopen(r->records, &records);
    log_config(config);
    api_server_apply(r->api, config);
    config_free(r->own_config);
    r->config = r->own_config = config;
    LOG(INFO, "configuration %llu is in force", (unsigned long long)policy_version(r->policy));
    tell(r, "reloaded");
    return true;
}

/* ---- control socket ---- */

static json_t *on_status(struct run *r)
{
    struct worker_status status = engine_status(r->engine);
    const struct port_capabilities *port = engine_port(r->engine);
    json_t *o;

    /* A signal may be replacing the configuration on the main thread. */
    pthread_mutex_lock(&r->reloading);
    o = json_pack("{s:s, s:I, s:I, s:i, s:i, s:b, s:b, s:b, s:i, s:i, s:s}", "version",
                  WIREPOST_VERSION, "uptime_ms", (json_int_t)(clock_monotonic_ms() - r->started_ms),
                  "configuration", (json_int_t)policy_version(r->policy), "connections",
                  (int)status.connections, "sessions", (int)status.sessions, "ready", status.ready,
                  "link", engine_link_up(r->engine), "draining", atomic_load(&r->drain_until) != 0,
                  "workers", (int)r->config->engine.workers, "queues", (int)port->rx_queues,
                  "hostname", r->config->hostname);
    pthread_mutex_unlock(&r->reloading);
    return o;
}

static void put_counter(void *user, const char *name, uint64_t value)
{
    json_object_set_new(user, name, json_integer((json_int_t)value));
}

static json_t *on_counters(struct run *r)
{
    json_t *o = json_object();
    struct counter_sink sink = {.put = put_counter, .user = o};

    engine_counters(r->engine, &sink);
    engine_replies(r->engine, &sink);
    more_counters(r, &sink);
    return o;
}

static json_t *on_reload(struct run *r, struct writer *why)
{
    json_t *o = NULL;

    pthread_mutex_lock(&r->reloading);
    if (reload(r, why))
        o = json_pack("{s:I}", "configuration", (json_int_t)policy_version(r->policy));
    pthread_mutex_unlock(&r->reloading);
    return o;
}

static bool begin_drain(struct run *r, uint64_t milliseconds)
{
    struct notice notice = {.kind = NOTICE_DRAIN, .argument = milliseconds};

    if (!notice_send(r->handoff, UINT16_MAX, &notice))
        return false;
    atomic_store(&r->drain_until, clock_monotonic_ms() + milliseconds);
    tell(r, "draining");
    return true;
}

static json_t *sessions_left(struct run *r)
{
    return json_pack("{s:i}", "sessions", (int)engine_status(r->engine).sessions);
}

static json_t *on_drain(struct run *r, uint32_t seconds, struct writer *why)
{
    if (begin_drain(r, (uint64_t)seconds * 1000))
        return sessions_left(r);
    writer_text(why, "a worker does not take notices");
    return NULL;
}

static json_t *on_stop(struct run *r)
{
    atomic_store(&r->stop, true);
    eventfd_write(r->wake, 1);
    return sessions_left(r);
}

static json_t *on_command(void *context, const struct ctl_request *request, struct writer *why)
{
    switch (request->command) {
    case CTL_STATUS:
        return on_status(context);
    case CTL_COUNTERS:
        return on_counters(context);
    case CTL_RELOAD:
        return on_reload(context, why);
    case CTL_DRAIN:
        return on_drain(context, request->seconds, why);
    case CTL_STOP:
        return on_stop(context);
    default:
        return NULL;
    }
}

static bool start_ctl(struct run *r)
{
    const struct ctl_subject subjects[CTL_SUBJECTS] = {
        [CTL_SUBJECT_ENGINE] = {.context = r, .answer = on_command},
        [CTL_SUBJECT_STORE] = ctl_store_subject(r->store),
        [CTL_SUBJECT_MAIL] = ctl_mail_subject(&r->mail),
        [CTL_SUBJECT_RULES] = ctl_rules_subject(r->policy),
        [CTL_SUBJECT_TRACE] = ctl_trace_subject(&r->trace),
        [CTL_SUBJECT_CYCLES] = ctl_cycles_subject(r->handoff),
    };

    r->mail = (struct ctl_mail){.store = r->store,
                                .policy = r->policy,
                                .keeper = r->keeper,
                                .index = r->index,
                                .records_path = r->config->records.path};
    r->trace = (struct trace_source){r->store, r->records, r->config->records.path};
    r->ctl = ctl_server_start(r->config->ctl_socket, subjects);
    if (!r->ctl)
        LOG(ERROR, "control socket %s: %s", r->config->ctl_socket, strerror(errno));
    return r->ctl != NULL;
}

/* ---- metrics ---- */

static void metrics_engine(void *context, const struct metric_sink *sink)
{
    engine_metrics(((struct run *)context)->engine, sink);
    api_server_metrics(((struct run *)context)->api, sink);
}

static void metrics_named(void *context, const struct counter_sink *sink)
{
    struct run *r = context;

    more_counters(context, sink);
    sink->put(sink->user, "configuration", policy_version(r->policy));
    sink->put(sink->user, "uptime_seconds", (clock_monotonic_ms() - r->started_ms) / 1000);
    sink->put(sink->user, "draining", atomic_load(&r->drain_until) != 0);
    sink->put(sink->user, "ready", engine_ready(r->engine));
}

static bool metrics_healthy(void *context)
{
    struct run *r = context;

    return engine_ready(r->engine) && atomic_load(&r->drain_until) == 0 && !atomic_load(&r->stop);
}

static bool start_metrics(struct run *r)
{
    const struct metrics_source source = {.context = r,
                                          .handoff = r->handoff,
                                          .store = r->config->store.path,
                                          .engine = metrics_engine,
                                          .named = metrics_named,
                                          .healthy = metrics_healthy,
                                          .latency = &r->latency};
    const char *listen = r->config->metrics_listen;

    r->metrics = listen[0] ? metrics_server_start(listen, &source) : NULL;
    if (listen[0] && !r->metrics)
        LOG(ERROR, "metrics %s: %s", listen, strerror(errno));
    return !listen[0] || r->metrics;
}

static bool start_api(struct run *r)
{
    r->api = api_server_start(r->config, &(struct api_source){.mail = &r->mail,
                                                              .engine = {r, .answer = on_command},
                                                              .healthy = metrics_healthy,
                                                              .context = r});
    return r->api != NULL;
}

/* ---- until the end ---- */

/* Signals end the engine in order; a second one does not wait for sessions. */
static void take_signal(struct run *r, int signals)
{
    int signal = service_signals_take(signals);
    static char text[ERRORS_TEXT];
    struct writer why = writer_of(text, sizeof(text));

    if (signal == SIGHUP) {
        pthread_mutex_lock(&r->reloading);
        if (!reload(r, &why))
            log_config_refused(writer_span(&why));
        pthread_mutex_unlock(&r->reloading);
    } else if (signal && atomic_exchange(&r->stop, true) && !begin_drain(r, 0)) {
        atomic_store(&r->drain_until, 1);
    }
}

static void tick(struct run *r)
{
    engine_watch(r->engine, clock_monotonic_ms() * 1000);
    privilege_report();
    if (pthread_mutex_trylock(&r->reloading) == 0) {
        policy_sweep(r->policy);
        pthread_mutex_unlock(&r->reloading);
    }
}

static void run_until_stopped(struct run *r, int signals)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = r->wake, .events = POLLIN}};

    LOG(INFO, "wirepost %s serves %s", WIREPOST_VERSION, r->config->hostname);
    tell(r, "started");
    for (;;) {
        uint64_t now = clock_monotonic_ms(), until = atomic_load(&r->drain_until);

        if (atomic_load(&r->stop)) {
            if (until == 0)
                begin_drain(r, TERM_DRAIN_MS);
            else if (engine_status(r->engine).sessions == 0 || now > until + 1000)
                return;
        }
        if (poll(fds, 2, atomic_load(&r->stop) ? 20 : TICK_MS) > 0) {
            eventfd_t count;

            if (fds[1].revents & POLLIN)
                eventfd_read(r->wake, &count);
            if (fds[0].revents & POLLIN)
                take_signal(r, signals);
        }
        tick(r);
    }
}

/* Services answer what they were asked before the memory of the workers goes that it refers to. */
static void end(struct run *r)
{
    if (r->metrics)
        metrics_server_stop(r->metrics);
    api_server_stop(r->api);
    if (r->ctl) {
        ctl_server_stop(r->ctl);
        ctl_mail_fini(&r->mail);
    }
    if (r->engine)
        engine_halt(r->engine);
    if (r->cli->profile && r->engine)
        ctl_cycles_print(stdout, r->handoff);
    if (r->store_service)
        store_service_stop(r->store_service);
    if (r->keeper)
        keeper_service_stop(r->keeper);
    if (r->mail_team)
        mail_team_stop(r->mail_team);
    policy_stop(r->policy);
    if (r->records && r->engine)
        tell(r, "ended");
    if (r->records)
        record_writer_stop(r->records);
    privilege_raise();
    if (r->engine)
        engine_stop(r->engine);
    policy_free(r->policy);
    if (r->store)
        store_close(r->store);
    handoff_free(r->handoff);
    config_free(r->own_config);
    close(r->wake);
}

static int run(void *context, const struct cli_run *cli)
{
    struct run r = {.cli = cli,
                    .config = cli->config,
                    .started_ms = clock_monotonic_ms(),
                    .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                    .reloading = PTHREAD_MUTEX_INITIALIZER};
    int signals = service_signals_open();
    bool ok = log_config(cli->config) && privilege_check(cli->config);
    cpu_set_t before;

    sched_getaffinity(0, sizeof(before), &before);
    control_cpus_set(cli->config->engine.control_cpus);
    r.store = ok ? store_start(cli->config) : NULL;
    ok = r.store && start_policy(&r) && start_services(&r);
    sched_setaffinity(0, sizeof(before), &before);
    ok = ok && start_engine(&r) && start_ctl(&r) && start_metrics(&r) && start_api(&r) &&
         privilege_drop(cli->config) && launch(&r);
    if (ok)
        run_until_stopped(&r, signals);
    end(&r);
    close(signals);
    if (ok)
        LOG(INFO, "ended");
    return ok ? CLI_OK : CLI_FAILED;
}

#endif

int main(int argc, char **argv)
{
    struct cli_actions actions = {
        .version = WIREPOST_VERSION,
        .check = cli_check_parts,
        .judge = session_judge,
        .tap = tap_run,
#ifdef WIREPOST_DPDK
        .blast = blast_run,
        .run = run,
        .tap_live = &tap_engine_calls,
#endif
    };

    tls_memory_count();
    return cli_main(argc, argv, &actions);
}
