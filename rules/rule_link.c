/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/rule_link.h"

#include <stdlib.h>

/* The rules while they are put in order. */
struct ordering {
    struct rule_link *link;
    const struct rule *rules;
    size_t count;
    uint32_t *waits;      /* of each rule: references to rules that are not in order yet */
    uint32_t *users;      /* rules that refer to rule r: users[user_first[r] ..] */
    uint32_t *user_first; /* one more at the end */
    uint32_t *queue;      /* rules in order */
    size_t done;
};

static int compare_ids(const void *left, const void *right)
{
    const struct rule *a = *(const struct rule *const *)left;
    const struct rule *b = *(const struct rule *const *)right;
    size_t shorter = a->id.len < b->id.len ? a->id.len : b->id.len;
    int order = shorter ? memcmp(a->id.data, b->id.data, shorter) : 0;

    return order ? order : a->id.len < b->id.len ? -1 : a->id.len > b->id.len;
}

static bool is_reference(const struct rule *rule, size_t node)
{
    return rule->nodes[node].op == RULE_OP_RULE;
}

static bool bad_reference(const struct rule *rule, const struct rule_node *node, const char *what,
                          struct writer *errors)
{
    rule_error_begin(errors, &node->source, rule->id);
    writer_printf(errors, "%s '%.*s'\n", what, (int)node->id.len, (const char *)node->id.data);
    return false;
}

static bool resolve_rule(struct rule_link *link, const struct rule *rules, const struct rule *rule,
                         const struct rule **sorted, size_t count, struct writer *errors)
{
    uint32_t at = link->first[rule - rules];
    bool ok = true;

    for (size_t i = 0; rule->enabled && i < rule->node_count; i++) {
        struct rule wanted = {.id = rule->nodes[i].id};
        const struct rule *key = &wanted, **found;

        if (!is_reference(rule, i))
            continue;
        found = bsearch(&key, sorted, count, sizeof *sorted, compare_ids);
        if (!found)
            ok = bad_reference(rule, &rule->nodes[i], "there is no rule", errors);
        else if (!(*found)->enabled)
            ok = bad_reference(rule, &rule->nodes[i], "it is not enabled: rule", errors);
        link->targets[at++] = found ? (uint32_t)(*found - rules) : 0;
    }
    return ok;
}

static enum rule_status resolve(struct rule_link *link, const struct rule *rules, size_t count,
                                struct writer *errors)
{
    const struct rule **sorted = calloc(count + 1, sizeof(struct rule *));
    bool ok = true;

    if (!sorted)
        return RULE_BROKEN;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &rules[i];
    qsort(sorted, count, sizeof *sorted, compare_ids);
    for (size_t i = 0; i < count; i++)
        ok &= resolve_rule(link, rules, &rules[i], sorted, count, errors);
    free(sorted);
    return ok ? RULE_OK : RULE_REFUSED;
}

static bool link_allocate(struct rule_link *link, const struct rule *rules, size_t count)
{
    size_t references = 0;

    link->first = calloc(count + 1, sizeof *link->first);
    link->stages = calloc(count + 1, 1);
    link->settled = calloc(count + 1, 1);
    link->order = calloc(count + 1, sizeof *link->order);
    if (!link->first || !link->stages || !link->settled || !link->order)
        return false;
    for (size_t r = 0; r < count; r++) {
        link->first[r] = (uint32_t)references;
        for (size_t i = 0; rules[r].enabled && i < rules[r].node_count; i++)
            references += is_reference(&rules[r], i);
    }
    link->first[count] = (uint32_t)references;
    link->targets = calloc(references + 1, sizeof *link->targets);
    return link->targets != NULL;
}

static bool ordering_init(struct ordering *o, struct rule_link *link, const struct rule *rules,
                          size_t count)
{
    size_t references = link->first[count];

    *o = (struct ordering){.link = link, .rules = rules, .count = count};
    o->waits = calloc(count + 1, sizeof *o->waits);
    o->user_first = calloc(count + 2, sizeof *o->user_first);
    o->users = calloc(references + 1, sizeof *o->users);
    o->queue = calloc(count + 1, sizeof *o->queue);
    if (!o->waits || !o->user_first || !o->users || !o->queue)
        return false;
    /* Counted one place on, so that filling the lists moves each beginning to where it belongs. */
    for (size_t i = 0; i < references; i++)
        o->user_first[link->targets[i] + 2]++;
    for (size_t r = 1; r <= count; r++)
        o->user_first[r + 1] += o->user_first[r];
    for (size_t r = 0; r < count; r++) {
        o->waits[r] = link->first[r + 1] - link->first[r];
        for (uint32_t i = link->first[r]; i < link->first[r + 1]; i++)
            o->users[o->user_first[link->targets[i] + 1]++] = (uint32_t)r;
    }
    return true;
}

