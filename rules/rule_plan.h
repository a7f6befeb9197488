/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_PLAN_H
#define RULES_RULE_PLAN_H

#include "rules/rule_set.h"

/*
 * What of an array of rules goes into which database: a function of the rules alone, so that a
 * saved set can be matched with the rules again. Internal to rules/.
 *
 * One database for each scope, and for header fields one for each name that a rule asks for, which
 * holds the patterns for every field too, and one more with only those. So a field is scanned once
 * at most, with no pattern that cannot count; and a field that nobody asks for, as most are, is not
 * scanned at all. One database with all names and a filter behind it would scan every field for
 * every pattern.
 */
struct rule_plan_pattern {
    const struct rule_pattern *pattern;
    uint32_t rule;
    uint32_t bit; /* counted over the patterns of all enabled rules, numbers too: Hyperscan's id */
    char *expression; /* as Hyperscan takes it; NUL-terminated; the plan's */
    unsigned int flags;
    struct span header; /* in lower case; the plan's */
};

struct rule_plan_group {
    enum rule_scope scope;
    struct span header; /* lower case; empty in other scopes, and for every field; the plan's */
    const uint32_t *members; /* indexes of patterns, ascending; the plan's */
    size_t count;
};

struct rule_plan {
    struct rule_plan_pattern *patterns; /* texts of enabled rules, in order */
    size_t pattern_count;
    struct rule_plan_group *groups; /* sorted by scope, then by rule_plan_compare() of the header */
    size_t group_count;
    size_t member_count;     /* over all groups */
    struct span description; /* of all that decides what the databases are, with library and CPU */
    uint32_t *order;         /* memory of the groups' members */
    char *text;              /* memory of expressions and headers */
};

/* The order of header names: by length, then by bytes. */
int rule_plan_compare(struct span a, struct span b);
/*
 * Rules must have passed rule_check(). `most` bounds member_count. RULE_REFUSED: more than that,
 * with the count in *plan_out; RULE_BROKEN: memory, or the CPU cannot run Hyperscan.
 * rule_plan_fini() in every case.
 */
enum rule_status rule_plan_init(struct rule_plan *plan_out, const struct rule *rules, size_t count,
                                size_t most);
void rule_plan_fini(struct rule_plan *plan);

#endif
