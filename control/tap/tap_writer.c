/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "control/base/clock.h"
#include "control/log/log.h"
#include "control/record/record_log.h"
#include "control/tap/tap_files.h"
#include "control/tap/tap_item.h"
#include "control/tap/tap_teller.h"

enum {
    ROUND = 4096,             /* items of a worker before the next has its turn */
    NAP_NS = 5 * 1000 * 1000, /* nobody waits for a line */
};

struct tap_writer {
    struct tap_writer_options options;
    struct tap_teller teller;
    struct tap_files *extracted; /* NULL: none are asked for */
    struct record_files files;
    uint64_t now_ms; /* wall clock of the round */
    pthread_t thread;
    _Atomic bool stop, told;
    pthread_mutex_t lock; /* of the next two */
    bool reopen;
    struct record_files_options again;
};

static void put(void *context, enum record_type type, const struct json_line *line)
{
    struct tap_writer *w = context;

    if (line->lost)
        atomic_fetch_add(&w->files.dropped, 1);
    else
        record_files_add(&w->files, type, span_of((const uint8_t *)line->data, line->len),
                         w->now_ms);
}

static void take_item(struct tap_writer *w, uint32_t worker, uint32_t kind, struct span item)
{
    struct tap_item_event event;

    if (kind == TAP_ITEM_EVENT) {
        tap_item_read_event(item, &event);
        tap_teller_event(&w->teller, worker, &event.event);
    } else if (w->extracted) {
        tap_item_replay(kind, item, tap_files_sink(w->extracted));
    }
}

static uint32_t take_items(struct tap_writer *w)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < handoff_workers(w->options.handoff); i++) {
        struct tap_queue *q = w->options.queues[i];
        struct span item;
        uint32_t kind;

        for (uint32_t k = 0; k < ROUND && tap_queue_peek(q, &kind, &item); k++, n++) {
            take_item(w, i, kind, item);
            tap_queue_drop(q);
        }
    }
    return n;
}

void tap_writer_statistics(struct tap_writer *w, struct tap_tally *tally)
{
    uint64_t lost = 0;
    const struct record_files *f = &w->files;

    for (uint32_t i = 0; i < handoff_workers(w->options.handoff); i++)
        lost += tap_queue_lost(w->options.queues[i]);
    tap_tally_add(tally, &(struct tap_statistic){"output", "lost", lost});
    tap_tally_add(tally, &(struct tap_statistic){"output", "lines", atomic_load(&f->written)});
    tap_tally_add(tally, &(struct tap_statistic){"output", "dropped", atomic_load(&f->dropped)});
    tap_tally_add(tally, &(struct tap_statistic){"output", "errors", atomic_load(&f->errors)});
    tap_tally_add(tally,
                  &(struct tap_statistic){"output", "files_failed",
                                          w->extracted ? tap_files_failed(w->extracted) : 0});
}

static void tell_statistics(struct tap_writer *w, bool last)
{
    struct tap_tally tally = {.count = 0};
    struct tap_json_when when = {.time_ms = w->now_ms, .last = last};

    if (!w->options.statistics(w->options.context, &tally))
        return;
    tap_writer_statistics(w, &tally);
    tap_teller_statistics(&w->teller, &tally, &when);
}

static void reopen_files(struct tap_writer *w)
{
    bool reopen;

    pthread_mutex_lock(&w->lock);
    reopen = w->reopen;
    w->reopen = false;
    if (reopen)
        w->files.options = w->again;
    pthread_mutex_unlock(&w->lock);
    if (reopen && !record_files_reopen(&w->files))
        LOG(ERROR, "records: %s cannot be opened: %s", w->files.path, strerror(errno));
}

static void *writer_main(void *arg)
{
    struct tap_writer *w = arg;
    uint64_t due = clock_monotonic_ms() + w->options.statistics_ms;

    pthread_setname_np(pthread_self(), "events");
    for (;;) {
        bool stop = atomic_load(&w->stop);
        uint32_t n;

        w->now_ms = clock_wall_ms();
        reopen_files(w);
        n = take_items(w);
        tap_teller_collect(&w->teller);
        record_log_workers(w->options.handoff, &record_privacy_default);
        if (w->options.statistics_ms && clock_monotonic_ms() >= due) {
            tell_statistics(w, false);
            due += w->options.statistics_ms;
        }
        if (stop && n == 0 && atomic_load(&w->told))
            tell_statistics(w, true);
        record_files_flush(&w->files, w->now_ms);
        record_files_sweep(&w->files, w->now_ms);
        if (stop && n == 0)
            return NULL;
        if (n == 0)
            nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    }
}

static void writer_free(struct tap_writer *w)
{
    record_files_fini(&w->files, clock_wall_ms());
    tap_teller_fini(&w->teller);
    tap_files_free(w->extracted);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static bool open_all(struct tap_writer *w, struct writer *why)
{
    const struct tap_writer_options *o = &w->options;
    const char *folder = o->settings->extract;

    if (!record_files_init(&w->files, o->path, &o->files)) {
        writer_printf(why, "records %s: %s\n", o->path, strerror(errno));
        return false;
    }
    w->extracted = folder ? tap_files_new(folder, o->pieces) : NULL;
    if (folder && !w->extracted) {
        writer_printf(why, "tap.extract %s: %s\n", folder, strerror(errno));
        return false;
    }
    if (tap_teller_init(&w->teller, o->records))
        return true;
    writer_text(why, "out of memory\n");
    return false;
}

static bool start_thread(struct tap_writer *w, struct writer *why)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    /* What the filter of system calls refuses is told by this one, to the thread that called. */
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&w->thread, NULL, writer_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc)
        writer_printf(why, "the thread of events: %s\n", strerror(rc));
    return rc == 0;
}

struct tap_writer *tap_writer_start(const struct tap_writer_options *options, struct writer *why)
{
    struct tap_writer *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->options = *options;
    pthread_mutex_init(&w->lock, NULL);
    w->teller = (struct tap_teller){
        .json = {.secrets = options->settings->secrets, .commands = options->settings->commands},
        .handoff = options->handoff,
        .put = put,
        .context = w};
    if (open_all(w, why) && start_thread(w, why))
        return w;
    writer_free(w);
    return NULL;
}

void tap_writer_reopen(struct tap_writer *w, const struct record_files_options *files)
{
    pthread_mutex_lock(&w->lock);
    w->again = *files;
    w->reopen = true;
    pthread_mutex_unlock(&w->lock);
}

void tap_writer_stop(struct tap_writer *w, bool told)
{
    if (!w)
        return;
    atomic_store(&w->told, told);
    atomic_store(&w->stop, true);
    pthread_join(w->thread, NULL);
    writer_free(w);
}
