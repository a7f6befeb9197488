/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "rules/rule_set_inside.h"

static size_t text_of(const struct rule *rule)
{
    size_t text = rule->id.len + rule->description.len + rule->text.len + rule->tag.subject.len;

    for (size_t i = 0; i < rule->tag.field_count; i++)
        text += rule->tag.fields[i].len;
    return text;
}

static size_t patterns_of(const struct rule *rules, size_t count)
{
    size_t patterns = 0;

    for (size_t i = 0; i < count; i++)
        patterns += rules[i].enabled ? rules[i].pattern_count : 0;
    return patterns;
}

static bool set_allocate(struct rule_set *set, const struct rule_plan *plan,
                         const struct rule *rules, size_t count)
{
    size_t text = 1;

    for (size_t i = 0; i < count; i++)
        text += text_of(&rules[i]);
    for (size_t g = 0; g < plan->group_count; g++)
        text += plan->groups[g].header.len;
    set->rules = calloc(count + 1, sizeof *set->rules);
    set->slots = calloc(count + 1, sizeof *set->slots);
    set->pattern_rule = calloc(patterns_of(rules, count) + 1, sizeof *set->pattern_rule);
    set->pattern_scope = calloc(patterns_of(rules, count) + 1, 1);
    set->groups = calloc(plan->group_count + 1, sizeof *set->groups);
    set->text = malloc(text);
    return set->rules && set->slots && set->pattern_rule && set->pattern_scope && set->groups &&
           set->text;
}

static struct span copy(uint8_t **at, struct span s)
{
    struct span kept = span_of(*at, s.len);

    if (s.len)
        memcpy(*at, s.data, s.len);
    *at += s.len;
    return kept;
}

static void set_rule(struct rule *to, const struct rule *from, uint8_t **text)
{
    *to = *from;
    to->id = copy(text, from->id);
    to->description = copy(text, from->description);
    to->text = copy(text, from->text);
    to->tag.subject = copy(text, from->tag.subject);
    for (size_t i = 0; i < from->tag.field_count; i++)
        to->tag.fields[i] = copy(text, from->tag.fields[i]);
    to->source.file = span_of(NULL, 0);
    to->patterns = NULL;
    to->nodes = NULL;
    to->domains = to->tenants = NULL;
    to->pattern_count = to->node_count = to->domain_count = to->tenant_count = 0;
}

