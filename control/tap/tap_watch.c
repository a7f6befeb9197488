/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "control/base/clock.h"
#include "control/ctl/ctl_request.h"
#include "control/log/log.h"
#include "control/log/log_config.h"
#include "control/privilege/privilege.h"
#include "control/record/record_config.h"
#include "control/service/control_cpus.h"
#include "control/service/judgement.h"
#include "control/tap/tap_sources.h"
#include "control/tap/tap_writer.h"

enum { OK = 0, FAILED = 1, REASONS = 16384, LOOK_MS = 50, KEYLOG_MS = 2 };

/* Everything that runs, in the order in which it is started. */
struct live {
    const struct tap_watch *run;
    struct config *own_config; /* from the last reload; the first is the command line's */
    const struct config *config;
    struct tap_settings settings;
    struct judgement *judgement;
    struct tap_key_log *keylog; /* NULL: none */
    struct tap_sources sources;
    struct tap_writer *writer;
    struct tap_engine *engine;
    struct ctl_server *ctl;
    uint64_t started_ms;
    int wake;              /* eventfd: stop is asked for on the control socket's thread */
    _Atomic bool watching; /* the engine is there, and frames are read */
    _Atomic bool stop;
    pthread_mutex_t reloading; /* configuration and judgement */
};

/* ---- start ---- */

static bool refused(const struct writer *why)
{
    return log_config_refused(writer_span(why));
}

static bool start_judgement(struct live *l, struct writer *why)
{
    const struct judgement_options options = {
        .workers = (uint32_t)l->config->engine.workers,
        .messages = l->settings.messages,
        .cache = true,
    };

    l->judgement = judgement_new(l->config, &options, why);
    return l->judgement || refused(why);
}

static bool statistics(void *context, struct tap_tally *tally)
{
    struct live *l = context;
    bool watching = atomic_load(&l->watching);

    if (watching)
        l->run->engine->statistics(l->engine, tap_tally_add, tally);
    if (watching && l->keylog)
        tap_key_log_statistics(l->keylog, tap_tally_add, tally);
    return watching;
}

static bool start_writer(struct live *l, struct writer *why)
{
    const struct config *c = l->config;
    struct tap_writer_options options = {
        .handoff = judgement_handoff(l->judgement),
        .queues = l->sources.queues,
        .records = l->settings.messages + JUDGEMENT_RECORDS,
        .pieces = l->sources.pieces * l->sources.count,
        .settings = &l->settings,
        .path = c->records.path,
        .files = record_config_options(c).files,
        .statistics_ms = (uint64_t)c->tap.statistics / 1000,
        .statistics = statistics,
        .context = l,
    };

    l->writer = tap_writer_start(&options, why);
    return l->writer || refused(why);
}

static bool start_keylog(struct live *l, struct writer *why)
{
    if (!l->settings.keylog)
        return true;
    l->keylog = tap_key_log_new(l->settings.keylog, true, why);
    if (!l->keylog) {
        LOG(ERROR, "tap.keylog: %.*s", (int)why->len, (const char *)why->data);
        return false;
    }
    while (tap_key_log_read(l->keylog))
        continue;
    return true;
}

static bool start_sources(struct live *l)
{
    if (tap_sources_init(&l->sources, (uint32_t)l->config->engine.workers,
                         (size_t)l->config->tap.queue, &l->settings, l->keylog))
        return true;
    LOG(ERROR, "out of memory");
    return false;
}

static const char *const pmd_names[] = {"af_packet", "af_xdp", "tap", NULL};

static struct tap_live_options engine_options(const struct live *l)
{
    const struct config_engine *e = &l->config->engine;
    const struct config_tap *t = &l->config->tap;
    struct tap_live_options o = {
        .program = l->run->program,
        .handoff = judgement_handoff(l->judgement),
        .sources = l->sources.sources,
        .port_count = t->ports_count,
        .workers = (uint32_t)e->workers,
        .eal = (const char *const *)e->eal,
        .eal_count = e->eal_count,
        .memory_mb = (uint32_t)(e->memory >> 20),
        .burst = (uint16_t)e->burst,
        .descriptors = (uint16_t)e->descriptors,
        .frames = (uint32_t)e->mbufs,
        .nap_us = (uint32_t)e->nap,
        .busy = e->idle == CONFIG_IDLE_BUSY,
        .offloads = e->checksum_offload,
    };

