/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_LINK_H
#define RULES_RULE_LINK_H

#include "rules/rule_set.h"

/*
 * How rules hang together: which rule each reference means, at which stage each rule acts, and the
 * order in which rules with logic are decided, each behind those it refers to. Internal to rules/.
 */
struct rule_link {
    uint32_t
        *targets;     /* for each reference, rule by rule in the order of nodes, its rule's index */
    uint32_t *first;  /* of each rule, its first in `targets`; one more at the end */
    uint8_t *stages;  /* enum rule_stage at which the rule acts */
    uint8_t *settled; /* at which it is known that it will not */
    uint32_t *order;  /* rules with logic */
    size_t order_count;
};

/*
 * Rules must have passed rule_check(). Each reference to a rule that does not exist or is not
 * enabled, and each rule whose logic leads back to itself, is a line in `errors` and RULE_REFUSED.
 * RULE_BROKEN: memory. rule_link_fini() in every case.
 */
enum rule_status rule_link_init(struct rule_link *link_out, const struct rule *rules, size_t count,
                                struct writer *errors);
void rule_link_fini(struct rule_link *link);

#endif
