/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/log/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/peer_text.h"

static _Atomic int level_max = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&level_max, (int)level);
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[LOG_LEVELS] = {"error", "warning", "info", "debug"};

    return names[level];
}

const char *log_peer(char text[LOG_PEER_MAX + 1], struct span bytes)
{
    struct writer w = writer_of(text, LOG_PEER_MAX);

    peer_text(&w, bytes, LOG_PEER_MAX, PEER_TEXT_UTF8);
    text[w.len] = 0;
    return text;
}

/*
 * True when the place has a line left in this second; *left_out_out is then what was left out before. Threads that meet in
 * the first line of a second may write a line too many, never one too few to count.
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

static void put_time(struct writer *w)
{
    struct timespec now;
    struct tm day;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &day);
    writer_printf(w, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ ", day.tm_year + 1900, day.tm_mon + 1,
                  day.tm_mday, day.tm_hour, day.tm_min, day.tm_sec, now.tv_nsec / 1000000);
}

void log_line(struct log_site *site, enum log_level level, const char *format, ...)
{
    char line[LOG_LINE_MAX], text[LOG_LINE_MAX];
    struct writer w = writer_of(line, sizeof(line) - 1);
    uint64_t left_out;
    va_list arguments;
    ssize_t ignored;

    if ((int)level > atomic_load(&level_max) || !site_allows(site, &left_out))
        return;
    put_time(&w);
    writer_printf(&w, "%s: ", log_level_name(level));
    if (left_out)
        writer_printf(&w, "(%llu like this left out) ", (unsigned long long)left_out);
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    peer_text(&w, span_text(text), writer_room(&w), PEER_TEXT_UTF8);
    line[w.len] = '\n';
    /* Nobody is left to tell when standard error fails. */
    ignored = write(STDERR_FILENO, line, w.len + 1);
    (void)ignored;
}
