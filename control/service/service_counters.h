/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_SERVICE_COUNTERS_H
#define CONTROL_SERVICE_SERVICE_COUNTERS_H

#include "control/record/record_writer.h"
#include "control/service/greylist_service.h"
#include "control/service/keeper_service.h"
#include "control/service/store_service.h"
#include "dataplane/handoff/metric.h"

/* What the control side counts, by name; metrics_named.def says what. Any thread. */
void service_counters_put(const struct record_writer *records, const struct store_service *store,
                          const struct keeper_service *keeper,
                          const struct greylist_service *greylist, const struct handoff *handoff,
                          const struct counter_sink *sink);

#endif
