/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/generation.h"

#include <stdlib.h>
#include <string.h>

struct rule_generation *generation_new(uint32_t workers)
{
    size_t bytes =
        sizeof(struct rule_generation) + workers * sizeof(((struct rule_generation *)0)->worker[0]);
    struct rule_generation *g = aligned_alloc(64, bytes);

    if (!g)
        return NULL;
    memset(g, 0, bytes);
    g->workers = workers;
    g->pools = calloc(workers, sizeof(struct rule_pool *));
    if (!g->pools) {
        free(g);
        return NULL;
    }
    return g;
}

void generation_free(struct rule_generation *g)
{
    if (!g)
        return;
    free(g->pools);
    free(g);
}

bool generation_unused(const struct rule_generation *g)
{
    for (uint32_t i = 0; i < g->workers; i++)
        if (atomic_load_explicit(&g->worker[i].pins, memory_order_acquire) != 0)
            return false;
    return true;
}
