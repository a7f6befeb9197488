/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_METRIC_H
#define DATAPLANE_HANDOFF_METRIC_H

#include <stdint.h>

/*
 * One number for a monitoring system. Names, texts and labels come from our own tables, never from
 * a peer. All of one name are put one after the other.
 */
enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_UNTYPED };

enum { METRIC_NO_WORKER = -1 };

struct metric {
    const char *name;   /* [a-z][a-z0-9_]*, without prefix and without "_total" */
    const char *text;   /* what it counts */
    const char *labels; /* NULL, or as `class="small"`: what tells those of one name apart */
    enum metric_type type;
    int32_t worker; /* or METRIC_NO_WORKER */
    uint64_t value;
};

/* Where metrics go: one call each. The metric is borrowed during the call. */
struct metric_sink {
    void (*put)(void *user, const struct metric *metric);
    void *user;
};

/* Where plain counters go: one call a row. `name` is valid during the call. */
struct counter_sink {
    void (*put)(void *user, const char *name, uint64_t value);
    void *user;
};

#endif