static void ordering_fini(struct ordering *o)
{
    free(o->waits);
    free(o->user_first);
    free(o->users);
    free(o->queue);
}

/* Rules that wait for nothing first, then those that waited for them only. */
static void order_rules(struct ordering *o)
{
    size_t end = 0;

    for (size_t r = 0; r < o->count; r++)
        if (o->waits[r] == 0)
            o->queue[end++] = (uint32_t)r;
    for (; o->done < end; o->done++) {
        uint32_t r = o->queue[o->done];

        for (uint32_t i = o->user_first[r]; i < o->user_first[r + 1]; i++)
            if (--o->waits[o->users[i]] == 0)
                o->queue[end++] = o->users[i];
    }
}

/* Of the rules that found no place, those that another one such refers to, and so on, are the
 * circles. */
static enum rule_status name_circles(struct ordering *o, struct writer *errors)
{
    bool changed = o->done < o->count;

    while (changed) {
        changed = false;
        for (size_t r = 0; r < o->count; r++) {
            uint32_t used = 0;

            for (uint32_t i = o->user_first[r]; i < o->user_first[r + 1]; i++)
                used += o->waits[o->users[i]] != 0;
            if (o->waits[r] && !used) {
                o->waits[r] = 0;
                changed = true;
            }
        }
    }
    for (size_t r = 0; r < o->count; r++) {
        if (!o->waits[r])
            continue;
        rule_error_begin(errors, &o->rules[r].source, o->rules[r].id);
        writer_text(errors, "its logic leads back to itself\n");
    }
    return o->done == o->count ? RULE_OK : RULE_REFUSED;
}

static uint8_t later(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

/* When a rule with logic acts: a stack of what is known when, as the nodes are worked through. */
static void stage_of_nodes(struct rule_link *link, const struct rule *rule, size_t r)
{
    uint8_t hit[RULE_NODES_MAX + 1], settled[RULE_NODES_MAX + 1];
    uint32_t reference = link->first[r];
    size_t depth = 0;

    for (size_t i = 0; i < rule->node_count; i++) {
        const struct rule_node *n = &rule->nodes[i];

        if (n->op == RULE_OP_PATTERN) {
            hit[depth] = (uint8_t)rule_pattern_stage(&rule->patterns[n->count], false);
            settled[depth++] = (uint8_t)rule_pattern_stage(&rule->patterns[n->count], true);
        } else if (n->op == RULE_OP_RULE) {
            uint32_t target = link->targets[reference++];

            hit[depth] = link->stages[target];
            settled[depth++] = link->settled[target];
        } else if (n->op == RULE_OP_NOT) {
            hit[depth - 1] = settled[depth - 1];
        } else {
            for (uint16_t k = 1; k < n->count; k++) {
                depth--;
                hit[depth - 1] = later(hit[depth - 1], hit[depth]);
                settled[depth - 1] = later(settled[depth - 1], settled[depth]);
            }
        }
    }
    link->stages[r] = hit[0];
    link->settled[r] = settled[0];
}

static void stage_rules(struct ordering *o)
{
    struct rule_link *link = o->link;

    for (size_t k = 0; k < o->count; k++) {
        uint32_t r = o->queue[k];
        const struct rule *rule = &o->rules[r];

        if (!rule->enabled)
            continue;
        if (rule->logic == RULE_WHEN) {
            stage_of_nodes(link, rule, r);
            link->order[link->order_count++] = r;
            continue;
        }
        for (size_t i = 0; i < rule->pattern_count; i++) {
            link->stages[r] =
                later(link->stages[r], (uint8_t)rule_pattern_stage(&rule->patterns[i], false));
            link->settled[r] =
                later(link->settled[r], (uint8_t)rule_pattern_stage(&rule->patterns[i], true));
        }
    }
}

enum rule_status rule_link_init(struct rule_link *link, const struct rule *rules, size_t count,
                                struct writer *errors)
{
    struct ordering o = {0};
    enum rule_status status = RULE_BROKEN;

    memset(link, 0, sizeof *link);
    if (link_allocate(link, rules, count))
        status = resolve(link, rules, count, errors);
    if (status == RULE_OK && !ordering_init(&o, link, rules, count))
        status = RULE_BROKEN;
    if (status == RULE_OK) {
        order_rules(&o);
        status = name_circles(&o, errors);
    }
    if (status == RULE_OK)
        stage_rules(&o);
    ordering_fini(&o);
    return status;
}

void rule_link_fini(struct rule_link *link)
{
    free(link->targets);
    free(link->first);
    free(link->stages);
    free(link->settled);
    free(link->order);
    memset(link, 0, sizeof *link);
}
