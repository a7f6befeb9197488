/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_TELEMETRY_H
#define DATAPLANE_WORKER_TELEMETRY_H

#include "dataplane/worker/engine.h"

/*
 * "/wirepost/counters" on DPDK's telemetry socket: all counters by name. Commands cannot be taken back, so this one
 * is registered once and answers nothing while there is no engine.
 */
bool telemetry_show(const struct engine *engine, const struct engine_options *options);
/* Returns when no answer is under way any more. */
void telemetry_hide(void);

#endif
