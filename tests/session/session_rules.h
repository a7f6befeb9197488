/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SESSION_SESSION_RULES_H
#define TESTS_SESSION_SESSION_RULES_H

#include "dataplane/handoff/generation.h"
#include "rules/rule_match.h"

/* Rules for a world of one worker. */

/* A generation of compiled rules, with streams for two messages. */
struct rule_generation *session_rules_new(const struct rule *rules, size_t count);
/* No message is under way. */
void session_rules_free(struct rule_generation *g);
/* A rule of one pattern; what refuses says "not wanted here". */
struct rule session_rules_rule(const char *id, struct rule_pattern *pattern,
                               enum rule_action action);
struct rule_pattern session_rules_pattern(enum rule_scope scope, const char *text);

#endif
