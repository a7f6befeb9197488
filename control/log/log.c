/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/log/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/peer_text.h"

enum { JSON_MAX = 2 * LOG_LINE_MAX + 256 };

static _Atomic int level_max = LOG_LEVEL_INFO;

/* Where lines go. Threads that write hold the lock: none of them is a worker. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fd = STDERR_FILENO;
static bool to_syslog, as_json;

void log_set_level(enum log_level level)
{
    atomic_store(&level_max, (int)level);
}

static const char *level_name(enum log_level level)
{
    static const char *const names[LOG_LEVELS] = {"error", "warning", "info", "debug"};

    return names[level];
}

bool log_open(const struct log_options *o)
{
    int opened = STDERR_FILENO;

    if (o->target == LOG_TARGET_FILE) {
        opened = open(o->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (opened < 0)
            return false;
    }
    pthread_mutex_lock(&lock);
    if (fd != STDERR_FILENO)
        close(fd);
    fd = opened;
    if (to_syslog)
        closelog();
    to_syslog = o->target == LOG_TARGET_SYSLOG;
    if (to_syslog)
        openlog("wirepost", LOG_PID | LOG_NDELAY, o->facility);
    as_json = o->json;
    pthread_mutex_unlock(&lock);
    return true;
}

/*
 * True when the place has a line left in this second; *left_out_out is then what was left out
 * before. Threads that meet in the first line of a second may write a line too many, never one too
 * few to count.
 */
static bool site_allows(struct log_site *site, uint64_t *left_out_out)
{
    struct timespec now;
    int64_t second;

    clock_gettime(CLOCK_MONOTONIC, &now);
    second = now.tv_sec;
    if (atomic_exchange(&site->second, second) != second)
        atomic_store(&site->lines, 0);
    if (atomic_fetch_add(&site->lines, 1) >= LOG_SITE_LINES) {
        atomic_fetch_add(&site->left_out, 1);
        return false;
    }
    *left_out_out = atomic_exchange(&site->left_out, 0);
    return true;
}

/* One line, before it has a form. */
struct line {
    enum log_level level;
    int64_t worker; /* -1: none */
    const char *message;
    uint64_t left_out;
    struct span text; /* safe to print */
};

static void put_time(struct writer *w)
{
    struct timespec now;
    struct tm day;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &day);
    writer_printf(w, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", day.tm_year + 1900, day.tm_mon + 1,
                  day.tm_mday, day.tm_hour, day.tm_min, day.tm_sec, now.tv_nsec / 1000000);
}

/* Without the time where syslog has its own. */
static void put_text(struct writer *w, const struct line *l, bool time)
{
    if (time) {
        put_time(w);
        writer_printf(w, " %s: ", level_name(l->level));
    }
    if (l->worker >= 0)
        writer_printf(w, "worker %lld: ", (long long)l->worker);
    if (l->left_out)
        writer_printf(w, "(%llu like this left out) ", (unsigned long long)l->left_out);
    writer_span_put(w, span_head(l->text, writer_room(w)));
}

/* As control/schema/log.schema.json has it. The text has no control characters. */
static void put_json(struct writer *w, const struct line *l)
{
    writer_text(w, "{\"time\":\"");
    put_time(w);
    writer_printf(w, "\",\"level\":\"%s\"", level_name(l->level));
    if (l->worker >= 0)
        writer_printf(w, ",\"worker\":%lld,\"message\":\"%s\"", (long long)l->worker, l->message);
    if (l->left_out)
        writer_printf(w, ",\"left_out\":%llu", (unsigned long long)l->left_out);
    writer_text(w, ",\"text\":\"");
    for (size_t i = 0; i < l->text.len; i++) {
        if (l->text.data[i] == '"' || l->text.data[i] == '\\')
            writer_byte(w, '\\');
        writer_byte(w, l->text.data[i]);
    }
    writer_text(w, "\"}");
}

static void put_line(const struct line *l)
{
    static const int priorities[LOG_LEVELS] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    char bytes[JSON_MAX];
    struct writer w;
    ssize_t ignored;

    pthread_mutex_lock(&lock);
    w = writer_of(bytes, as_json ? JSON_MAX - 1 : LOG_LINE_MAX - 1);
    if (as_json)
        put_json(&w, l);
    else
        put_text(&w, l, !to_syslog);
    if (to_syslog) {
        syslog(priorities[l->level], "%.*s", (int)w.len, bytes);
    } else {
        bytes[w.len] = '\n';
        /* Nobody is left to tell when this fails. */
        ignored = write(fd, bytes, w.len + 1);
        (void)ignored;
    }
    pthread_mutex_unlock(&lock);
}

void log_line(struct log_site *site, enum log_level level, const char *format, ...)
{
    char safe[LOG_LINE_MAX], text[LOG_LINE_MAX];
    struct writer w = writer_of(safe, sizeof(safe) - LOG_PREFIX_MAX);
    struct line line = {.level = level, .worker = -1};
    va_list arguments;

    if ((int)level > atomic_load(&level_max) || !site_allows(site, &line.left_out))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    peer_text(&w, span_text(text), writer_room(&w), PEER_TEXT_UTF8);
    line.text = writer_span(&w);
    put_line(&line);
}

void log_worker(enum log_level level, uint32_t worker, const char *message, uint64_t left_out,
                struct span text)
{
    char safe[LOG_LINE_MAX];
    struct writer w = writer_of(safe, sizeof(safe) - LOG_PREFIX_MAX);
    struct line line = {.level = level, .worker = worker, .message = message, .left_out = left_out};

    if ((int)level > atomic_load(&level_max))
        return;
    peer_text(&w, text, writer_room(&w), PEER_TEXT_UTF8);
    line.text = writer_span(&w);
    put_line(&line);
}
