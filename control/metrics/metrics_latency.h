/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_METRICS_METRICS_LATENCY_H
#define CONTROL_METRICS_METRICS_LATENCY_H

#include "control/metrics/metrics_histogram.h"
#include "dataplane/handoff/record.h"

/* How long clients waited, as the records of messages say: workers need not count it a second time.
 */
struct metrics_latency {
    struct metrics_histogram end_of_data, commit;
};

/* A watch of the record writer's; `latency` is a struct metrics_latency. */
void metrics_latency_saw(void *latency, const struct record *record);

#endif
