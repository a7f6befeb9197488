/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/rulefile/rule_yaml.h"

#include "proto/base/peer_text.h"

uint32_t rule_yaml_line(const yaml_node_t *node)
{
    return (uint32_t)node->start_mark.line + 1;
}

void rule_yaml_fault(struct rule_yaml *r, const yaml_node_t *node)
{
    struct rule_source source = {.file = r->file, .line = rule_yaml_line(node)};

    r->ok = false;
    if (r->id.len > 0)
        rule_error_begin(r->errors, &source, r->id);
    else
        writer_printf(r->errors, "%.*s:%u: ", (int)r->file.len, (const char *)r->file.data,
                      source.line);
}

void rule_yaml_expected(struct rule_yaml *r, const yaml_node_t *node, const char *what)
{
    rule_yaml_fault(r, node);
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

bool rule_yaml_scalar(struct rule_yaml *r, yaml_node_t *node, const char *what,
                      struct span *text_out)
{
    if (node->type != YAML_SCALAR_NODE) {
        rule_yaml_expected(r, node, what);
        return false;
    }
    *text_out = span_of(node->data.scalar.value, node->data.scalar.length);
    return true;
}

struct span rule_yaml_text(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE
               ? span_of(node->data.scalar.value, node->data.scalar.length)
               : span_of(NULL, 0);
}

static void unknown_key(struct rule_yaml *r, const yaml_node_t *node,
                        const struct rule_yaml_key *keys, size_t count)
{
    char names[400];
    struct writer w = writer_of(names, sizeof names - 1);

    writer_text(&w, "one of ");
    for (size_t i = 0; i < count; i++)
        writer_printf(&w, "%s%s", i ? ", " : "", keys[i].name);
    names[w.len] = '\0';
    rule_yaml_expected(r, node, names);
}

void rule_yaml_keys(struct rule_yaml *r, yaml_node_t *node, const struct rule_yaml_key *keys,
                    size_t count, void *target)
{
    uint32_t seen = 0;

    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = yaml_document_get_node(r->document, pair->key);
        struct span text = rule_yaml_text(name);
        size_t k = 0;

        while (k < count && !span_equal(text, span_text(keys[k].name)))
            k++;
        if (k == count) {
            unknown_key(r, name, keys, count);
        } else if (seen >> k & 1) {
            rule_yaml_expected(r, name, "each key once");
        } else {
            seen |= (uint32_t)1 << k;
            keys[k].read(r, yaml_document_get_node(r->document, pair->value), target);
        }
    }
}

void rule_yaml_bool(struct rule_yaml *r, yaml_node_t *node, bool *to)
{
    struct span text = rule_yaml_text(node);

    if (span_equal(text, span_text("true")))
        *to = true;
    else if (span_equal(text, span_text("false")))
        *to = false;
    else
        rule_yaml_expected(r, node, "true or false");
}

/* 1*DIGIT and one of the letters of `units`, or none. False: it is none, or more than 2^53. */
static bool parse_number(struct span s, const char *units, const uint64_t *factors, uint64_t *out)
{
    const char *unit = s.len ? strchr(units, s.data[s.len - 1]) : NULL;
    uint64_t value = 0, factor = 1;

    if (unit && *unit) {
        factor = factors[unit - units];
        s.len--;
    }
    if (s.len == 0 || s.len > 15)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if ((uint8_t)(s.data[i] - '0') > 9)
            return false;
        value = value * 10 + (uint64_t)(s.data[i] - '0');
    }
    *out = value * factor;
    return value <= (UINT64_C(1) << 53) / factor;
}

bool rule_yaml_number(struct rule_yaml *r, yaml_node_t *node, uint64_t *number_out)
{
    static const uint64_t factors[] = {1 << 10, 1 << 20, 1 << 30};

    if (parse_number(rule_yaml_text(node), "KMG", factors, number_out))
        return true;
    rule_yaml_expected(r, node, "a number, as in 50, 64K, 10M or 1G");
    return false;
}

bool rule_yaml_time(struct rule_yaml *r, yaml_node_t *node, uint64_t least_ms, uint64_t most_ms,
                    uint64_t *ms_out)
{
    static const uint64_t factors[] = {1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000};
    struct span text = rule_yaml_text(node);

    if (text.len && strchr("smhd", text.data[text.len - 1]) &&
        parse_number(text, "smhd", factors, ms_out) && *ms_out >= least_ms && *ms_out <= most_ms)
        return true;
    rule_yaml_expected(r, node, "a time from 1s to 7d, as in 30s, 10m, 2h or 1d");
    return false;
}

size_t rule_yaml_list(struct rule_yaml *r, yaml_node_t *node, const char *what, struct span *texts,
                      size_t room)
{
    yaml_node_item_t *items;
    size_t count;

    if (node->type == YAML_SCALAR_NODE && room) {
        texts[0] = rule_yaml_text(node);
        return 1;
    }
    if (node->type != YAML_SEQUENCE_NODE) {
        rule_yaml_expected(r, node, what);
        return 0;
    }
    items = node->data.sequence.items.start;
    count = (size_t)(node->data.sequence.items.top - items);
    if (count == 0 || count > room) {
        rule_yaml_fault(r, node);
        writer_printf(r->errors, "expected 1 to %zu of them\n", room);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        rule_yaml_scalar(r, yaml_document_get_node(r->document, items[i]), what, &texts[i]);
    return count;
}
