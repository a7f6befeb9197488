/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BASE_CLOCK_H
#define CONTROL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Control's own clocks; workers, proto and rules are told the time. */

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Never goes back; says nothing about the time of day. */
static inline uint64_t clock_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* What the processor did for this thread. */
static inline uint64_t clock_thread_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* Milliseconds since 1970. */
static inline uint64_t clock_wall_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

#endif
