/* SPDX-License-Identifier: BSD-3-Clause */
#include <hs.h>
#include <stdlib.h>

#include "rules/rule_plan.h"

int rule_plan_compare(struct span a, struct span b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.data, b.data, a.len) : 0;
}

/* A literal becomes an expression: letters and digits stand for themselves, every other byte is
 * \xHH. */
static char *literal_put(char *at, struct span text)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if ((uint8_t)(ascii_lower(c) - 'a') < 26 || (uint8_t)(c - '0') < 10) {
            *at++ = (char)c;
        } else {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    return at;
}

static char *expression_put(char *at, const struct rule_pattern *p)
{
    if (p->literal) {
        at = literal_put(at, p->text);
    } else {
        memcpy(at, p->text.data, p->text.len);
        at += p->text.len;
    }
    *at++ = '\0';
    return at;
}

static char *lower_put(char *at, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        *at++ = (char)ascii_lower(s.data[i]);
    return at;
}

/* SINGLEMATCH: a pattern matters once, and a hostile body cannot flood us with matches. */
static unsigned int flags_of(const struct rule_pattern *p)
{
    return HS_FLAG_SINGLEMATCH | (p->flags & RULE_CASELESS ? HS_FLAG_CASELESS : 0) |
           (p->flags & RULE_DOTALL ? HS_FLAG_DOTALL : 0) |
           (p->flags & RULE_MULTILINE ? HS_FLAG_MULTILINE : 0);
}

static size_t pattern_room(const struct rule_pattern *p)
{
    return p->text.len * (p->literal ? 4 : 1) + 1 + p->header.len;
}

static bool is_planned(const struct rule *rule, size_t pattern)
{
    return rule->enabled && rule->patterns[pattern].kind == RULE_TEXT;
}

static bool plan_allocate(struct rule_plan *plan, const struct rule *rules, size_t count)
{
    size_t text = 0;

    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < rules[r].pattern_count; i++)
            if (is_planned(&rules[r], i)) {
                text += pattern_room(&rules[r].patterns[i]);
                plan->pattern_count++;
            }
    plan->patterns = calloc(plan->pattern_count + 1, sizeof *plan->patterns);
    plan->groups = calloc(plan->pattern_count + 1, sizeof *plan->groups);
    plan->text = malloc(text + 1);
    return plan->patterns && plan->groups && plan->text;
}

static void plan_pattern(struct rule_plan_pattern *to, const struct rule_pattern *p, char **at)
{
    to->pattern = p;
    to->flags = flags_of(p);
    to->header = span_of(*at, p->header.len);
    *at = lower_put(*at, p->header);
    to->expression = *at;
    *at = expression_put(*at, p);
}

static void plan_patterns(struct rule_plan *plan, const struct rule *rules, size_t count)
{
    struct rule_plan_pattern *to = plan->patterns;
    char *at = plan->text;
    uint32_t bit = 0;

    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; rules[r].enabled && i < rules[r].pattern_count; i++, bit++) {
            if (!is_planned(&rules[r], i))
                continue;
            to->rule = (uint32_t)r;
            to->bit = bit;
            plan_pattern(to++, &rules[r].patterns[i], &at);
        }
}

static int group_compare(const void *left, const void *right)
{
    const struct rule_plan_group *a = left;
    const struct rule_plan_group *b = right;

    if (a->scope != b->scope)
        return a->scope < b->scope ? -1 : 1;
    return rule_plan_compare(a->header, b->header);
}

/* One group for each scope and header name that occurs, sorted. */
static void plan_groups(struct rule_plan *plan)
{
    size_t kept = 0;

    for (size_t i = 0; i < plan->pattern_count; i++) {
        plan->groups[i].scope = (enum rule_scope)plan->patterns[i].pattern->scope;
        plan->groups[i].header = plan->patterns[i].header;
    }
    qsort(plan->groups, plan->pattern_count, sizeof *plan->groups, group_compare);
    for (size_t i = 0; i < plan->pattern_count; i++)
        if (kept == 0 || group_compare(&plan->groups[kept - 1], &plan->groups[i]) != 0)
            plan->groups[kept++] = plan->groups[i];
    plan->group_count = kept;
}

