/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_METRICS_METRICS_PAGE_H
#define CONTROL_METRICS_METRICS_PAGE_H

#include "control/metrics/metrics_histogram.h"
#include "dataplane/handoff/metric.h"
#include "proto/base/writer.h"

/*
 * The text of Prometheus' exposition format, version 0.0.4: for each name its HELP and TYPE, then
 * its samples. Grows up to METRICS_PAGE_MAX; beyond, or without memory, `failed` is set and it is
 * no page.
 */
enum { METRICS_PAGE_MAX = 16 << 20 };

struct metrics_page {
    char *text; /* malloc; the caller's in the end */
    size_t len, cap;
    bool failed;
    char family[96]; /* the name whose samples are being put */
};

void metrics_page_metric(struct metrics_page *page, const struct metric *metric);
void metrics_page_histogram(struct metrics_page *page, const char *name, const char *text,
                            const struct metrics_histogram *histogram);
/* The same as a sink. */
struct metric_sink metrics_page_sink(struct metrics_page *page);
/* A sink for what is known by its name alone; metrics_named.def has type and text. */
struct counter_sink metrics_page_named(struct metrics_page *page);

#endif
