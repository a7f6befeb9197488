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
/* How many streams are left of a streaming scope, for gauges and admission. SIZE_MAX when the scope
 * has no rules. */
size_t rule_pool_left(const struct rule_pool *pool, enum rule_scope scope);

#endif
