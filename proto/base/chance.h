/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_CHANCE_H
#define PROTO_BASE_CHANCE_H

#include <stdint.h>

/*
 * Numbers that look random and come from a seed alone (splitmix64): for what must be the same each
 * time it is made. Not for secrets.
 */
struct chance {
    uint64_t state; /* the seed */
};

static inline uint64_t chance_next(struct chance *c)
{
    uint64_t n = c->state += 0x9e3779b97f4a7c15;

    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

/* Below `limit`, which is not 0. */
static inline uint64_t chance_below(struct chance *c, uint64_t limit)
{
    return chance_next(c) % limit;
}

#endif
