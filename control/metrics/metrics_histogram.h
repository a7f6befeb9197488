/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_METRICS_METRICS_HISTOGRAM_H
#define CONTROL_METRICS_METRICS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* How often which duration was seen. One thread adds, any reads. */
enum { METRICS_BUCKETS = 19 };

extern const uint64_t metrics_bucket_us[METRICS_BUCKETS]; /* upper edges, ascending */

struct metrics_histogram {
    _Atomic uint64_t counts[METRICS_BUCKETS + 1]; /* each its own, the last beyond all edges */
    _Atomic uint64_t sum_us;
};

void metrics_histogram_add(struct metrics_histogram *histogram, uint64_t us);

#endif
