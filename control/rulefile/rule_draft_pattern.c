/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/rulefile/rule_draft.h"

/* A rule's patterns. */

struct pattern_draft {
    struct rule_pattern pattern;
    bool scoped, above, below, within;
    uint8_t what;       /* enum rule_number or rule_counter */
    unsigned int texts; /* how many of `literal`, `regex`, `number` and `repeats` were given */
};

void rule_draft_scope(struct rule_yaml *r, yaml_node_t *node, enum rule_scope *scope_out,
                      struct span *header_out)
{
    char names[300];
    struct writer w = writer_of(names, sizeof names - 1);

    if (rule_scope_parse(rule_yaml_text(node), scope_out, header_out))
        return;
    writer_text(&w, "a scope (");
    for (size_t s = 0; s < RULE_SCOPES; s++)
        writer_printf(&w, "%s, ", rule_scope_name((enum rule_scope)s));
    writer_text(&w, "header.NAME, subject)");
    names[w.len] = '\0';
    rule_yaml_expected(r, node, names);
}

static void pattern_scope(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;
    enum rule_scope scope = RULE_SCOPE_CLIENT_IP;

    rule_draft_scope(r, node, &scope, &d->pattern.header);
    d->pattern.scope = (uint8_t)scope;
    d->scoped = true;
}

static void pattern_literal(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;

    d->pattern.literal = true;
    d->texts++;
    rule_yaml_scalar(r, node, "the text to find", &d->pattern.text);
}

static void pattern_regex(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;

    d->texts++;
    rule_yaml_scalar(r, node, "a regular expression", &d->pattern.text);
}

static void pattern_flags(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } flags[] = {
        {"caseless", RULE_CASELESS}, {"dotall", RULE_DOTALL}, {"multiline", RULE_MULTILINE}};
    struct pattern_draft *d = target;

    if (node->type != YAML_SEQUENCE_NODE) {
        rule_yaml_expected(r, node, "a list of caseless, dotall, multiline");
        return;
    }
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        yaml_node_t *item = yaml_document_get_node(r->document, *i);
        uint8_t found = 0;

        for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++)
            if (span_equal(rule_yaml_text(item), span_text(flags[k].name)))
                found = flags[k].flag;
        if (!found)
            rule_yaml_expected(r, item, "caseless, dotall or multiline");
        d->pattern.flags |= found;
    }
}

static void pattern_name(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;

    rule_yaml_scalar(r, node, "a name", &d->pattern.name);
}

static void pattern_number(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;
    enum rule_number number = RULE_NUMBER_RECIPIENTS;
    char names[300];
    struct writer w = writer_of(names, sizeof names - 1);

    d->texts++;
    d->pattern.kind = RULE_NUMBER;
    if (!rule_number_parse(rule_yaml_text(node), &number)) {
        writer_text(&w, "a number (");
        for (size_t n = 0; n < RULE_NUMBERS; n++)
            writer_printf(&w, "%s%s", n ? ", " : "", rule_number_name((enum rule_number)n));
        writer_text(&w, ")");
        names[w.len] = '\0';
        rule_yaml_expected(r, node, names);
    }
    d->what = (uint8_t)number;
}

static void pattern_repeats(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;
    enum rule_counter counter = RULE_COUNTER_CLIENT_IP;
    char names[200];
    struct writer w = writer_of(names, sizeof names - 1);

    d->texts++;
    d->pattern.kind = RULE_REPEATS;
    if (!rule_counter_parse(rule_yaml_text(node), &counter)) {
        writer_text(&w, "what repeats (");
        for (size_t c = 0; c < RULE_COUNTERS; c++)
            writer_printf(&w, "%s%s", c ? ", " : "", rule_counter_name((enum rule_counter)c));
        writer_text(&w, ")");
        names[w.len] = '\0';
        rule_yaml_expected(r, node, names);
    }
    d->what = (uint8_t)counter;
}

static void pattern_above(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;

    d->above = rule_yaml_number(r, node, &d->pattern.least);
    d->pattern.least++;
}

static void pattern_below(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;

    d->below = rule_yaml_number(r, node, &d->pattern.most);
    if (d->below && d->pattern.most-- == 0)
        rule_yaml_expected(r, node, "a number above 0");
}