static void set_rules(struct rule_set *set, const struct rule_set_source *source, uint8_t **text)
{
    uint32_t first = 0;

    set->count = source->count;
    for (size_t i = 0; i < source->count; i++) {
        const struct rule *rule = &source->rules[i];

        set_rule(&set->rules[i], rule, text);
        set->tags_subject |= rule->enabled && !rule->shadow && rule->tag.subject.len;
        set->slots[i] = (struct rule_set_slot){
            .first = first,
            .count = rule->enabled ? rule->pattern_count : 0,
            .logic = rule->logic,
            .stage = source->link->stages[i],
        };
        for (size_t k = 0; k < set->slots[i].count; k++, first++) {
            set->pattern_rule[first] = (uint32_t)i;
            set->pattern_scope[first] =
                rule->patterns[k].kind == RULE_TEXT ? rule->patterns[k].scope : RULE_SCOPES;
        }
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

/* Takes the plan's description. NULL: out of memory. */
static struct rule_set *set_new(struct rule_set_source *source)
{
    struct rule_set *set = calloc(1, sizeof *set);
    uint8_t *text;

    if (!set)
        return NULL;
    if (!set_allocate(set, source->plan, source->rules, source->count)) {
        rule_set_free(set);
        return NULL;
    }
    text = set->text;
    set_rules(set, source, &text);
    set_groups(set, source->plan, &text);
    set->description = source->plan->description;
    source->plan->description = span_of(NULL, 0);
    if (rule_set_conditions(set, source))
        return set;
    rule_set_free(set);
    return NULL;
}

bool rule_set_measure(struct rule_set_group *group)
{
    bool streams = hs_stream_size(group->database, &group->stream_size) == HS_SUCCESS;

    if (!streams)
        group->stream_size = 0;
    return hs_database_size(group->database, &group->database_size) == HS_SUCCESS &&
           streams == rule_scope_streams(group->scope);
}

/* The scratch for all databases. */
static bool make_scratch(struct rule_set *set)
{
    for (size_t g = 0; g < set->group_count; g++)
        if (hs_alloc_scratch(set->groups[g].database, &set->scratch) != HS_SUCCESS)
            return false;
    return true;
}

static enum rule_status make_plan(struct rule_set_source *source)
{
    enum rule_status status;
    bool ok = true;

    for (size_t i = 0; i < source->count; i++)
        ok &= rule_check(&source->rules[i], source->errors);
    if (!ok)
        return RULE_REFUSED;
    status = rule_link_init(source->link, source->rules, source->count, source->errors);
    if (status != RULE_OK)
        return status;
    status = rule_plan_init(source->plan, source->rules, source->count, source->limits->patterns);
    if (status == RULE_REFUSED)
        writer_printf(source->errors,
                      "the rules have %zu patterns, a pattern for every header field counted once "
                      "for each named field; the limit is %zu\n",
                      source->plan->member_count, source->limits->patterns);
    return status;
}

static enum rule_status make(struct rule_set_source *source, rule_set_fill *fill,
                             struct rule_set **set_out)
{
    enum rule_status status = make_plan(source);

    if (status != RULE_OK)
        return status;
    *set_out = set_new(source);
    if (!*set_out)
        return RULE_BROKEN;
    if ((*set_out)->counter_count > RULE_SET_COUNTERS_MAX) {
        writer_printf(source->errors,
                      "the rules count %zu different things with repeats; the limit is %d\n",
                      (*set_out)->counter_count, RULE_SET_COUNTERS_MAX);
        return RULE_REFUSED;
    }
    status = fill(*set_out, source);
    if (status == RULE_OK)
        status = rule_set_check_cost(*set_out, source);
    return status == RULE_OK && !make_scratch(*set_out) ? RULE_BROKEN : status;
}

enum rule_status rule_set_make(struct rule_set_source *source, rule_set_fill *fill,
                               struct rule_set **set_out)
{
    struct rule_plan plan = {0};
    struct rule_link link = {0};
    struct rule_set *set = NULL;
    enum rule_status status;

    source->plan = &plan;
    source->link = &link;
    status = make(source, fill, &set);
    rule_plan_fini(&plan);
    rule_link_fini(&link);
    if (status == RULE_BROKEN)
        writer_text(source->errors, "out of memory, or a CPU without SSSE3\n");
    if (status == RULE_OK)
        *set_out = set;
    else
        rule_set_free(set);
    return status;
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
    free(set->pattern_scope);
    free(set->codes);
    free(set->order);
    free(set->bounds);
    free(set->counters);
    rule_set_whom_free(set);
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

struct rule_set_cost rule_set_cost(const struct rule_set *set, enum rule_scope scope)
{
    struct rule_set_cost cost = {0};

    for (size_t g = 0; g < set->group_count; g++) {
        if (set->groups[g].scope != scope)
            continue;
        cost.stream_bytes += set->groups[g].stream_size;
        cost.database_bytes += set->groups[g].database_size;
    }
    for (size_t i = 0; i < set->pattern_count; i++)
        cost.patterns += set->pattern_scope[i] == scope;
    return cost;
}

size_t rule_set_patterns(const struct rule_set *set, size_t rule, enum rule_scope scope)
{
    const struct rule_set_slot *slot = &set->slots[rule];
    size_t count = 0;

    for (size_t i = slot->first; i < slot->first + slot->count; i++)
        count += set->pattern_scope[i] == scope;
    return count;
}

bool rule_set_tags_subject(const struct rule_set *set)
{
    return set->tags_subject;
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
