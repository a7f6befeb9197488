/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/metrics/metrics_histogram.h"

#include "proto/base/tally.h"

const uint64_t metrics_bucket_us[METRICS_BUCKETS] = {
    50,     100,    250,    500,     1000,    2500,    5000,     10000,    25000,   50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000};

void metrics_histogram_add(struct metrics_histogram *h, uint64_t us)
{
    int i = 0;

    while (i < METRICS_BUCKETS && us > metrics_bucket_us[i])
        i++;
    tally_add(&h->counts[i], 1);
    tally_add(&h->sum_us, us);
}
