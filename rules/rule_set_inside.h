/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_SET_INSIDE_H
#define RULES_RULE_SET_INSIDE_H

#include <hs.h>

#include "rules/rule_link.h"
#include "rules/rule_plan.h"

/* What rule_set's files, rule_pool and rule_match share. Internal to rules/. */

struct rule_set_group {
    hs_database_t *database;
    struct span header; /* lower case; in the set's text memory */
    size_t database_size;
    size_t stream_size; /* 0 in scopes that are scanned whole */
    enum rule_scope scope;
};

/* Domains or tenants that rules name. */
struct rule_set_names {
    struct span
        *names; /* keys, each once, sorted by rule_plan_compare(); an id is a place from 1 */
    size_t count;
    uint32_t *ids; /* of each rule those that it names */
};

/* Whom a rule is for: ids[first .. first + count), ascending, or all but these; 0: everyone. */
struct rule_set_whom {
    uint32_t first;
    uint16_t count;
    bool except;
};

/* What a match needs of a rule. Its patterns are [first, first + count). */
struct rule_set_slot {
    uint32_t first;
    uint16_t count;
    uint16_t code_count; /* logic WHEN: its program is codes[code_first ..) */
    uint32_t code_first;
    struct rule_set_whom domains, tenants;
    uint8_t logic;
    uint8_t stage;
};

/* A step of a rule's program: enum rule_op above, pattern, rule or number of operands below. */
enum { RULE_CODE_SHIFT = 29 };

/* A pattern that is not found in bytes but holds from `least` to `most`. */
struct rule_set_bound {
    uint64_t least, most;
    uint32_t bit;
    uint8_t number;   /* enum rule_number; RULE_NUMBERS where a counter's value counts */
    uint16_t counter; /* index in `counters` */
};

struct rule_set {
    struct rule *rules; /* id, description, text in `text`; no patterns */
    struct rule_set_slot *slots;
    size_t count;
    uint32_t *codes;
    uint32_t *order; /* rules with logic, each behind those it refers to */
    size_t order_count;
    struct rule_set_bound *bounds; /* by number */
    size_t bound_count;
    uint32_t bound_end[RULE_NUMBERS + 1]; /* of a number, where its bounds end */
    uint32_t wanted;                      /* bit: enum rule_number */
    uint32_t counted;                     /* bit: enum rule_counter */
    struct rule_set_counter *counters;
    size_t counter_count;
    struct rule_set_names domains, tenants, tags; /* `tags` have no ids */
    uint32_t *pattern_rule;                       /* of a pattern, its rule's index */
    uint8_t *pattern_scope; /* of a pattern, its scope; RULE_SCOPES where it is a number's */
    size_t pattern_count;
    struct rule_set_group *groups; /* in the plan's order: a scope's groups side by side */
    size_t group_count;
    const struct rule_set_group
        *scopes[RULE_SCOPES];             /* HEADER: for every field; NULL: no patterns */
    const struct rule_set_group *headers; /* named ones, sorted by rule_plan_compare() */
    size_t header_count;
    hs_scratch_t *scratch; /* the pattern that each worker's is cloned from; never scanned with */
    struct span description;
    bool tags_subject;
    uint8_t *text;
};

/* What a set is made from. */
struct rule_set_source {
    const struct rule *rules;
    size_t count;
    const struct rule_limits *limits;
    struct span saved; /* rule_set_load() */
    struct writer *errors;
    struct rule_plan *plan;
    struct rule_link *link;
};

/* Puts a database into each group. */
typedef enum rule_status rule_set_fill(struct rule_set *set, const struct rule_set_source *source);

/* Checks and plans the rules, makes the set, has it filled, and looks at what it costs. As
 * rule_set_compile(). */
enum rule_status rule_set_make(struct rule_set_source *source, rule_set_fill *fill,
                               struct rule_set **set_out);
/* Notes the sizes of a group's database. False when it is not of the group's mode. */
bool rule_set_measure(struct rule_set_group *group);
/* RULE_REFUSED and a line that names the most costly pattern when the set costs more than the
 * limits. */
enum rule_status rule_set_check_cost(const struct rule_set *set,
                                     const struct rule_set_source *source);
/* What scanning a KiB of a text that is always the same takes (rule_set_time.c). False: no memory.
 */
bool rule_set_time(const hs_database_t *database, enum rule_scope scope, rule_clock *now,
                   uint64_t *ns_out);
/* Whom the rules are for (rule_set_whom.c), numbers, counters and logic of all rules, into a set
 * that has its slots. False: no memory. */
bool rule_set_whom(struct rule_set *set, const struct rule_set_source *source);
/* Names of the fields that rules add (rule_set_tags.c). */
bool rule_set_tags(struct rule_set *set, const struct rule_set_source *source);
void rule_set_whom_free(struct rule_set *set);
bool rule_set_conditions(struct rule_set *set, const struct rule_set_source *source);

#endif
