/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_METRICS_METRICS_WORKERS_H
#define CONTROL_METRICS_METRICS_WORKERS_H

#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/metric.h"

/* What workers count above TCP: sessions, messages, replies, cycles by stage, jobs and records that
 * are out. */
void metrics_workers_put(struct handoff *handoff, const struct metric_sink *sink);

#endif
