/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/rulefile/rule_reader.h"
#include "proto/base/peer_text.h"

struct reader {
    yaml_document_t *document;
    struct writer *errors;
    struct span file;
    struct span id; /* of the rule at hand; empty outside of one or when it has none */
    bool ok;
};

/* A rule while its keys are read. Patterns wait, since their scope may be given behind them. */
struct draft {
    struct rule rule;
    yaml_node_t *patterns;
    struct span header;
    enum rule_scope scope;
    bool scoped;
};

struct pattern_draft {
    struct rule_pattern pattern;
    bool scoped;
    unsigned int texts; /* how many of `literal` and `regex` were given */
};

struct key {
    const char *name;
    void (*read)(struct reader *r, yaml_node_t *value, void *target);
};

static uint32_t line_of(const yaml_node_t *node)
{
    return (uint32_t)node->start_mark.line + 1;
}

static void fault_begin(struct reader *r, const yaml_node_t *node)
{
    struct rule_source source = {.file = r->file, .line = line_of(node)};

    r->ok = false;
    if (r->id.len > 0)
        rule_error_begin(r->errors, &source, r->id);
    else
        writer_printf(r->errors, "%.*s:%u: ", (int)r->file.len, (const char *)r->file.data,
                      source.line);
}

/* "expected WHAT, not 'VALUE'" */
static void expected(struct reader *r, const yaml_node_t *node, const char *what)
{
    fault_begin(r, node);
    writer_printf(r->errors, "expected %s, not ", what);
    if (node->type == YAML_SCALAR_NODE) {
        writer_text(r->errors, "'");
        peer_text(r->errors, span_of(node->data.scalar.value, node->data.scalar.length), 60,
                  PEER_TEXT_UTF8);
        writer_text(r->errors, "'");
    } else {
        writer_text(r->errors, node->type == YAML_MAPPING_NODE ? "a mapping" : "a list");
    }
    writer_text(r->errors, "\n");
}

/* A scalar's bytes; false, with an error, for lists and mappings. */
static bool scalar(struct reader *r, yaml_node_t *node, const char *what, struct span *text_out)
{
    if (node->type != YAML_SCALAR_NODE) {
        expected(r, node, what);
        return false;
    }
    *text_out = span_of(node->data.scalar.value, node->data.scalar.length);
    return true;
}

static struct span scalar_or_empty(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE
               ? span_of(node->data.scalar.value, node->data.scalar.length)
               : span_of(NULL, 0);
}

static void unknown_key(struct reader *r, const yaml_node_t *node, const struct key *keys,
                        size_t count)
{
    char names[200];
    struct writer w = writer_of(names, sizeof names - 1);

    writer_text(&w, "one of ");
    for (size_t i = 0; i < count; i++)
        writer_printf(&w, "%s%s", i ? ", " : "", keys[i].name);
    names[w.len] = '\0';
    expected(r, node, names);
}

/* Reads a mapping of known keys, each at most once, in the order of the file. */
static void read_keys(struct reader *r, yaml_node_t *node, const struct key *keys, size_t count,
                      void *target)
{
    uint32_t seen = 0;

    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = yaml_document_get_node(r->document, pair->key);
        struct span text = scalar_or_empty(name);
        size_t k = 0;

        while (k < count && !span_equal(text, span_text(keys[k].name)))
            k++;
        if (k == count) {
            unknown_key(r, name, keys, count);
        } else if (seen >> k & 1) {
            expected(r, name, "each key once");
        } else {
            seen |= (uint32_t)1 << k;
            keys[k].read(r, yaml_document_get_node(r->document, pair->value), target);
        }
    }
}

static void read_bool(struct reader *r, yaml_node_t *node, bool *to)
{
    struct span text = scalar_or_empty(node);

    if (span_equal(text, span_text("true")))
        *to = true;
    else if (span_equal(text, span_text("false")))
        *to = false;
    else
        expected(r, node, "true or false");
}

static void read_scope(struct reader *r, yaml_node_t *node, enum rule_scope *scope_out,
                       struct span *header_out)
{
    char names[300];
    struct writer w = writer_of(names, sizeof names - 1);

    if (rule_scope_parse(scalar_or_empty(node), scope_out, header_out))
        return;
    writer_text(&w, "a scope (");
    for (size_t s = 0; s < RULE_SCOPES; s++)
        writer_printf(&w, "%s, ", rule_scope_name((enum rule_scope)s));
    writer_text(&w, "header.NAME, subject)");
    names[w.len] = '\0';
    expected(r, node, names);
}

