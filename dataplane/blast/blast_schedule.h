/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_SCHEDULE_H
#define DATAPLANE_BLAST_BLAST_SCHEDULE_H

#include "dataplane/handoff/blast_order.h"

/* When sessions are to begin. Times are monotonic microseconds unless they say otherwise. */

/* Whether sessions begin by a schedule: an open loop. */
static inline bool blast_schedule_is_open(const struct blast_order *order)
{
    return order->rate > 0 || order->step_count || order->burst;
}
/*
 * Open loop: when session `arrival` (0, 1, ...) of a worker is to begin, whatever the server does.
 * Over all workers sessions are spread evenly over each second; while the rate grows, so that as
 * many have begun as the line from 0 to the rate has below it. UINT64_MAX: behind the last step.
 */
uint64_t blast_schedule_at(const struct blast_order *order, uint64_t begin, uint32_t worker,
                           uint64_t arrival);
/* The step within which a session is to begin at `at`. */
uint32_t blast_schedule_step(const struct blast_order *order, uint64_t begin, uint64_t at);
/*
 * The limit of the rate: after a session begun at `now`, when the next may begin, in nanoseconds;
 * `due_ns` is what this returned before. A hundredth of a second may be caught up on.
 */
uint64_t blast_schedule_limit(const struct blast_order *order, uint64_t due_ns, uint64_t now);

#endif