static bool group_has(const struct rule_plan_group *group, const struct rule_plan_pattern *p)
{
    return group->scope == (enum rule_scope)p->pattern->scope &&
           (p->header.len == 0 || span_equal(p->header, group->header));
}

/* The index of the group whose own pattern this is. */
static size_t group_of(const struct rule_plan *plan, const struct rule_plan_pattern *p)
{
    struct rule_plan_group wanted = {
        .scope = (enum rule_scope)p->pattern->scope,
        .header = p->header,
    };
    const struct rule_plan_group *found =
        bsearch(&wanted, plan->groups, plan->group_count, sizeof wanted, group_compare);

    return (size_t)(found - plan->groups);
}

static void group_count_members(struct rule_plan *plan)
{
    size_t every = 0;

    for (size_t i = 0; i < plan->pattern_count; i++) {
        const struct rule_plan_pattern *p = &plan->patterns[i];

        plan->groups[group_of(plan, p)].count++;
        every += p->pattern->scope == RULE_SCOPE_HEADER && p->header.len == 0;
    }
    for (size_t g = 0; g < plan->group_count; g++) {
        if (plan->groups[g].scope == RULE_SCOPE_HEADER && plan->groups[g].header.len > 0)
            plan->groups[g].count += every;
        plan->member_count += plan->groups[g].count;
    }
}

/* Fills every group's list; both loops run over at most `most` members. */
static void plan_members(struct rule_plan *plan)
{
    uint32_t *at = plan->order;

    for (size_t g = 0; g < plan->group_count; g++) {
        plan->groups[g].members = at;
        at += plan->groups[g].count;
        plan->groups[g].count = 0;
    }
    for (size_t i = 0; i < plan->pattern_count; i++) {
        const struct rule_plan_pattern *p = &plan->patterns[i];
        size_t g = group_of(plan, p);

        /* A pattern for every field belongs to its own group and to all named ones, which follow
         * it. */
        for (; g < plan->group_count && group_has(&plan->groups[g], p); g++) {
            struct rule_plan_group *group = &plan->groups[g];

            plan->order[(size_t)(group->members - plan->order) + group->count++] = (uint32_t)i;
        }
    }
}

static bool plan_describe(struct rule_plan *plan)
{
    const char *library = hs_version();
    hs_platform_info_t cpu;
    size_t room = 64 + strlen(library);
    struct writer w;
    uint8_t *memory;

    if (hs_populate_platform(&cpu) != HS_SUCCESS)
        return false;
    for (size_t i = 0; i < plan->pattern_count; i++)
        room += 20 + strlen(plan->patterns[i].expression) + plan->patterns[i].header.len;
    memory = malloc(room);
    if (!memory)
        return false;
    w = writer_of(memory, room);
    writer_text(&w, "wirepost rule set 2\n");
    writer_blob(&w, span_text(library));
    writer_uint(&w, cpu.tune, 4);
    writer_uint(&w, cpu.cpu_features, 8);
    for (size_t i = 0; i < plan->pattern_count; i++) {
        const struct rule_plan_pattern *p = &plan->patterns[i];

        writer_uint(&w, p->bit, 4);
        writer_uint(&w, p->pattern->scope, 1);
        writer_uint(&w, p->flags, 4);
        writer_blob(&w, p->header);
        writer_blob(&w, span_text(p->expression));
    }
    plan->description = writer_span(&w);
    return true;
}

enum rule_status rule_plan_init(struct rule_plan *plan, const struct rule *rules, size_t count,
                                size_t most)
{
    memset(plan, 0, sizeof *plan);
    if (!plan_allocate(plan, rules, count))
        return RULE_BROKEN;
    plan_patterns(plan, rules, count);
    plan_groups(plan);
    group_count_members(plan);
    if (plan->member_count > most)
        return RULE_REFUSED;
    plan->order = calloc(plan->member_count + 1, sizeof *plan->order);
    if (!plan->order)
        return RULE_BROKEN;
    plan_members(plan);
    return plan_describe(plan) ? RULE_OK : RULE_BROKEN;
}

void rule_plan_fini(struct rule_plan *plan)
{
    free(plan->patterns);
    free(plan->groups);
    free(plan->order);
    free(plan->text);
    free((void *)plan->description.data);
    memset(plan, 0, sizeof *plan);
}
