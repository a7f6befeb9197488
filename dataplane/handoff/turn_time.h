/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_TURN_TIME_H
#define DATAPLANE_HANDOFF_TURN_TIME_H

#include <stdint.h>

/* What time it is, for one turn: both are inputs, so that a test can own them. */
struct turn_time {
    uint64_t now;     /* monotonic, microseconds */
    uint64_t wall_ms; /* milliseconds since 1970 */
};

#endif
