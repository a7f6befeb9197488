/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "control/base/clock.h"
#include "control/log/log.h"
#include "control/record/record_json.h"
#include "control/record/record_log.h"

enum {
    /* So many in one go, some 100 microseconds: who shares the CPU comes in between. */
    BATCH_RECORDS = 32,
    FULL_BATCHES = 8, /* after so many there is no rest until what waits is taken */
    WAIT_MS = 500,
    GATHER_NS = 1000 * 1000, /* nobody waits for a line: more of them in one write */
    REST_NS = 100 * 1000,    /* when there are more already */
    EVENTS = 256,
};

struct event {
    enum record_type type;
    json_t *fields;
    uint64_t time_ms;
};

struct record_writer {
    struct handoff *handoff;
    struct record_writer_watch watch;
    struct record_files files;
    struct json_line line; /* of the record under way */
    pthread_t thread;
    _Atomic bool stop;
    pthread_mutex_t lock; /* of what follows; never held while something is written */
    bool reopen;
    struct record_writer_options options;
    struct event events[EVENTS];
    uint32_t event_count;
    struct record_keys keys;
};

static void put_line(struct record_writer *w, enum record_type type, const char *line, size_t len,
                     uint64_t now)
{
    if (line) {
        record_files_add(&w->files, type, span_of(line, len), now);
    } else {
        atomic_fetch_add(&w->files.dropped, 1);
        LOG(ERROR, "records: a line lost, no memory");
    }
}

static void add(struct record_writer *w, const struct record *record,
                const struct record_privacy *privacy, uint64_t now)
{
    enum record_type type =
        record->kind == RECORD_MESSAGE ? RECORD_TYPE_message : RECORD_TYPE_connection;

    json_line_reset(&w->line);
    record_json_put(&w->line, record, privacy);
    json_line_end(&w->line);
    put_line(w, type, w->line.lost ? NULL : w->line.data, w->line.len, now);
}

static const char *schema_of(enum record_type type)
{
    static const char *const names[RECORD_TYPES] = {
#define RECORD_TYPE(name, text) [RECORD_TYPE_##name] = RECORD_SCHEMA_##name,
#include "control/record/record_type.def"
#undef RECORD_TYPE
    };

    return names[type];
}

/* The major version, as "audit/2.0" says it. */
static int version_of(enum record_type type)
{
    return (int)strtol(strchr(schema_of(type), '/') + 1, NULL, 10);
}

static void add_event(struct record_writer *w, const struct event *event, uint64_t now)
{
    size_t len = 0;
    char *line;
    json_t *json = json_pack("{s:s, s:i, s:s, s:o}", "kind", record_type_name(event->type),
                             "version", version_of(event->type), "schema", schema_of(event->type),
                             "time", record_json_time(event->time_ms));

    if (json && json_object_update(json, event->fields) != 0) {
        json_decref(json);
        json = NULL;
    }
    json_decref(event->fields);
    line = record_json_dump(json, &len);
    put_line(w, event->type, line, len, now);
    free(line);
}

static uint32_t take_events(struct record_writer *w, uint64_t now)
{
    struct event taken[EVENTS];
    uint32_t n;

    pthread_mutex_lock(&w->lock);
    n = w->event_count;
    memcpy(taken, w->events, n * sizeof(taken[0]));
    w->event_count = 0;
    pthread_mutex_unlock(&w->lock);
    for (uint32_t i = 0; i < n; i++)
        add_event(w, &taken[i], now);
    return n;
}

/* Each slot goes back as soon as its line is made, before anything is written. */
static uint32_t take_records(struct record_writer *w, const struct record_privacy *privacy,
                             uint64_t now)
{
    struct record *records[BATCH_RECORDS];
    uint32_t n = record_collect(w->handoff, records, BATCH_RECORDS);

    for (uint32_t i = 0; i < n; i++) {
        if (w->watch.saw)
            w->watch.saw(w->watch.context, records[i]);
        if (w->files.path[0])
            add(w, records[i], privacy, now);
        record_return(w->handoff, records[i]);
    }
    return n;
}

static void reopen_files(struct record_writer *w)
{
    if (!record_files_reopen(&w->files))
        LOG(ERROR, "records: %s cannot be opened: %s", w->files.path, strerror(errno));
}

/* True when something is hashed: keys are made only then. */
static bool hashes(const struct record_writer_options *o)
{
    for (int i = 0; i < RECORD_CLASSES; i++)
        if (o->privacy[i] == RECORD_PRIVACY_HASH || o->privacy[i] == RECORD_PRIVACY_HASH_LOCAL)
            return true;
    return false;
}

/* Takes over new options, and turns the keys. The file of keys is small; who asks for keys
 * meanwhile waits for it. */
