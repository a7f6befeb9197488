/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_CACHE_H
#define CONTROL_RULEFILE_RULE_CACHE_H

#include "rules/rule_set.h"

/*
 * Compiled rule sets in a directory, one file "KEY.rules" each, so that a restart does not compile
 * what it compiled before. The newest RULE_CACHE_KEPT files stay. Never needed: whatever is wrong
 * with a cached file, the rules are compiled and the file is written anew.
 */

enum { RULE_CACHE_KEPT = 8 };

struct rule_cache {
    const char *directory; /* must exist; borrowed */
    /* What the last rule_cache_compile() did, for the log. */
    bool loaded; /* the set came from the cache */
    bool saved;  /* it was compiled and written */
    int error;   /* errno of what kept it from being written, else 0 */
};

/*
 * Like rule_set_compile(), and notes in the cache what it did. Only files that we own and that
 * nobody else may write to are loaded, because a compiled set is run like code. A file appears
 * whole or not at all.
 */
enum rule_status rule_cache_compile(struct rule_cache *cache, const struct rule *rules,
                                    size_t count, const struct rule_limits *limits,
                                    struct writer *errors, struct rule_set **set_out);

#endif
