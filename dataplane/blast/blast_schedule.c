/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_schedule.h"

#include <math.h>

#define SECOND_US 1e6
#define CATCH_UP_NS 10000000u

uint64_t blast_schedule_at(const struct blast_order *o, uint64_t begin, uint32_t worker,
                           uint64_t arrival)
{
    double n = (double)arrival * o->workers + worker;
    double rate = o->rate / SECOND_US, ramp = (double)o->ramp_us;
    double within = rate * ramp / 2; /* sessions that begin while the rate grows */
    double at = n < within ? sqrt(2 * ramp * n / rate) : ramp + (n - within) / rate;

    return begin + (uint64_t)at;
}

uint64_t blast_schedule_limit(const struct blast_order *o, uint64_t due_ns, uint64_t now)
{
    uint64_t step = (uint64_t)(1e9 * o->workers / o->rate_limit), now_ns = now * 1000;

    if (due_ns + CATCH_UP_NS < now_ns)
        due_ns = now_ns - CATCH_UP_NS;
    return due_ns + step;
}