static void prepare(struct record_writer *w, uint64_t now, struct record_privacy *privacy_out,
                    struct record_key *key_out)
{
    bool reopen;

    pthread_mutex_lock(&w->lock);
    reopen = w->reopen;
    w->reopen = false;
    w->files.options = w->options.files;
    if ((w->keys.count || hashes(&w->options)) &&
        !record_keys_turn(&w->keys, now, w->options.key_rotation_ms, w->options.key_kept_ms))
        LOG(ERROR, "records: keys in %s cannot be written: %s", w->keys.path, strerror(errno));
    memcpy(privacy_out->action, w->options.privacy, sizeof(privacy_out->action));
    privacy_out->key = NULL;
    if (w->keys.count) {
        *key_out = *record_keys_now(&w->keys);
        privacy_out->key = key_out;
    }
    pthread_mutex_unlock(&w->lock);
    if (reopen)
        reopen_files(w);
}

static void *writer_main(void *arg)
{
    struct record_writer *w = arg;
    uint32_t full = 0;

    pthread_setname_np(pthread_self(), "records");
    for (;;) {
        bool stop = atomic_load(&w->stop);
        uint64_t now = clock_wall_ms();
        struct record_privacy privacy;
        struct record_key key;
        uint32_t n;

        prepare(w, now, &privacy, &key);
        n = take_events(w, now) + take_records(w, &privacy, now);
        record_log_workers(w->handoff, &privacy);
        record_files_flush(&w->files, now);
        record_files_sweep(&w->files, now);
        if (n > 0) {
            full = n < BATCH_RECORDS ? 0 : full + 1;
            if (full < FULL_BATCHES && !stop)
                nanosleep(&(struct timespec){.tv_nsec = full ? REST_NS : GATHER_NS}, NULL);
            continue;
        }
        /* What was in the rings when the end was asked for has been taken. */
        if (stop)
            return NULL;
        record_wait(w->handoff, WAIT_MS);
    }
}

static void writer_free(struct record_writer *w)
{
    record_files_fini(&w->files, clock_wall_ms());
    json_line_fini(&w->line);
    pthread_mutex_destroy(&w->lock);
    explicit_bzero(&w->keys, sizeof(w->keys));
    free(w);
}

struct record_writer *record_writer_start(struct handoff *handoff, const char *path,
                                          const char *keys,
                                          const struct record_writer_options *options,
                                          const struct record_writer_watch *watch)
{
    struct record_writer *w = calloc(1, sizeof(*w));
    sigset_t all, before;
    int why = 0;

    if (!w)
        return NULL;
    w->handoff = handoff;
    w->options = *options;
    if (watch)
        w->watch = *watch;
    pthread_mutex_init(&w->lock, NULL);
    if (!record_files_init(&w->files, path, &options->files) || !record_keys_load(&w->keys, keys))
        why = errno;
    if (why == 0) {
        sigfillset(&all);
        /* What the filter of system calls refuses is told by this one, to the thread that called.
         */
        sigdelset(&all, SIGSYS);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        why = pthread_create(&w->thread, NULL, writer_main, w);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (why == 0)
        return w;
    writer_free(w);
    errno = why;
    return NULL;
}

void record_writer_reopen(struct record_writer *writer, const struct record_writer_options *options)
{
    pthread_mutex_lock(&writer->lock);
    writer->options = *options;
    writer->reopen = true;
    pthread_mutex_unlock(&writer->lock);
    record_wake(writer->handoff);
}

void record_writer_event(struct record_writer *writer, enum record_type type, json_t *fields)
{
    bool taken = false;

    pthread_mutex_lock(&writer->lock);
    if (fields && writer->event_count < EVENTS) {
        writer->events[writer->event_count++] =
            (struct event){.type = type, .fields = fields, .time_ms = clock_wall_ms()};
        taken = true;
    }
    pthread_mutex_unlock(&writer->lock);
    if (taken) {
        record_wake(writer->handoff);
        return;
    }
    atomic_fetch_add(&writer->files.dropped, 1);
    json_decref(fields);
}

void record_writer_keys(struct record_writer *writer, struct record_keys *keys_out)
{
    pthread_mutex_lock(&writer->lock);
    *keys_out = writer->keys;
    pthread_mutex_unlock(&writer->lock);
}

void record_writer_stop(struct record_writer *writer)
{
    atomic_store(&writer->stop, true);
    record_wake(writer->handoff);
    pthread_join(writer->thread, NULL);
    writer_free(writer);
}

struct record_writer_counters record_writer_counters(const struct record_writer *writer)
{
    const struct record_files *f = &writer->files;

    return (struct record_writer_counters){.written = atomic_load(&f->written),
                                           .dropped = atomic_load(&f->dropped),
                                           .errors = atomic_load(&f->errors),
                                           .removed = atomic_load(&f->removed)};
}
