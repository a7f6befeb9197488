/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/rulefile/rule_reader.h"

#include <stdlib.h>

#include "control/rulefile/rule_draft.h"
#include "proto/address/address.h"
#include "rules/rule.h"

static void rule_id(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    rule_yaml_scalar(r, node, "an id", &d->rule.id);
}

static void rule_description(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    rule_yaml_scalar(r, node, "a description", &d->rule.description);
}

static void rule_scope(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    d->scoped = true;
    rule_draft_scope(r, node, &d->scope, &d->header);
}

static void rule_match(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;
    struct span text = rule_yaml_text(node);

    d->matched = true;
    if (span_equal(text, span_text("all")))
        d->rule.logic = RULE_ALL;
    else if (!span_equal(text, span_text("any")))
        rule_yaml_expected(r, node, "any or all");
}

static void rule_when(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    d->when = node;
    d->rule.logic = RULE_WHEN;
}

static void rule_patterns(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    d->patterns = node;
}

/* score = ["-"] 1*4DIGIT ["." 1*3DIGIT]; in thousandths. False when it is none. */
static bool parse_score(struct span s, int32_t *score_out)
{
    bool negative = s.len > 0 && s.data[0] == '-';
    ptrdiff_t dot;
    size_t digits = 0;
    int32_t value = 0;

    s = span_skip(s, negative);
    dot = span_find(s, '.');
    if (s.len == 0 || dot == 0 || (dot < 0 ? s.len : (size_t)dot) > 4 ||
        (dot > 0 && (s.len - (size_t)dot < 2 || s.len - (size_t)dot > 4)))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if ((ptrdiff_t)i == dot)
            continue;
        if ((uint8_t)(s.data[i] - '0') > 9)
            return false;
        value = value * 10 + (s.data[i] - '0');
        digits += dot > 0 && (ptrdiff_t)i > dot;
    }
    for (; digits < 3; digits++)
        value *= 10;
    *score_out = negative ? -value : value;
    return value <= RULE_SCORE_MAX;
}

static void rule_score(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    if (!parse_score(rule_yaml_text(node), &d->rule.score))
        rule_yaml_expected(r, node, "a score from -1000 to 1000 with at most three decimals");
}

static void rule_action(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    char names[100];
    struct writer w = writer_of(names, sizeof names - 1);
    struct rule_draft *d = target;
    enum rule_action action;

    d->acted = true;
    if (rule_action_parse(rule_yaml_text(node), &action)) {
        d->rule.action = (uint8_t)action;
        return;
    }
    writer_text(&w, "an action (");
    for (size_t a = 0; a < RULE_ACTIONS; a++)
        writer_printf(&w, "%s%s", a ? ", " : "", rule_action_name((enum rule_action)a));
    writer_text(&w, ")");
    names[w.len] = '\0';
    rule_yaml_expected(r, node, names);
}

static void rule_text(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    rule_yaml_scalar(r, node, "a text", &d->rule.text);
}

static void rule_shadow(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    rule_yaml_bool(r, node, &d->rule.shadow);
}

static void rule_enabled(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_draft *d = target;

    rule_yaml_bool(r, node, &d->rule.enabled);
}

static void tag_header(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_tag *tag = target;

    tag->field_count = (uint8_t)rule_yaml_list(r, node, "a header field or a list of them",
                                               tag->fields, RULE_TAGS_MAX);
}

static void tag_subject(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct rule_tag *tag = target;

    if (rule_yaml_scalar(r, node, "a text", &tag->subject) && tag->subject.len == 0)
        rule_yaml_expected(r, node, "a text");
}

static void rule_tag(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    static const struct rule_yaml_key keys[] = {{"header", tag_header}, {"subject", tag_subject}};
    struct rule_draft *d = target;

    if (node->type == YAML_MAPPING_NODE)
        rule_yaml_keys(r, node, keys, sizeof keys / sizeof keys[0], &d->rule.tag);
    else
        rule_yaml_expected(r, node, "a mapping of header and subject");
    if (!d->acted)
        d->rule.action = RULE_ACTION_TAG;
}

/* A list of names that may stand once, as `what` or as its opposite. NULL: told. */
static struct span *read_names(struct rule_yaml *r, yaml_node_t *node, bool *there,
                               const char *what, const char *once, uint16_t *count_out)
{
    struct span *names = *there ? NULL : calloc(RULE_DOMAINS_MAX, sizeof *names);

    if (!names) {
        rule_yaml_fault(r, node);
        writer_text(r->errors, *there ? once : "out of memory\n");
        return NULL;
    }
    *there = true;
    *count_out = (uint16_t)rule_yaml_list(r, node, what, names, RULE_DOMAINS_MAX);
    return names;
}

/* The node of item `i`, or the scalar that stands for a list of one. */
static yaml_node_t *item_of(struct rule_yaml *r, yaml_node_t *node, size_t i)
{
    return node->type == YAML_SEQUENCE_NODE
               ? yaml_document_get_node(r->document, node->data.sequence.items.start[i])
               : node;
}

static bool is_known(const struct rule_names_known *known, struct span name)
{
    for (uint32_t k = 0; k < known->count; k++)
        if (span_equal(known->names[k], name))
            return true;
    return false;
}

