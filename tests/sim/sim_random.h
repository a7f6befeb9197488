/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_RANDOM_H
#define TESTS_SIM_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* All chance of a run, from its seed: splitmix64, a permutation of a counter. */
struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_random_next(struct sim_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
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
