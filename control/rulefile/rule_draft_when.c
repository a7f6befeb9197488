/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/rulefile/rule_draft.h"

/*
 * A rule's logic, from a tree of YAML to nodes in postfix order.
 *
 *   term = NAME                                 a pattern of this rule
 *        | { rule: ID } | { not: term }
 *        | { all: [term, ...] } | { any: [term, ...] }
 *
 * Reading stops at the first fault: aliases make trees of any size out of a few lines.
 */
struct tree {
    struct rule_yaml *yaml;
    struct rule *rule;
    struct rule_node *nodes;
    size_t count;
    size_t depth;
};

static const char what[] = "the name of a pattern, or one of rule, all, any, not";

static bool read_term(struct tree *t, yaml_node_t *node);

static bool add(struct tree *t, const yaml_node_t *node, enum rule_op op, size_t count,
                struct span id)
{
    if (t->count == RULE_NODES_MAX) {
        rule_yaml_fault(t->yaml, node);
        writer_printf(t->yaml->errors, "expected logic of at most %d terms\n", RULE_NODES_MAX);
        return false;
    }
    t->nodes[t->count++] =
        (struct rule_node){.id = id,
                           .source = {.file = t->yaml->file, .line = rule_yaml_line(node)},
                           .count = (uint16_t)count,
                           .op = (uint8_t)op};
    return true;
}

static bool read_name(struct tree *t, yaml_node_t *node)
{
    struct span name = rule_yaml_text(node);

    for (size_t i = 0; name.len && i < t->rule->pattern_count; i++)
        if (span_equal(t->rule->patterns[i].name, name))
            return add(t, node, RULE_OP_PATTERN, i, span_of(NULL, 0));
    rule_yaml_expected(t->yaml, node, "the name of one of its patterns");
    return false;
}

static bool read_list(struct tree *t, yaml_node_t *node, enum rule_op op)
{
    yaml_node_item_t *items;
    size_t count;

    if (node->type != YAML_SEQUENCE_NODE ||
        node->data.sequence.items.start == node->data.sequence.items.top) {
        rule_yaml_expected(t->yaml, node, "a list of terms");
        return false;
    }
    items = node->data.sequence.items.start;
    count = (size_t)(node->data.sequence.items.top - items);
    for (size_t i = 0; i < count; i++)
        if (!read_term(t, yaml_document_get_node(t->yaml->document, items[i])))
            return false;
    return add(t, node, op, count, span_of(NULL, 0));
}

static bool read_rule(struct tree *t, yaml_node_t *node)
{
    struct span id = rule_yaml_text(node);

    if (id.len && id.len <= RULE_ID_MAX)
        return add(t, node, RULE_OP_RULE, 0, id);
    rule_yaml_expected(t->yaml, node, "the id of a rule");
    return false;
}

static bool read_operator(struct tree *t, yaml_node_t *node)
{
    yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    struct span name = span_of(NULL, 0);
    yaml_node_t *value = NULL;

    if (node->data.mapping.pairs.top == pair + 1) {
        name = rule_yaml_text(yaml_document_get_node(t->yaml->document, pair->key));
        value = yaml_document_get_node(t->yaml->document, pair->value);
    }
    if (value && span_equal(name, span_text("rule")))
        return read_rule(t, value);
    if (value && span_equal(name, span_text("all")))
        return read_list(t, value, RULE_OP_ALL);
    if (value && span_equal(name, span_text("any")))
        return read_list(t, value, RULE_OP_ANY);
    if (value && span_equal(name, span_text("not")))
        return read_term(t, value) && add(t, node, RULE_OP_NOT, 1, span_of(NULL, 0));
    rule_yaml_expected(t->yaml, node, what);
    return false;
}

static bool read_term(struct tree *t, yaml_node_t *node)
{
    bool ok = false;

    if (t->depth == RULE_DEPTH_MAX) {
        rule_yaml_fault(t->yaml, node);
        writer_printf(t->yaml->errors, "expected terms at most %d deep\n", RULE_DEPTH_MAX);
        return false;
    }
    t->depth++;
    if (node->type == YAML_SCALAR_NODE)
        ok = read_name(t, node);
    else if (node->type == YAML_MAPPING_NODE)
        ok = read_operator(t, node);
    else
        rule_yaml_expected(t->yaml, node, what);
    t->depth--;
    return ok;
}

/* A name that two patterns have would mean one of them only. */
static void check_names(struct rule_yaml *r, const struct rule_draft *d)
{
    const struct rule_pattern *p = d->rule.patterns;

    for (size_t i = 1; i < d->rule.pattern_count; i++)
        for (size_t k = 0; p[i].name.len && k < i; k++)
            if (span_equal(p[i].name, p[k].name)) {
                r->ok = false;
                rule_error_begin(r->errors, &p[i].source, d->rule.id);
                writer_text(r->errors, "expected a name that no other pattern of the rule has\n");
                break;
            }
}

void rule_draft_when(struct rule_yaml *r, struct rule_draft *d)
{
    struct tree t = {.yaml = r, .rule = &d->rule};

    check_names(r, d);
    t.nodes = calloc(RULE_NODES_MAX, sizeof *t.nodes);
    d->rule.nodes = t.nodes;
    if (!t.nodes) {
        rule_yaml_fault(r, d->when);
        writer_text(r->errors, "out of memory\n");
        return;
    }
    if (!read_term(&t, d->when))
        t.count = 0;
    d->rule.node_count = (uint16_t)t.count;
    if (t.count)
        d->rule.nodes = realloc(t.nodes, t.count * sizeof *t.nodes);
    if (!d->rule.nodes)
        d->rule.nodes = t.nodes;
}
