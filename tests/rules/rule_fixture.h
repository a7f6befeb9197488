/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_RULES_RULE_FIXTURE_H
#define TESTS_RULES_RULE_FIXTURE_H

#include "control/rulefile/rule_file.h"
#include "rules/rule_match.h"

/* Rules from YAML text, compiled, with a pool and a match at its beginning. Dies when anything is
 * refused. */
struct rule_fixture {
    struct rule_file *file;
    struct rule_set *set;
    struct rule_pool *pool;
    struct rule_match *match;
    void *memory;
};

void rule_fixture_init(struct rule_fixture *f, const char *yaml, size_t streams);
void rule_fixture_fini(struct rule_fixture *f);
/* Ends the match and begins another one. */
void rule_fixture_again(struct rule_fixture *f);
static inline bool rule_fixture_hit(const struct rule_match *m, size_t rule)
{
    return rule_match_next(m, rule) == rule;
}
/* The hits as a bit a rule; at most 64 rules. */
uint64_t rule_fixture_hits(const struct rule_fixture *f);

#endif
