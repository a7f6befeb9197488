/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/log_histogram.h"

#define VALUE_MAX ((UINT64_C(1) << (LOG_HISTOGRAM_POWERS + LOG_HISTOGRAM_BITS)) - 1)

static uint32_t bucket_of(uint64_t value)
{
    uint32_t power;

    if (value < LOG_HISTOGRAM_STEPS)
        return (uint32_t)value;
    power = 63u - (uint32_t)__builtin_clzll(value) - LOG_HISTOGRAM_BITS;
    return (power + 1) * LOG_HISTOGRAM_STEPS + (uint32_t)(value >> power) - LOG_HISTOGRAM_STEPS;
}

/* The largest value that falls into the bucket. */
static uint64_t upper_edge(uint32_t bucket)
{
    uint32_t power;

    if (bucket < LOG_HISTOGRAM_STEPS)
        return bucket;
    power = bucket / LOG_HISTOGRAM_STEPS - 1;
    return ((uint64_t)(bucket % LOG_HISTOGRAM_STEPS + LOG_HISTOGRAM_STEPS + 1) << power) - 1;
}

void log_histogram_add(struct log_histogram *h, uint64_t value)
{
    if (value > VALUE_MAX)
        value = VALUE_MAX;
    if (!h->count || value < h->least)
        h->least = value;
    if (value > h->most)
        h->most = value;
    h->count++;
    h->sum += value;
    h->bucket[bucket_of(value)]++;
}

void log_histogram_merge(struct log_histogram *h, const struct log_histogram *from)
{
    if (!from->count)
        return;
    if (!h->count || from->least < h->least)
        h->least = from->least;
    if (from->most > h->most)
        h->most = from->most;
    h->count += from->count;
    h->sum += from->sum;
    for (uint32_t i = 0; i < LOG_HISTOGRAM_BUCKETS; i++)
        h->bucket[i] += from->bucket[i];
}

uint64_t log_histogram_quantile(const struct log_histogram *h, uint32_t part)
{
    uint64_t rank = (h->count / 1000000) * part + ((h->count % 1000000) * part + 999999) / 1000000;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < LOG_HISTOGRAM_BUCKETS && h->count; i++) {
        seen += h->bucket[i];
        if (seen && seen >= rank)
            return upper_edge(i) < h->most ? upper_edge(i) : h->most;
    }
    return h->most;
}
