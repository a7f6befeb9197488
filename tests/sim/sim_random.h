/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_RANDOM_H
#define TESTS_SIM_SIM_RANDOM_H

#include <stdbool.h>

#include "proto/base/chance.h"

/* All chance of a run, from its seed. */
struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_random_next(struct sim_random *r)
{
    struct chance c = {r->state};
    uint64_t n = chance_next(&c);

    r->state = c.state;
    return n;
}

/* 0 to n - 1; 0 where n is 0. */
static inline uint64_t sim_random_below(struct sim_random *r, uint64_t n)
{
    return n ? sim_random_next(r) % n : 0;
}

/* True in so many of a million cases. */
static inline bool sim_random_ppm(struct sim_random *r, uint32_t ppm)
{
    return ppm && sim_random_next(r) % 1000000 < ppm;
}

#endif
