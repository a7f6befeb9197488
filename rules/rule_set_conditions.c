/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "rules/rule_set_inside.h"

/* What a set has of its rules beside patterns in bytes: numbers, counters, logic. */

/* ---- numbers and counters ---- */

/* The counter that a pattern asks for: one for all that count the same. */
static uint16_t counter_of(struct rule_set *set, const struct rule_pattern *p)
{
    size_t i = 0;

    while (i < set->counter_count &&
           (set->counters[i].what != p->scope || set->counters[i].within_ms != p->within_ms))
        i++;
    if (i == set->counter_count)
        set->counters[set->counter_count++] =
            (struct rule_set_counter){.within_ms = p->within_ms, .what = p->scope};
    return (uint16_t)i;
}

static void bounds_of(struct rule_set *set, const struct rule *rule, size_t r)
{
    for (size_t i = 0; i < set->slots[r].count; i++) {
        const struct rule_pattern *p = &rule->patterns[i];

        if (p->kind == RULE_TEXT)
            continue;
        if (p->kind == RULE_NUMBER)
            set->wanted |= (uint32_t)1 << p->scope;
        else
            set->counted |= (uint32_t)1 << p->scope;
        set->bounds[set->bound_count++] =
            (struct rule_set_bound){.least = p->least,
                                    .most = p->most,
                                    .bit = set->slots[r].first + (uint32_t)i,
                                    .number = p->kind == RULE_NUMBER ? p->scope : RULE_NUMBERS,
                                    .counter = p->kind == RULE_NUMBER ? 0 : counter_of(set, p)};
    }
}

static int compare_bounds(const void *left, const void *right)
{
    const struct rule_set_bound *a = left;
    const struct rule_set_bound *b = right;

    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->bit < b->bit ? -1 : a->bit > b->bit;
}

static bool make_bounds(struct rule_set *set, const struct rule_set_source *source)
{
    size_t bounds = 0;

    for (size_t r = 0; r < source->count; r++)
        for (size_t i = 0; i < set->slots[r].count; i++)
            bounds += source->rules[r].patterns[i].kind != RULE_TEXT;
    set->bounds = calloc(bounds + 1, sizeof *set->bounds);
    set->counters = calloc(bounds + 1, sizeof *set->counters);
    if (!set->bounds || !set->counters)
        return false;
    for (size_t r = 0; r < source->count; r++)
        bounds_of(set, &source->rules[r], r);
    qsort(set->bounds, set->bound_count, sizeof *set->bounds, compare_bounds);
    for (size_t i = 0; i < set->bound_count; i++)
        set->bound_end[set->bounds[i].number] = (uint32_t)i + 1;
    for (size_t n = 1; n <= RULE_NUMBERS; n++)
        if (set->bound_end[n] < set->bound_end[n - 1])
            set->bound_end[n] = set->bound_end[n - 1];
    return true;
}

/* ---- logic ---- */

static uint32_t code_of(const struct rule_set_slot *slot, const struct rule_node *node,
                        uint32_t target)
{
    uint32_t argument = node->op == RULE_OP_PATTERN ? slot->first + node->count
                        : node->op == RULE_OP_RULE  ? target
                                                    : node->count;

    return (uint32_t)node->op << RULE_CODE_SHIFT | argument;
}

static bool make_codes(struct rule_set *set, const struct rule_set_source *source)
{
    const struct rule_link *link = source->link;
    size_t codes = 0;

    for (size_t k = 0; k < link->order_count; k++)
        codes += source->rules[link->order[k]].node_count;
    set->codes = calloc(codes + 1, sizeof *set->codes);
    set->order = calloc(link->order_count + 1, sizeof *set->order);
    if (!set->codes || !set->order)
        return false;
    codes = 0;
    set->order_count = link->order_count;
    for (size_t k = 0; k < link->order_count; k++) {
        uint32_t r = set->order[k] = link->order[k];
        uint32_t reference = link->first[r];

        set->slots[r].code_first = (uint32_t)codes;
        set->slots[r].code_count = source->rules[r].node_count;
        for (size_t i = 0; i < source->rules[r].node_count; i++) {
            const struct rule_node *node = &source->rules[r].nodes[i];
            uint32_t target = node->op == RULE_OP_RULE ? link->targets[reference++] : 0;

            set->codes[codes++] = code_of(&set->slots[r], node, target);
        }
    }
    return true;
}

bool rule_set_conditions(struct rule_set *set, const struct rule_set_source *source)
{
    return make_bounds(set, source) && make_codes(set, source) && rule_set_whom(set, source) &&
           rule_set_tags(set, source);
}

size_t rule_set_counters(const struct rule_set *set)
{
    return set->counter_count;
}

const struct rule_set_counter *rule_set_counter(const struct rule_set *set, size_t index)
{
    return &set->counters[index];
}

bool rule_set_wants(const struct rule_set *set, enum rule_number number)
{
    return set->wanted >> number & 1;
}

bool rule_set_counts(const struct rule_set *set, enum rule_counter what)
{
    return set->counted >> what & 1;
}