static void pattern_within(struct rule_yaml *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;
    uint64_t ms = 0;

    d->within = true;
    if (rule_yaml_time(r, node, RULE_WITHIN_MIN_MS, RULE_WITHIN_MAX_MS, &ms))
        d->pattern.within_ms = (uint32_t)ms;
}

static const struct rule_yaml_key pattern_keys[] = {
    {"name", pattern_name},       {"literal", pattern_literal}, {"regex", pattern_regex},
    {"scope", pattern_scope},     {"flags", pattern_flags},     {"number", pattern_number},
    {"repeats", pattern_repeats}, {"above", pattern_above},     {"below", pattern_below},
    {"within", pattern_within},
};

/* What a comparison needs, and what goes with patterns of the other kinds only. */
static void check_number(struct rule_yaml *r, const yaml_node_t *node, struct pattern_draft *d)
{
    bool repeats = d->pattern.kind == RULE_REPEATS;

    if (d->pattern.kind == RULE_TEXT) {
        if (d->above || d->below || d->within) {
            rule_yaml_fault(r, node);
            writer_text(r->errors, "above, below and within are for number and repeats\n");
        }
        return;
    }
    d->pattern.scope = d->what;
    if (!d->above && !d->below) {
        rule_yaml_fault(r, node);
        writer_text(r->errors, "expected above or below\n");
    }
    if (d->within != repeats || d->scoped || d->pattern.flags) {
        rule_yaml_fault(r, node);
        writer_text(r->errors, repeats
                                   ? "expected repeats with within, and without scope and flags\n"
                                   : "expected number without within, scope and flags\n");
    }
}

static struct rule_pattern read_pattern(struct rule_yaml *r, yaml_node_t *node,
                                        const struct rule_draft *rule)
{
    struct pattern_draft d = {
        .pattern = {.source = {.file = r->file, .line = rule_yaml_line(node)}, .most = UINT64_MAX}};

    if (node->type != YAML_MAPPING_NODE) {
        rule_yaml_expected(r, node, "a pattern with one of literal, regex, number, repeats");
        return d.pattern;
    }
    rule_yaml_keys(r, node, pattern_keys, sizeof pattern_keys / sizeof pattern_keys[0], &d);
    if (d.texts != 1) {
        rule_yaml_fault(r, node);
        writer_text(r->errors, "expected one of literal, regex, number, repeats\n");
    }
    check_number(r, node, &d);
    if (d.pattern.kind != RULE_TEXT)
        return d.pattern;
    if (!d.scoped && !rule->scoped) {
        rule_yaml_fault(r, node);
        writer_text(r->errors, "expected a scope here or in the rule\n");
    } else if (!d.scoped) {
        d.pattern.scope = (uint8_t)rule->scope;
        d.pattern.header = rule->header;
    }
    return d.pattern;
}

void rule_draft_patterns(struct rule_yaml *r, struct rule_draft *d, const yaml_node_t *rule)
{
    yaml_node_item_t *items;
    struct rule_pattern *patterns;
    size_t count;

    if (!d->patterns && d->when)
        return;
    if (!d->patterns || d->patterns->type != YAML_SEQUENCE_NODE) {
        rule_yaml_fault(r, d->patterns ? d->patterns : rule);
        writer_text(r->errors, "expected patterns: a list of them\n");
        return;
    }
    items = d->patterns->data.sequence.items.start;
    count = (size_t)(d->patterns->data.sequence.items.top - items);
    if (count == 0 || count > RULE_PATTERNS_MAX) {
        rule_yaml_fault(r, d->patterns);
        writer_printf(r->errors, "expected 1 to %d patterns\n", RULE_PATTERNS_MAX);
        return;
    }
    patterns = calloc(count, sizeof *patterns);
    if (!patterns) {
        rule_yaml_fault(r, rule);
        writer_text(r->errors, "out of memory\n");
        return;
    }
    for (size_t i = 0; i < count; i++)
        patterns[i] = read_pattern(r, yaml_document_get_node(r->document, items[i]), d);
    d->rule.patterns = patterns;
    d->rule.pattern_count = (uint16_t)count;
}
