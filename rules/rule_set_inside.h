/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_SET_INSIDE_H
#define RULES_RULE_SET_INSIDE_H

#include <hs.h>

#include "rules/rule_plan.h"

/* What rule_set's files, rule_pool and rule_match share. Internal to rules/. */

struct rule_set_group {
    hs_database_t *database;
    struct span header; /* lower case; in the set's text memory */
    size_t database_size;
    size_t stream_size; /* 0 in scopes that are scanned whole */
    enum rule_scope scope;
};

/* What a match needs of a rule. Its patterns are [first, first + count). */
struct rule_set_slot {
    uint32_t first;
    uint16_t count;
    uint8_t logic;
    uint8_t stage;
};

struct rule_set {
    struct rule *rules; /* id, description, text in `text`; no patterns */
    struct rule_set_slot *slots;
    size_t count;
    uint32_t *pattern_rule; /* of a pattern, its rule's index */
    size_t pattern_count;
    struct rule_set_group *groups; /* in the plan's order: a scope's groups side by side */
    size_t group_count;
    const struct rule_set_group
        *scopes[RULE_SCOPES];             /* HEADER: for every field; NULL: no patterns */
    const struct rule_set_group *headers; /* named ones, sorted by rule_plan_compare() */
    size_t header_count;
    hs_scratch_t *scratch; /* the pattern that each worker's is cloned from; never scanned with */
    struct span description;
    uint8_t *text;
};

/*
 * Makes a set of the plan with no databases in it yet; the caller fills them in group by group and
 * then calls rule_set_finish(). Takes the plan's description. NULL: out of memory.
 */
struct rule_set *rule_set_new(struct rule_plan *plan, const struct rule *rules, size_t count);
/* Notes the sizes of a group's database. False when it is not of the group's mode. */
bool rule_set_measure(struct rule_set_group *group);
/* Makes the scratch for all databases. False: out of memory. */
bool rule_set_finish(struct rule_set *set);
/* Checks rules and makes the plan, with errors. The plan needs rule_plan_fini() in every case. */
enum rule_status rule_set_plan(struct rule_plan *plan_out, const struct rule *rules, size_t count,
                               const struct rule_limits *limits, struct writer *errors);
/* RULE_REFUSED and a line that names the most costly pattern when the set costs more than the
 * limits. */
enum rule_status rule_set_check_cost(const struct rule_set *set, const struct rule_plan *plan,
                                     const struct rule *rules, const struct rule_limits *limits,
                                     struct writer *errors);

#endif