static void pattern_scope(struct reader *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;
    enum rule_scope scope = RULE_SCOPE_CLIENT_IP;

    read_scope(r, node, &scope, &d->pattern.header);
    d->pattern.scope = (uint8_t)scope;
    d->scoped = true;
}

static void pattern_literal(struct reader *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;

    d->pattern.literal = true;
    d->texts++;
    scalar(r, node, "the text to find", &d->pattern.text);
}

static void pattern_regex(struct reader *r, yaml_node_t *node, void *target)
{
    struct pattern_draft *d = target;

    d->texts++;
    scalar(r, node, "a regular expression", &d->pattern.text);
}

static void pattern_flags(struct reader *r, yaml_node_t *node, void *target)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } flags[] = {
        {"caseless", RULE_CASELESS}, {"dotall", RULE_DOTALL}, {"multiline", RULE_MULTILINE}};
    struct pattern_draft *d = target;

    if (node->type != YAML_SEQUENCE_NODE) {
        expected(r, node, "a list of caseless, dotall, multiline");
        return;
    }
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        yaml_node_t *item = yaml_document_get_node(r->document, *i);
        uint8_t found = 0;

        for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++)
            if (span_equal(scalar_or_empty(item), span_text(flags[k].name)))
                found = flags[k].flag;
        if (!found)
            expected(r, item, "caseless, dotall or multiline");
        d->pattern.flags |= found;
    }
}

static const struct key pattern_keys[] = {
    {"literal", pattern_literal},
    {"regex", pattern_regex},
    {"scope", pattern_scope},
    {"flags", pattern_flags},
};

static struct rule_pattern read_pattern(struct reader *r, yaml_node_t *node,
                                        const struct draft *rule)
{
    struct pattern_draft d = {.pattern = {.source = {.file = r->file, .line = line_of(node)}}};

    if (node->type != YAML_MAPPING_NODE) {
        expected(r, node, "a pattern with a literal or a regex");
        return d.pattern;
    }
    read_keys(r, node, pattern_keys, sizeof pattern_keys / sizeof pattern_keys[0], &d);
    if (d.texts != 1) {
        fault_begin(r, node);
        writer_text(r->errors, "expected either a literal or a regex\n");
    }
    if (!d.scoped && !rule->scoped) {
        fault_begin(r, node);
        writer_text(r->errors, "expected a scope here or in the rule\n");
    } else if (!d.scoped) {
        d.pattern.scope = (uint8_t)rule->scope;
        d.pattern.header = rule->header;
    }
    return d.pattern;
}

/* The patterns become one array, which goes to whoever takes the rule. */
static void read_patterns(struct reader *r, struct draft *d, const yaml_node_t *rule)
{
    yaml_node_item_t *items;
    struct rule_pattern *patterns;
    size_t count;

    if (!d->patterns || d->patterns->type != YAML_SEQUENCE_NODE) {
        fault_begin(r, d->patterns ? d->patterns : rule);
        writer_text(r->errors, "expected patterns: a list of them\n");
        return;
    }
    items = d->patterns->data.sequence.items.start;
    count = (size_t)(d->patterns->data.sequence.items.top - items);
    if (count == 0 || count > RULE_PATTERNS_MAX) {
        fault_begin(r, d->patterns);
        writer_printf(r->errors, "expected 1 to %d patterns\n", RULE_PATTERNS_MAX);
        return;
    }
    patterns = calloc(count, sizeof *patterns);
    if (!patterns) {
        fault_begin(r, rule);
        writer_text(r->errors, "out of memory\n");
        return;
    }
    for (size_t i = 0; i < count; i++)
        patterns[i] = read_pattern(r, yaml_document_get_node(r->document, items[i]), d);
    d->rule.patterns = patterns;
    d->rule.pattern_count = (uint16_t)count;
}

static void rule_id(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;

    scalar(r, node, "an id", &d->rule.id);
}

static void rule_description(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;

    scalar(r, node, "a description", &d->rule.description);
}

static void rule_scope(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;

    d->scoped = true;
    read_scope(r, node, &d->scope, &d->header);
}

