/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_SEQUENCE_H
#define DATAPLANE_TCP_TCP_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Sequence numbers live on a circle of 2^32 (RFC 9293 section 3.4). A comparison is the sign of the difference
 * (RFC 1982), right as long as the two are less than 2^31 apart. The same holds for timestamps (RFC 7323
 * section 5.2) and for the ticks of the timers.
 */
static inline bool seq_lt(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool seq_le(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) <= 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_lt(a, b) ? b : a;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
    return seq_lt(a, b) ? a : b;
}

/* low <= x < high on the circle. */
static inline bool seq_within(uint32_t x, uint32_t low, uint32_t high)
{
    return x - low < high - low;
}

#endif
