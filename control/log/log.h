/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LOG_LOG_H
#define CONTROL_LOG_LOG_H

#include <stdatomic.h>

#include "proto/base/span.h"

/*
 * Lines about the engine itself, to standard error, a file or syslog, as text or as JSON. For
 * control threads and the start; what workers have to say reaches it through handoff. Each place in
 * the code that logs has a limit of its own, LOG_SITE_LINES a second; what is beyond it is counted,
 * and the next line of the place says how many were left out.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVELS };

enum { LOG_SITE_LINES = 10, LOG_LINE_MAX = 1024, LOG_PREFIX_MAX = 128 };

/* One place that logs. Zero at the start; shared by all threads that pass it. */
struct log_site {
    _Atomic int64_t second; /* the second that `lines` counts, monotonic */
    _Atomic uint32_t lines;
    _Atomic uint64_t left_out;
};

/* In the order of the words of log.target. */
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_FILE, LOG_TARGET_SYSLOG };

struct log_options {
    enum log_target target;
    const char *path; /* of a file */
    int facility;     /* of syslog, as syslog(3) has it */
    bool json;
};

/* From the next line on; a file is opened anew. Any thread. False with errno: the file cannot be
 * opened, and lines go where they went before. At first they go to standard error as text. */
bool log_open(const struct log_options *options);
/* Lines of a lesser level are left out from now on. Any thread. */
void log_set_level(enum log_level level);

/* One line, at most LOG_LINE_MAX bytes, control characters replaced; one write(). Any thread. */
__attribute__((format(printf, 3, 4))) void log_line(struct log_site *site, enum log_level level,
                                                    const char *format, ...);

/* A line of a worker's, row `message` of log_message.def, in whose limit `left_out` fell before. */
void log_worker(enum log_level level, uint32_t worker, const char *message, uint64_t left_out,
                struct span text);

#define LOG(level, ...)                                                                            \
    do {                                                                                           \
        static struct log_site log_site_;                                                          \
        log_line(&log_site_, LOG_LEVEL_##level, __VA_ARGS__);                                      \
    } while (0)

#endif
