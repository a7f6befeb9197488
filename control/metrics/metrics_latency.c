/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/metrics/metrics_latency.h"

void metrics_latency_saw(void *latency, const struct record *record)
{
    struct metrics_latency *l = latency;

    if (record->kind != RECORD_MESSAGE || record->message.end_of_data_us == 0)
        return;
    metrics_histogram_add(&l->end_of_data, record->message.end_of_data_us);
    if (record->message.commit_us)
        metrics_histogram_add(&l->commit, record->message.commit_us);
}
