/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_POOL_INSIDE_H
#define RULES_RULE_POOL_INSIDE_H

#include "rules/rule_pool.h"
#include "rules/rule_scan.h"
#include "rules/rule_set_inside.h"

/* What rule_match asks of a pool. Internal to rules/. */

/* What to scan with, all but the callback. */
struct rule_scan rule_pool_scan(const struct rule_pool *pool);
/* A stream at its beginning, or NULL when none is left. */
hs_stream_t *rule_pool_take(struct rule_pool *pool, enum rule_scope scope);
/* Gives back a stream of that scope that has been reset. */
void rule_pool_give(struct rule_pool *pool, enum rule_scope scope, hs_stream_t *stream);

#endif
