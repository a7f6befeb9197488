/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_schedule.h"

#include <math.h>

#define SECOND_US 1e6
#define CATCH_UP_NS 10000000u

static uint64_t ramped(const struct blast_order *o, uint64_t n)
{
    double rate = o->rate / SECOND_US, ramp = (double)o->ramp_us;
    double within = rate * ramp / 2; /* sessions that begin while the rate grows */

    return (uint64_t)((double)n < within ? sqrt(2 * ramp * (double)n / rate)
                                         : ramp + ((double)n - within) / rate);
}

static uint64_t stepped(const struct blast_order *o, uint64_t begin, uint64_t n)
{
    double left = (double)n;

    for (uint32_t i = 0; i < o->step_count; i++) {
        double rate = o->steps[i].rate / SECOND_US;

        if (left / rate < (double)o->steps[i].us)
            return begin + (uint64_t)(left / rate);
        left -= rate * (double)o->steps[i].us;
        begin += o->steps[i].us;
    }
    return UINT64_MAX;
}

uint64_t blast_schedule_at(const struct blast_order *o, uint64_t begin, uint32_t worker,
                           uint64_t arrival)
{
    uint64_t n = arrival * o->workers + worker;

    if (o->burst)
        return begin + n / o->burst * o->burst_us;
    return o->step_count ? stepped(o, begin, n) : begin + ramped(o, n);
}

uint32_t blast_schedule_step(const struct blast_order *o, uint64_t begin, uint64_t at)
{
    uint32_t i = 0;

    for (at -= begin; i + 1 < o->step_count && at >= o->steps[i].us; i++)
        at -= o->steps[i].us;
    return i;
}

uint64_t blast_schedule_limit(const struct blast_order *o, uint64_t due_ns, uint64_t now)
{
    uint64_t step = (uint64_t)(1e9 * o->workers / o->rate_limit), now_ns = now * 1000;

    if (due_ns + CATCH_UP_NS < now_ns)
        due_ns = now_ns - CATCH_UP_NS;
    return due_ns + step;
}
