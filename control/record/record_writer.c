/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/log/log.h"
#include "control/record/record_json.h"

enum { BATCH_RECORDS = 64, BATCH_BYTES = 256 * 1024, WAIT_MS = 500 };

struct record_writer {
    struct handoff *handoff;
    char *path;
    int fd;    /* -1: none, lines are dropped */
    bool torn; /* the file's last line has no end */
    pthread_t thread;
    _Atomic bool stop, reopen;
    _Atomic uint64_t written, dropped, errors;
    size_t len;     /* of the batch */
    uint32_t lines; /* in the batch */
    char *batch;
};

/* True when the file ends in the middle of a line: a write was cut by a crash or a full disk. */
static bool ends_torn(int fd)
{
    struct stat st;
    char last;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return false;
    return pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static bool wanted(const struct record_writer *w)
{
    return w->path[0] != 0;
}

static bool open_file(struct record_writer *w)
{
    if (!wanted(w))
        return true;
    /* Readable too, for its last byte. */
    w->fd = strcmp(w->path, "-") == 0
                ? dup(STDOUT_FILENO)
                : open(w->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (w->fd < 0)
        return false;
    w->torn = ends_torn(w->fd);
    return true;
}

static void close_file(struct record_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

/* All of it, in one write() where the system takes it whole. Returns how much was written. */
static size_t write_all(int fd, const char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, bytes + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static uint32_t count_lines(const char *bytes, size_t len)
{
    uint32_t n = 0;

    for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(bytes + len - at))); at++)
        n++;
    return n;
}

static void flush(struct record_writer *w)
{
    size_t done = 0;
    uint32_t lines;

    if (w->len == 0)
        return;
    if (w->fd >= 0 && w->torn)
        w->torn = write_all(w->fd, "\n", 1) != 1;
    if (w->fd >= 0 && !w->torn)
        done = write_all(w->fd, w->batch, w->len);
    lines = count_lines(w->batch, done);
    if (done < w->len) {
        w->torn = w->torn || (done && w->batch[done - 1] != '\n');
        atomic_fetch_add(&w->errors, 1);
        atomic_fetch_add(&w->dropped, w->lines - lines);
        LOG(ERROR, "records: %u lines lost, writing %s: %s", w->lines - lines, w->path,
            w->fd < 0 ? "it is not open" : strerror(errno));
    }
    atomic_fetch_add(&w->written, lines);
    w->len = 0;
    w->lines = 0;
}

static void add(struct record_writer *w, const struct record *record)
{
    size_t len = 0;
    char *line = record_json_line(record, &len);

    if (!line || len > BATCH_BYTES) {
        atomic_fetch_add(&w->dropped, 1);
        LOG(ERROR, "records: a line lost, %s", line ? "it is too long" : "no memory");
    } else {
        if (w->len + len > BATCH_BYTES)
            flush(w);
        memcpy(w->batch + w->len, line, len);
        w->len += len;
        w->lines++;
    }
    free(line);
}

/* Each slot goes back as soon as its line is made, before anything is written. */
static uint32_t take_batch(struct record_writer *w)
{
    struct record *records[BATCH_RECORDS];
    uint32_t n = record_collect(w->handoff, records, BATCH_RECORDS);

    for (uint32_t i = 0; i < n; i++) {
        if (wanted(w))
            add(w, records[i]);
        record_return(w->handoff, records[i]);
    }
    flush(w);
    return n;
}

static void reopen_file(struct record_writer *w)
{
    close_file(w);
    if (!open_file(w)) {
        atomic_fetch_add(&w->errors, 1);
        LOG(ERROR, "records: %s cannot be opened: %s", w->path, strerror(errno));
    }
}

static void *writer_main(void *arg)
{
    struct record_writer *w = arg;

    for (;;) {
        bool stop = atomic_load(&w->stop);

        if (atomic_exchange(&w->reopen, false))
            reopen_file(w);
        if (take_batch(w) > 0)
            continue;
        /* What was in the rings when the end was asked for has been taken. */
        if (stop)
            return NULL;
        record_wait(w->handoff, WAIT_MS);
    }
}

static void writer_free(struct record_writer *w)
{
    close_file(w);
    free(w->batch);
    free(w->path);
    free(w);
}

struct record_writer *record_writer_start(struct handoff *handoff, const char *path)
{
    struct record_writer *w = calloc(1, sizeof(*w));
    sigset_t all, before;
    int why;

    if (!w)
        return NULL;
    w->handoff = handoff;
    w->fd = -1;
    w->path = strdup(path);
    w->batch = malloc(BATCH_BYTES);
    why = !w->path || !w->batch ? ENOMEM : open_file(w) ? 0 : errno;
    if (why == 0) {
        sigfillset(&all);
        /* What the filter of system calls refuses is told by this one, to the thread that called. */
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

void record_writer_reopen(struct record_writer *writer)
{
    atomic_store(&writer->reopen, true);
    record_wake(writer->handoff);
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
    return (struct record_writer_counters){.written = atomic_load(&writer->written),
                                           .dropped = atomic_load(&writer->dropped),
                                           .errors = atomic_load(&writer->errors)};
}
