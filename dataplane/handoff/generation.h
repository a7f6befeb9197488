/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_GENERATION_H
#define DATAPLANE_HANDOFF_GENERATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rule_set;
struct rule_pool;

/*
 * A compiled rule set together with what each worker needs to use it. A message pins the generation
 * it began with, because it may outlive any grace period; the count is per worker and written by
 * that worker alone. It is freed when it is no longer published, a grace period has passed and all
 * counts are 0.
 */
struct rule_generation {
    struct rule_set *set;
    struct rule_pool **pools; /* one per worker */
    uint32_t workers;
    struct {
        _Atomic uint64_t pins;
    } __attribute__((aligned(64))) worker[];
};

enum { GENERATIONS_LIVE = 4 }; /* most at a time; a reload beyond is refused */

/* With room for each worker's count. NULL: no memory. */
struct rule_generation *generation_new(uint32_t workers);
/* The memory of the generation itself; set and pools were freed by control. */
void generation_free(struct rule_generation *g);
bool generation_unused(const struct rule_generation *g);

static inline void generation_pin(struct rule_generation *g, uint16_t worker)
{
    uint64_t n = atomic_load_explicit(&g->worker[worker].pins, memory_order_relaxed);

    atomic_store_explicit(&g->worker[worker].pins, n + 1, memory_order_relaxed);
}

static inline void generation_unpin(struct rule_generation *g, uint16_t worker)
{
    uint64_t n = atomic_load_explicit(&g->worker[worker].pins, memory_order_relaxed);

    /* Release: the worker's last use of the set happens before control sees the count fall. */
    atomic_store_explicit(&g->worker[worker].pins, n - 1, memory_order_release);
}

#endif
