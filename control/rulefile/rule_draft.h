/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_DRAFT_H
#define CONTROL_RULEFILE_RULE_DRAFT_H

#include "control/rulefile/rule_yaml.h"

/* A rule while its keys are read. What needs other keys waits for them. Internal to rulefile/. */
struct rule_draft {
    struct rule rule;
    yaml_node_t *patterns, *when;
    struct span header;
    enum rule_scope scope;
    bool scoped, matched, acted, addressed, leased;
};

void rule_draft_scope(struct rule_yaml *r, yaml_node_t *node, enum rule_scope *scope_out,
                      struct span *header_out);
/* The patterns become one array, which goes to whoever takes the rule. */
void rule_draft_patterns(struct rule_yaml *r, struct rule_draft *d, const yaml_node_t *rule);
/* The logic becomes one array of nodes, which goes to whoever takes the rule. Patterns were read.
 */
void rule_draft_when(struct rule_yaml *r, struct rule_draft *d);

#endif