static void rule_match(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;
    struct span text = scalar_or_empty(node);

    if (span_equal(text, span_text("all")))
        d->rule.logic = RULE_ALL;
    else if (!span_equal(text, span_text("any")))
        expected(r, node, "any or all");
}

static void rule_patterns(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;

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

static void rule_score(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;

    if (!parse_score(scalar_or_empty(node), &d->rule.score))
        expected(r, node, "a score from -1000 to 1000 with at most three decimals");
}

static void rule_action(struct reader *r, yaml_node_t *node, void *target)
{
    char names[100];
    struct writer w = writer_of(names, sizeof names - 1);
    struct draft *d = target;
    enum rule_action action;

    if (rule_action_parse(scalar_or_empty(node), &action)) {
        d->rule.action = (uint8_t)action;
        return;
    }
    writer_text(&w, "an action (");
    for (size_t a = 0; a < RULE_ACTIONS; a++)
        writer_printf(&w, "%s%s", a ? ", " : "", rule_action_name((enum rule_action)a));
    writer_text(&w, ")");
    names[w.len] = '\0';
    expected(r, node, names);
}

static void rule_text(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;

    scalar(r, node, "a text", &d->rule.text);
}

static void rule_shadow(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;

    read_bool(r, node, &d->rule.shadow);
}

static void rule_enabled(struct reader *r, yaml_node_t *node, void *target)
{
    struct draft *d = target;

    read_bool(r, node, &d->rule.enabled);
}

static const struct key rule_keys[] = {
    {"id", rule_id},
    {"description", rule_description},
    {"scope", rule_scope},
    {"match", rule_match},
    {"patterns", rule_patterns},
    {"score", rule_score},
    {"action", rule_action},
    {"text", rule_text},
    {"shadow", rule_shadow},
    {"enabled", rule_enabled},
};

/* The rule's id comes first into every message, wherever it stands among the keys. */
static struct span find_id(struct reader *r, yaml_node_t *node)
{
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        if (span_equal(scalar_or_empty(yaml_document_get_node(r->document, pair->key)),
                       span_text("id")))
            return scalar_or_empty(yaml_document_get_node(r->document, pair->value));
    return span_of(NULL, 0);
}

/* False when nobody takes rules any more. */
static bool read_rule(struct reader *r, yaml_node_t *node, rule_reader_add *add, void *context)
{
    struct draft d = {.rule = {.enabled = true}};
    bool before = r->ok;

    d.rule.source = (struct rule_source){.file = r->file, .line = line_of(node)};
    if (node->type != YAML_MAPPING_NODE) {
        expected(r, node, "a rule");
        return true;
    }
    r->id = find_id(r, node);
    r->ok = true;
    read_keys(r, node, rule_keys, sizeof rule_keys / sizeof rule_keys[0], &d);
    read_patterns(r, &d, node);
    /* What is wrong already would be said twice. */
    if (r->ok)
        r->ok = rule_check(&d.rule, r->errors);
    r->ok &= before;
    if (!add(context, &d.rule)) {
        fault_begin(r, node);
        writer_text(r->errors, "more rules or patterns than can be held\n");
        return false;
    }
    r->id = span_of(NULL, 0);
    return true;
}

static void read_rules(struct reader *r, yaml_node_t *node, void *target)
{
    yaml_node_t **rules = target;

    if (node->type == YAML_SEQUENCE_NODE)
        *rules = node;
    else
        expected(r, node, "a list of rules");
}

bool rule_reader_run(yaml_document_t *document, struct span file, rule_reader_add *add,
                     void *context, struct writer *errors)
{
    static const struct key keys[] = {{"rules", read_rules}};
    struct reader r = {.document = document, .errors = errors, .file = file, .ok = true};
    yaml_node_t *root = yaml_document_get_root_node(document);
    yaml_node_t *rules = NULL;

    if (root && root->type == YAML_MAPPING_NODE)
        read_keys(&r, root, keys, 1, &rules);
    if (!root || (!rules && r.ok)) {
        writer_printf(errors, "%.*s:1: expected rules: a list of them\n", (int)file.len,
                      (const char *)file.data);
        return false;
    }
    for (size_t i = 0;
         rules && i < (size_t)(rules->data.sequence.items.top - rules->data.sequence.items.start);
         i++)
        if (!read_rule(&r, yaml_document_get_node(document, rules->data.sequence.items.start[i]),
                       add, context))
            return false;
    return r.ok;
}
