/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "rules/rule_set_inside.h"

static bool set_allocate(struct rule_set *set, const struct rule_plan *plan,
                         const struct rule *rules, size_t count)
{
    size_t text = 1;

    for (size_t i = 0; i < count; i++)
        text += rules[i].id.len + rules[i].description.len + rules[i].text.len;
    for (size_t g = 0; g < plan->group_count; g++)
        text += plan->groups[g].header.len;
    set->rules = calloc(count + 1, sizeof *set->rules);
    set->slots = calloc(count + 1, sizeof *set->slots);
    set->pattern_rule = calloc(plan->pattern_count + 1, sizeof *set->pattern_rule);
    set->groups = calloc(plan->group_count + 1, sizeof *set->groups);
    set->text = malloc(text);
    return set->rules && set->slots && set->pattern_rule && set->groups && set->text;
}

static struct span copy(uint8_t **at, struct span s)
{
    struct span kept = span_of(*at, s.len);

    if (s.len)
        memcpy(*at, s.data, s.len);
    *at += s.len;
    return kept;
}

static void set_rules(struct rule_set *set, const struct rule *rules, size_t count, uint8_t **text)
{
    uint32_t first = 0;

    set->count = count;
    for (size_t i = 0; i < count; i++) {
        struct rule *to = &set->rules[i];

        *to = rules[i];
        to->id = copy(text, rules[i].id);
        to->description = copy(text, rules[i].description);
        to->text = copy(text, rules[i].text);
        to->source.file = span_of(NULL, 0);
        to->patterns = NULL;
        to->pattern_count = 0;
        set->slots[i] = (struct rule_set_slot){
            .first = first,
            .count = rules[i].enabled ? rules[i].pattern_count : 0,
            .logic = rules[i].logic,
            .stage = (uint8_t)rule_stage_of(&rules[i]),
        };
        for (size_t k = 0; k < set->slots[i].count; k++)
            set->pattern_rule[first++] = (uint32_t)i;
    }
    set->pattern_count = first;
}

static void set_groups(struct rule_set *set, const struct rule_plan *plan, uint8_t **text)
{
    set->group_count = plan->group_count;
    for (size_t g = 0; g < plan->group_count; g++) {
        struct rule_set_group *to = &set->groups[g];

        to->scope = plan->groups[g].scope;
        to->header = copy(text, plan->groups[g].header);
        if (to->header.len == 0) {
            set->scopes[to->scope] = to;
        } else {
            if (set->header_count++ == 0)
                set->headers = to;
        }
    }
}

struct rule_set *rule_set_new(struct rule_plan *plan, const struct rule *rules, size_t count)
{
    struct rule_set *set = calloc(1, sizeof *set);
    uint8_t *text;

    if (!set)
        return NULL;
    if (!set_allocate(set, plan, rules, count)) {
        rule_set_free(set);
        return NULL;
    }
    text = set->text;
    set_rules(set, rules, count, &text);
    set_groups(set, plan, &text);
    set->description = plan->description;
    plan->description = span_of(NULL, 0);
    return set;
}

bool rule_set_measure(struct rule_set_group *group)
{
    bool streams = hs_stream_size(group->database, &group->stream_size) == HS_SUCCESS;

    if (!streams)
        group->stream_size = 0;
    return hs_database_size(group->database, &group->database_size) == HS_SUCCESS &&
           streams == rule_scope_streams(group->scope);
}

bool rule_set_finish(struct rule_set *set)
{
    for (size_t g = 0; g < set->group_count; g++)
        if (hs_alloc_scratch(set->groups[g].database, &set->scratch) != HS_SUCCESS)
            return false;
    return true;
}

void rule_set_free(struct rule_set *set)
{
    if (!set)
        return;
    for (size_t g = 0; g < set->group_count; g++)
        hs_free_database(set->groups[g].database);
    hs_free_scratch(set->scratch);
    free(set->rules);
    free(set->slots);
    free(set->pattern_rule);
    free(set->groups);
    free(set->text);
    free((void *)set->description.data);
    free(set);
}

size_t rule_set_count(const struct rule_set *set)
{
    return set->count;
}

const struct rule *rule_set_rule(const struct rule_set *set, size_t index)
{
    return &set->rules[index];
}

enum rule_stage rule_set_stage(const struct rule_set *set, size_t index)
{
    return (enum rule_stage)set->slots[index].stage;
}

bool rule_set_uses(const struct rule_set *set, enum rule_scope scope)
{
    return set->scopes[scope] || (scope == RULE_SCOPE_HEADER && set->header_count > 0);
}

struct rule_set_info rule_set_info(const struct rule_set *set)
{
    struct rule_set_info info = {
        .rules = set->count,
        .patterns = set->pattern_count,
        .databases = set->group_count,
    };

    for (size_t g = 0; g < set->group_count; g++) {
        info.database_bytes += set->groups[g].database_size;
        info.stream_bytes += set->groups[g].stream_size;
    }
    if (set->scratch)
        hs_scratch_size(set->scratch, &info.scratch_bytes);
    return info;
}
