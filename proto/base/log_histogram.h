/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_LOG_HISTOGRAM_H
#define PROTO_BASE_LOG_HISTOGRAM_H

#include <stdint.h>

/*
 * Counts of values in buckets whose width grows with the value (log-linear): each power of two is
 * cut into LOG_HISTOGRAM_STEPS equal buckets, and values below that have one each. So a quantile is
 * off by less than 1 / LOG_HISTOGRAM_STEPS of its value (1.6 %), and never below the true one; the
 * largest, the smallest and the sum are exact. No allocation, no division: a handful of
 * instructions a value.
 */
enum {
    LOG_HISTOGRAM_BITS = 6,
    LOG_HISTOGRAM_STEPS = 1 << LOG_HISTOGRAM_BITS,
    LOG_HISTOGRAM_POWERS = 36 - LOG_HISTOGRAM_BITS, /* values up to 2^36 - 1: 19 hours of
                                                       microseconds; larger ones count as that */
    LOG_HISTOGRAM_BUCKETS = (LOG_HISTOGRAM_POWERS + 1) * LOG_HISTOGRAM_STEPS,
};

/* A zeroed one is empty. */
struct log_histogram {
    uint64_t count, sum, least, most; /* `least` is 0 while it is empty */
    uint32_t bucket[LOG_HISTOGRAM_BUCKETS];
};

void log_histogram_add(struct log_histogram *h, uint64_t value);
/* Adds what `from` has. */
void log_histogram_merge(struct log_histogram *h, const struct log_histogram *from);
/*
 * The value that `part` of 1,000,000 of all values do not exceed: the upper edge of its bucket, at
 * most `most`; 500000 is the median. 0 when it is empty.
 */
uint64_t log_histogram_quantile(const struct log_histogram *h, uint32_t part);

#endif