static void domains_known(struct rule_yaml *r, yaml_node_t *node, const struct rule_draft *d)
{
    for (size_t i = 0; i < d->rule.domain_count && r->domains.names; i++) {
        uint8_t text[ADDRESS_KEY_MAX];
        struct writer key = writer_of(text, sizeof(text));

        /* What is no domain at all is told where the rule is checked. */
        if (rule_domain_key(d->rule.domains[i], &key) && !is_known(&r->domains, writer_span(&key)))
            rule_yaml_expected(r, item_of(r, node, i), "a domain that the configuration has");
    }
}

static void read_domains(struct rule_yaml *r, yaml_node_t *node, struct rule_draft *d, bool except)
{
    uint16_t count = 0;
    struct span *names = read_names(r, node, &d->addressed, "a domain or a list of them",
                                    "expected domains or except_domains, not both\n", &count);

    if (!names)
        return;
    d->rule.domains = names;
    d->rule.domain_count = count;
    d->rule.except = except;
    domains_known(r, node, d);
}

static void tenants_known(struct rule_yaml *r, yaml_node_t *node, const struct rule_draft *d)
{
    for (size_t i = 0; i < d->rule.tenant_count && r->tenants.names; i++)
        if (!is_known(&r->tenants, d->rule.tenants[i]))
            rule_yaml_expected(r, item_of(r, node, i), "a tenant that a domain has");
}

static void read_tenants(struct rule_yaml *r, yaml_node_t *node, struct rule_draft *d, bool except)
{
    uint16_t count = 0;
    struct span *names = read_names(r, node, &d->leased, "a tenant or a list of them",
                                    "expected tenants or except_tenants, not both\n", &count);

    if (!names)
        return;
    d->rule.tenants = names;
    d->rule.tenant_count = count;
    d->rule.except_tenants = except;
    tenants_known(r, node, d);
}

static void rule_domains(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    read_domains(r, node, target, false);
}

static void rule_except_domains(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    read_domains(r, node, target, true);
}

static void rule_tenants(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    read_tenants(r, node, target, false);
}

static void rule_except_tenants(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    read_tenants(r, node, target, true);
}

static const struct rule_yaml_key rule_keys[] = {
    {"id", rule_id},
    {"description", rule_description},
    {"scope", rule_scope},
    {"match", rule_match},
    {"patterns", rule_patterns},
    {"when", rule_when},
    {"score", rule_score},
    {"action", rule_action},
    {"text", rule_text},
    {"tag", rule_tag},
    {"domains", rule_domains},
    {"except_domains", rule_except_domains},
    {"tenants", rule_tenants},
    {"except_tenants", rule_except_tenants},
    {"shadow", rule_shadow},
    {"enabled", rule_enabled},
};

/* The rule's id comes first into every message, wherever it stands among the keys. */
static struct span find_id(struct rule_yaml *r, yaml_node_t *node)
{
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        if (span_equal(rule_yaml_text(yaml_document_get_node(r->document, pair->key)),
                       span_text("id")))
            return rule_yaml_text(yaml_document_get_node(r->document, pair->value));
    return span_of(NULL, 0);
}

/* False when nobody takes rules any more. */
static bool read_rule(struct rule_yaml *r, yaml_node_t *node, rule_reader_add *add, void *context)
{
    struct rule_draft d = {.rule = {.enabled = true}};
    bool before = r->ok;

    d.rule.source = (struct rule_source){.file = r->file, .line = rule_yaml_line(node)};
    if (node->type != YAML_MAPPING_NODE) {
        rule_yaml_expected(r, node, "a rule");
        return true;
    }
    r->id = find_id(r, node);
    r->ok = true;
    rule_yaml_keys(r, node, rule_keys, sizeof rule_keys / sizeof rule_keys[0], &d);
    if (d.matched && d.when) {
        rule_yaml_fault(r, node);
        writer_text(r->errors, "expected match or when, not both\n");
    }
    rule_draft_patterns(r, &d, node);
    if (d.when)
        rule_draft_when(r, &d);
    /* What is wrong already would be said twice. */
    if (r->ok)
        r->ok = rule_check(&d.rule, r->errors);
    r->ok &= before;
    if (!add(context, &d.rule)) {
        rule_yaml_fault(r, node);
        writer_text(r->errors, "more rules or patterns than can be held\n");
        return false;
    }
    r->id = span_of(NULL, 0);
    return true;
}

static void read_rules(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    yaml_node_t **rules = target;

    if (node->type == YAML_SEQUENCE_NODE)
        *rules = node;
    else
        rule_yaml_expected(r, node, "a list of rules");
}

bool rule_reader_run(const struct rule_reader *reader, struct writer *errors)
{
    static const struct rule_yaml_key keys[] = {{"rules", read_rules}};
    struct rule_yaml r = {.document = reader->document,
                          .errors = errors,
                          .file = reader->file,
                          .tenants = reader->tenants,
                          .domains = reader->domains,
                          .ok = true};
    yaml_node_t *root = yaml_document_get_root_node(reader->document);
    yaml_node_t *rules = NULL;

    if (root && root->type == YAML_MAPPING_NODE)
        rule_yaml_keys(&r, root, keys, 1, &rules);
    if (!root || (!rules && r.ok)) {
        writer_printf(errors, "%.*s:1: expected rules: a list of them\n", (int)r.file.len,
                      (const char *)r.file.data);
        return false;
    }
    for (size_t i = 0;
         rules && i < (size_t)(rules->data.sequence.items.top - rules->data.sequence.items.start);
         i++)
        if (!read_rule(&r, item_of(&r, rules, i), reader->add, reader->context))
            return false;
    return r.ok;
}