    config_cpus(e->worker_cpus, o.cpus);
    for (uint32_t i = 0; i < t->ports_count; i++) {
        const struct config_tap_port *p = &t->ports[i];

        o.ports[i] = (struct tap_live_port){.pmd = pmd_names[p->pmd],
                                            .interface = p->interface,
                                            .device = p->pmd == CONFIG_PMD_EAL ? p->device : NULL};
    }
    return o;
}

static bool start_engine(struct live *l, struct writer *why)
{
    struct tap_live_options options = engine_options(l);

    l->engine = l->run->engine->start(&options, why);
    if (!l->engine) {
        LOG(ERROR, "tap: %.*s", (int)why->len, (const char *)why->data);
        return false;
    }
    l->run->engine->warn(l->engine, why);
    for (struct span rest = writer_span(why); rest.len;) {
        ptrdiff_t end = span_find(rest, '\n');
        struct span line = span_head(rest, end < 0 ? rest.len : (size_t)end);

        LOG(WARNING, "%.*s", (int)line.len, (const char *)line.data);
        rest = span_skip(rest, line.len + (end >= 0));
    }
    return true;
}

/* ---- reload ---- */

/* What is wrong leaves everything as it was. */
static bool reload(struct live *l, struct writer *why)
{
    struct config *config = config_reread(l->run->config_path, l->config, why);
    struct record_writer_options records;

    if (!config || !judgement_apply(l->judgement, config, why)) {
        config_free(config);
        return false;
    }
    records = record_config_options(config);
    tap_writer_reopen(l->writer, &records.files);
    log_config(config);
    config_free(l->own_config);
    l->own_config = config;
    l->config = config;
    LOG(INFO, "configuration %llu is in force",
        (unsigned long long)judgement_version(l->judgement));
    return true;
}

/* ---- control socket ---- */

static json_t *on_status(struct live *l)
{
    struct tap_live_status s = l->run->engine->status(l->engine);
    json_t *o;

    pthread_mutex_lock(&l->reloading);
    o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:i, s:I, s:s}", "version",
                  l->run->version, "uptime_ms", (json_int_t)(clock_monotonic_ms() - l->started_ms),
                  "configuration", (json_int_t)judgement_version(l->judgement), "connections",
                  (json_int_t)s.flows, "sessions", (json_int_t)s.conversations, "ready", !s.stalled,
                  "link", s.link, "draining", false, "workers", (int)l->config->engine.workers,
                  "queues", (json_int_t)s.queues, "hostname", l->config->hostname);
    pthread_mutex_unlock(&l->reloading);
    return o;
}

static json_t *on_counters(struct live *l)
{
    struct tap_tally tally = {.count = 0};
    json_t *o = json_object();

    statistics(l, &tally);
    tap_writer_statistics(l->writer, &tally);
    for (size_t i = 0; i < tally.count; i++) {
        const struct tap_statistic *s = &tally.rows[i];
        char name[128];

        snprintf(name, sizeof(name), "%s_%s", s->group, s->name);
        json_object_set_new(o, name, json_integer((json_int_t)s->value));
    }
    json_object_set_new(o, "system_calls_refused", json_integer((json_int_t)privilege_refused()));
    return o;
}

static json_t *on_reload(struct live *l, struct writer *why)
{
    json_int_t version;
    bool ok;

    pthread_mutex_lock(&l->reloading);
    ok = reload(l, why);
    version = (json_int_t)judgement_version(l->judgement);
    pthread_mutex_unlock(&l->reloading);
    return ok ? json_pack("{s:I}", "configuration", version) : NULL;
}

static json_t *on_stop(struct live *l)
{
    atomic_store(&l->stop, true);
    eventfd_write(l->wake, 1);
    return json_pack("{s:I}", "sessions",
                     (json_int_t)l->run->engine->status(l->engine).conversations);
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
    case CTL_STOP:
        return on_stop(context);
    default:
        writer_text(why, "a tap has nothing of the kind: status, counters, reload and stop are all "
                         "that it is asked for");
        return NULL;
    }
}

static void *on_bytes(void *context, const struct ctl_request *request, uint64_t *length_out,
                      struct writer *why)
{
    return on_command(context, request, why);
}

