/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/base/tally.h"
#include "rules/rule_match.h"
#include "rules/rule_memory.h"
#include "rules/rule_pool_inside.h"

struct stock {
    hs_stream_t **streams; /* those that are in, [0, left) */
    size_t left;
};

struct count {
    _Atomic uint64_t hits, last_ms;
};

struct rule_pool {
    hs_scratch_t *scratch;
    uint8_t *copy; /* for rule_scan */
    struct stock stocks[RULE_SCOPES];
    struct count *counts; /* by rule */
    struct {
        _Atomic uint64_t cycles, bytes;
    } costs[RULE_SCOPES];
    _Atomic uint64_t measured;
};

static bool stock_fill(struct stock *stock, const struct rule_set_group *group, size_t streams)
{
    stock->streams = calloc(streams + 1, sizeof(hs_stream_t *));
    if (!stock->streams)
        return false;
    while (stock->left < streams) {
        if (hs_open_stream(group->database, 0, &stock->streams[stock->left]) != HS_SUCCESS)
            return false;
        stock->left++;
    }
    return true;
}

struct rule_pool *rule_pool_new(const struct rule_set *set, size_t streams)
{
    struct rule_pool *pool = calloc(1, sizeof *pool);
    bool ok = pool != NULL;

    if (ok)
        ok = (pool->copy = rule_memory_take(RULE_VALUE_MAX + RULE_SCAN_REACH)) != NULL;
    if (ok)
        ok = (pool->counts = calloc(set->count + 1, sizeof *pool->counts)) != NULL;
    if (ok && set->scratch)
        ok = hs_clone_scratch(set->scratch, &pool->scratch) == HS_SUCCESS;
    for (size_t s = 0; ok && s < RULE_SCOPES; s++)
        if (set->scopes[s] && rule_scope_streams((enum rule_scope)s))
            ok = stock_fill(&pool->stocks[s], set->scopes[s], streams);
    if (!ok) {
        rule_pool_free(pool);
        return NULL;
    }
    return pool;
}

void rule_pool_free(struct rule_pool *pool)
{
    if (!pool)
        return;
    for (size_t s = 0; s < RULE_SCOPES; s++) {
        for (size_t i = 0; i < pool->stocks[s].left; i++)
            hs_close_stream(pool->stocks[s].streams[i], NULL, NULL, NULL);
        free(pool->stocks[s].streams);
    }
    hs_free_scratch(pool->scratch);
    rule_memory_give(pool->copy);
    free(pool->counts);
    free(pool);
}

size_t rule_pool_left(const struct rule_pool *pool, enum rule_scope scope)
{
    return pool->stocks[scope].streams ? pool->stocks[scope].left : SIZE_MAX;
}

struct rule_scan rule_pool_scan(const struct rule_pool *pool)
{
    return (struct rule_scan){.scratch = pool->scratch, .copy = pool->copy};
}

hs_stream_t *rule_pool_take(struct rule_pool *pool, enum rule_scope scope)
{
    struct stock *stock = &pool->stocks[scope];

    return stock->left ? stock->streams[--stock->left] : NULL;
}

void rule_pool_give(struct rule_pool *pool, enum rule_scope scope, hs_stream_t *stream)
{
    struct stock *stock = &pool->stocks[scope];

    stock->streams[stock->left++] = stream;
}

void rule_pool_note(struct rule_pool *pool, const struct rule_match *match, uint64_t wall_ms)
{
    size_t count = rule_match_rules(match);

    for (size_t r = rule_match_next(match, 0); r < count; r = rule_match_next(match, r + 1)) {
        tally_add(&pool->counts[r].hits, 1);
        atomic_store_explicit(&pool->counts[r].last_ms, wall_ms, memory_order_relaxed);
    }
}

void rule_pool_spend(struct rule_pool *pool, enum rule_scope scope, uint64_t cycles, uint64_t bytes)
{
    tally_add(&pool->costs[scope].cycles, cycles);
    tally_add(&pool->costs[scope].bytes, bytes);
}

void rule_pool_measured(struct rule_pool *pool)
{
    tally_add(&pool->measured, 1);
}

struct rule_pool_count rule_pool_count(const struct rule_pool *pool, size_t rule)
{
    const struct count *c = &pool->counts[rule];

    return (struct rule_pool_count){.hits = atomic_load_explicit(&c->hits, memory_order_relaxed),
                                    .last_ms =
                                        atomic_load_explicit(&c->last_ms, memory_order_relaxed)};
}

struct rule_pool_cost rule_pool_cost(const struct rule_pool *pool, enum rule_scope scope)
{
    return (struct rule_pool_cost){
        .cycles = atomic_load_explicit(&pool->costs[scope].cycles, memory_order_relaxed),
        .bytes = atomic_load_explicit(&pool->costs[scope].bytes, memory_order_relaxed),
        .messages = atomic_load_explicit(&pool->measured, memory_order_relaxed)};
}
