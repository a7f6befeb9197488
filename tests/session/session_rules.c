/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/session/session_rules.h"

#include "tests/harness/check.h"

struct rule_generation *session_rules_new(const struct rule *rules, size_t count)
{
    struct rule_generation *g = generation_new(1);
    struct rule_limits limits = RULE_LIMITS_DEFAULT;
    uint8_t text[1024];
    struct writer errors = writer_of(text, sizeof(text));

    CHECK(rule_set_compile(rules, count, &limits, &errors, &g->set) == RULE_OK);
    CHECK_TEXT(writer_span(&errors), "");
    g->pools[0] = rule_pool_new(g->set, 2);
    return g;
}

void session_rules_free(struct rule_generation *g)
{
    CHECK(generation_unused(g));
    rule_pool_free(g->pools[0]);
    rule_set_free(g->set);
    generation_free(g);
}

struct rule session_rules_rule(const char *id, struct rule_pattern *pattern,
                               enum rule_action action)
{
    return (struct rule){.id = span_text(id),
                         .patterns = pattern,
                         .pattern_count = 1,
                         .action = (uint8_t)action,
                         .text = action >= RULE_ACTION_DEFER ? span_text("not wanted here")
                                                             : span_of(NULL, 0),
                         .enabled = true};
}

struct rule_pattern session_rules_pattern(enum rule_scope scope, const char *text)
{
    return (struct rule_pattern){.text = span_text(text), .scope = (uint8_t)scope, .literal = true};
}