static bool start_ctl(struct live *l)
{
    struct ctl_subject subjects[CTL_SUBJECTS];

    for (int i = 0; i < CTL_SUBJECTS; i++)
        subjects[i] = (struct ctl_subject){.context = l, .answer = on_command, .open = on_bytes};
    l->ctl = ctl_server_start(l->config->ctl_socket, subjects);
    if (!l->ctl)
        LOG(ERROR, "control socket %s: %s", l->config->ctl_socket, strerror(errno));
    return l->ctl != NULL;
}

static bool launch(struct live *l, struct writer *why)
{
    atomic_store(&l->watching, l->run->engine->launch(l->engine, why));
    if (atomic_load(&l->watching))
        return true;
    LOG(ERROR, "tap: %.*s", (int)why->len, (const char *)why->data);
    return false;
}

/* ---- until the end ---- */

static void take_signal(struct live *l, int signals, struct writer *why)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo != SIGHUP) {
        atomic_store(&l->stop, true);
        return;
    }
    pthread_mutex_lock(&l->reloading);
    if (!reload(l, why))
        refused(why);
    pthread_mutex_unlock(&l->reloading);
}

/* Waits for signals and commands; what a key log got meanwhile is read at once, because bytes wait
 * for it. */
static bool wait_for(struct live *l, struct pollfd fds[2])
{
    uint64_t until = clock_monotonic_ms() + LOOK_MS;

    for (;;) {
        if (poll(fds, 2, l->keylog ? KEYLOG_MS : LOOK_MS) > 0)
            return true;
        if (l->keylog && tap_key_log_missed(l->keylog))
            tap_key_log_read(l->keylog);
        if (!l->keylog || clock_monotonic_ms() >= until)
            return false;
    }
}

static void run_until_stopped(struct live *l, int signals)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = l->wake, .events = POLLIN}};
    static char reasons[REASONS];

    LOG(INFO, "wirepost %s watches as %s", l->run->version, l->config->hostname);
    while (!atomic_load(&l->stop)) {
        struct writer why = writer_of(reasons, sizeof(reasons));

        if (wait_for(l, fds) && fds[0].revents & POLLIN)
            take_signal(l, signals, &why);
        l->run->engine->look(l->engine, clock_monotonic_ns() / 1000);
        privilege_report();
        if (pthread_mutex_trylock(&l->reloading) == 0) {
            judgement_sweep(l->judgement);
            pthread_mutex_unlock(&l->reloading);
        }
    }
}

static void end(struct live *l, bool told)
{
    if (l->ctl)
        ctl_server_stop(l->ctl);
    if (l->engine) {
        /* What was lost up to now belongs to flows that are about to be ended. */
        l->run->engine->look(l->engine, clock_monotonic_ns() / 1000);
        if (l->keylog)
            tap_key_log_read(l->keylog);
        tap_sources_close(&l->sources);
        l->run->engine->halt(l->engine);
    }
    tap_writer_stop(l->writer, told);
    privilege_raise();
    if (l->engine)
        l->run->engine->stop(l->engine);
    tap_sources_fini(&l->sources);
    tap_key_log_free(l->keylog);
    judgement_free(l->judgement);
    config_free(l->own_config);
    if (l->wake >= 0)
        close(l->wake);
    pthread_mutex_destroy(&l->reloading);
}

static int signals_open(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool start(struct live *l, struct writer *why)
{
    cpu_set_t before;
    bool ok;

    sched_getaffinity(0, sizeof(before), &before);
    control_cpus_set(l->config->engine.control_cpus);
    ok = privilege_check(l->config) && start_judgement(l, why) && start_keylog(l, why) &&
         start_sources(l) && start_writer(l, why);
    sched_setaffinity(0, sizeof(before), &before);
    return ok && start_engine(l, why) && start_ctl(l) && privilege_drop(l->config) &&
           launch(l, why);
}

int tap_watch(const struct tap_watch *run)
{
    static char reasons[REASONS];
    struct writer why = writer_of(reasons, sizeof(reasons));
    struct live l = {
        .run = run, .config = run->config, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    int signals;
    bool ok;

    if (!log_config(run->config))
        return FAILED;
    l.started_ms = clock_monotonic_ms();
    pthread_mutex_init(&l.reloading, NULL);
    tap_settings_of(run->config, &l.settings);
    signals = signals_open();
    ok = start(&l, &why);
    if (ok)
        run_until_stopped(&l, signals);
    end(&l, ok);
    close(signals);
    if (ok)
        LOG(INFO, "ended");
    return ok ? OK : FAILED;
}
