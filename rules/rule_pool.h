/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_POOL_H
#define RULES_RULE_POOL_H

#include "rules/rule_set.h"

/*
 * What one worker needs to match one generation: Hyperscan's scratch and a bounded stock of streams
 * for each streaming scope. Control makes one for each worker before it publishes the generation,
 * and frees it when no message of that worker pins the generation any more; in between only that
 * worker touches it.
 *
 * The streams are opened here and stay open: taking one is a pointer, giving it back resets it. The
 * other way, hs_set_stream_allocator(), is one pair of functions for the whole process without a
 * context, so it could not tell workers and generations apart without thread-local state; and each
 * message would open and close. This way nothing is allocated on a worker at all, and the pool's
 * memory is known before it is published.
 */
struct rule_pool;

/*
 * `streams` is how many messages may be scanned at once; each scope has that many. Memory: scratch
 * + streams x stream_bytes of rule_set_info(), all taken here. Borrows the set. NULL: out of
 * memory.
 */
struct rule_pool *rule_pool_new(const struct rule_set *set, size_t streams);
/* Every match of this pool must have been finished. NULL is fine. */
void rule_pool_free(struct rule_pool *pool);
/*
 * What this worker saw of each rule, and what each scope cost it. Written by the worker that has
 * the pool, read by anyone.
 */
struct rule_pool_count {
    uint64_t hits;    /* messages */
    uint64_t last_ms; /* wall clock of the last one's end; 0: none */
};
struct rule_pool_cost {
    uint64_t cycles, bytes; /* of scans that were measured, which is one message in N */
    uint64_t messages;      /* that were measured */
};
struct rule_match;

/* The match is over: counts its hits. */
void rule_pool_note(struct rule_pool *pool, const struct rule_match *match, uint64_t wall_ms);
/* A scan of the scope was measured. */
void rule_pool_spend(struct rule_pool *pool, enum rule_scope scope, uint64_t cycles,
                     uint64_t bytes);
/* A measured message is over. */
void rule_pool_measured(struct rule_pool *pool);
struct rule_pool_count rule_pool_count(const struct rule_pool *pool, size_t rule);
struct rule_pool_cost rule_pool_cost(const struct rule_pool *pool, enum rule_scope scope);
/* How many streams are left of a streaming scope, for gauges and admission. SIZE_MAX when the scope
 * has no rules. */
size_t rule_pool_left(const struct rule_pool *pool, enum rule_scope scope);

#endif
