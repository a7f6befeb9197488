/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "rules/rule_set_inside.h"

/* From rules to databases. Control's side: allocates, takes its time. */

/* "file:line: rule 'id': pattern N: ", N counted in the rule from 1. */
static void pattern_error_begin(struct writer *errors, const struct rule_plan_pattern *p,
                                const struct rule *rules)
{
    const struct rule *rule = &rules[p->rule];

    rule_error_begin(errors, &p->pattern->source, rule->id);
    writer_printf(errors, "pattern %zu: ", (size_t)(p->pattern - rule->patterns) + 1);
}

/* Hyperscan's own words. Frees `reason`. */
static void pattern_refused(struct writer *errors, const struct rule_plan_pattern *p,
                            const struct rule *rules, hs_compile_error_t *reason)
{
    pattern_error_begin(errors, p, rules);
    writer_printf(errors, "%s\n", reason ? reason->message : "refused");
    hs_free_compile_error(reason);
}

/* Each pattern by itself, so that one run names all that are wrong. */
static enum rule_status check_expressions(const struct rule_plan *plan, const struct rule *rules,
                                          struct writer *errors)
{
    enum rule_status status = RULE_OK;

    for (size_t i = 0; i < plan->pattern_count; i++) {
        const struct rule_plan_pattern *p = &plan->patterns[i];
        hs_compile_error_t *reason = NULL;
        hs_expr_info_t *info = NULL;

        if (hs_expression_info(p->expression, p->flags, &info, &reason) == HS_SUCCESS &&
            info->min_width > 0) {
            free(info);
            continue;
        }
        status = RULE_REFUSED;
        if (info) {
            free(info);
            pattern_error_begin(errors, p, rules);
            writer_text(errors, "it matches the empty text, so it would always hit\n");
        } else {
            pattern_refused(errors, p, rules, reason);
        }
    }
    return status;
}

/* What the compiler takes for a list of patterns. */
struct compile_input {
    const char **expressions;
    unsigned int *flags;
    unsigned int *ids;
};

static void input_fini(struct compile_input *in)
{
    free(in->expressions);
    free(in->flags);
    free(in->ids);
}

static bool input_init(struct compile_input *in, const struct rule_plan *plan,
                       const struct rule_plan_group *group)
{
    in->expressions = calloc(group->count, sizeof *in->expressions);
    in->flags = calloc(group->count, sizeof *in->flags);
    in->ids = calloc(group->count, sizeof *in->ids);
    if (!in->expressions || !in->flags || !in->ids)
        return false;
    for (size_t i = 0; i < group->count; i++) {
        const struct rule_plan_pattern *p = &plan->patterns[group->members[i]];

        in->expressions[i] = p->expression;
        in->flags[i] = p->flags;
        in->ids[i] = p->bit;
    }
    return true;
}

static unsigned int mode_of(enum rule_scope scope)
{
    return rule_scope_streams(scope) ? HS_MODE_STREAM : HS_MODE_BLOCK;
}

/* No platform is given: Hyperscan looks at the CPU itself and picks among the code paths it was
 * built with. */
static enum rule_status compile_group(struct rule_set_group *to, const struct rule_plan *plan,
                                      const struct rule_plan_group *group, const struct rule *rules,
                                      struct writer *errors)
{
    struct compile_input in = {0};
    hs_compile_error_t *reason = NULL;
    hs_error_t error = HS_NOMEM;

    if (input_init(&in, plan, group))
        error = hs_compile_multi(in.expressions, in.flags, in.ids, (unsigned int)group->count,
                                 mode_of(group->scope), NULL, &to->database, &reason);
    input_fini(&in);
    if (error == HS_SUCCESS)
        return rule_set_measure(to) ? RULE_OK : RULE_BROKEN;
    if (reason && reason->expression >= 0) {
        pattern_refused(errors, &plan->patterns[group->members[reason->expression]], rules, reason);
        return RULE_REFUSED;
    }
    if (!reason)
        return RULE_BROKEN;
    writer_printf(errors, "scope %s: %s\n", rule_scope_name(group->scope), reason->message);
    hs_free_compile_error(reason);
    return RULE_REFUSED;
}

/* What one pattern costs by itself: stream state or database, 0 when it does not compile. */
static size_t cost_alone(const struct rule_plan_pattern *p, enum rule_scope scope, bool stream)
{
    hs_database_t *database = NULL;
    hs_compile_error_t *reason = NULL;
    size_t size = 0;

    if (hs_compile(p->expression, p->flags, mode_of(scope), NULL, &database, &reason) !=
        HS_SUCCESS) {
        hs_free_compile_error(reason);
        return 0;
    }
    if (stream)
        hs_stream_size(database, &size);
    else
        hs_database_size(database, &size);
    hs_free_database(database);
    return size;
}

static enum rule_status too_costly(const struct rule_set *set, const struct rule_set_source *source,
                                   bool stream, size_t total, size_t limit)
{
    const struct rule_plan *plan = source->plan;
    const struct rule_plan_pattern *culprit = NULL;
    size_t worst = 0;
    size_t group = 0;

    for (size_t g = 1; g < set->group_count; g++) {
        const struct rule_set_group *a = &set->groups[g];
        const struct rule_set_group *b = &set->groups[group];

        if (stream ? a->stream_size > b->stream_size : a->database_size > b->database_size)
            group = g;
    }
    for (size_t i = 0; i < plan->groups[group].count; i++) {
        const struct rule_plan_pattern *p = &plan->patterns[plan->groups[group].members[i]];
        size_t cost = cost_alone(p, plan->groups[group].scope, stream);

        if (!culprit || cost > worst) {
            culprit = p;
            worst = cost;
        }
    }
    if (culprit) {
        pattern_error_begin(source->errors, culprit, source->rules);
        writer_printf(source->errors,
                      "too costly: it needs %zu bytes of %s by itself, all rules need %zu, "
                      "the limit is %zu\n",
                      worst, stream ? "stream state" : "database", total, limit);
    }
    return RULE_REFUSED;
}

/* What a pattern by itself takes; 0 when it does not compile. */
static uint64_t time_alone(const struct rule_plan_pattern *p, enum rule_scope scope,
                           rule_clock *now)
{
    hs_database_t *database = NULL;
    hs_compile_error_t *reason = NULL;
    uint64_t ns = 0;

    if (hs_compile(p->expression, p->flags, mode_of(scope), NULL, &database, &reason) !=
        HS_SUCCESS) {
        hs_free_compile_error(reason);
        return 0;
    }
    if (!rule_set_time(database, scope, now, &ns))
        ns = 0;
    hs_free_database(database);
    return ns;
}

/* Many patterns together may take long, one by itself may not. */
static enum rule_status check_each(const struct rule_set_source *source,
                                   const struct rule_plan_group *group, uint64_t total)
{
    const struct rule_plan_pattern *culprit = &source->plan->patterns[group->members[0]];
    const struct rule_limits *limits = source->limits;
    uint64_t worst = 0;

    for (size_t i = 0; i < group->count; i++) {
        const struct rule_plan_pattern *p = &source->plan->patterns[group->members[i]];
        uint64_t ns = time_alone(p, group->scope, limits->now);

        if (ns > worst) {
            culprit = p;
            worst = ns;
        }
    }
    if (worst <= limits->scan_ns)
        return RULE_OK;
    pattern_error_begin(source->errors, culprit, source->rules);
    writer_printf(source->errors,
                  "too slow: it takes %llu ns for a KiB by itself, all patterns of scope %s take "
                  "%llu, the limit is %llu\n",
                  (unsigned long long)worst, rule_scope_name(group->scope),
                  (unsigned long long)total, (unsigned long long)limits->scan_ns);
    return RULE_REFUSED;
}

static enum rule_status check_times(const struct rule_set *set,
                                    const struct rule_set_source *source)
{
    const struct rule_limits *limits = source->limits;
    enum rule_status status = RULE_OK;

    for (size_t g = 0; status == RULE_OK && limits->now && g < set->group_count; g++) {
        uint64_t ns = 0;

        if (!rule_set_time(set->groups[g].database, set->groups[g].scope, limits->now, &ns))
            return RULE_BROKEN;
        if (ns > limits->scan_ns)
            status = check_each(source, &source->plan->groups[g], ns);
    }
    return status;
}

enum rule_status rule_set_check_cost(const struct rule_set *set,
                                     const struct rule_set_source *source)
{
    struct rule_set_info info = rule_set_info(set);
    const struct rule_limits *limits = source->limits;

    if (info.stream_bytes > limits->stream_bytes)
        return too_costly(set, source, true, info.stream_bytes, limits->stream_bytes);
    if (info.database_bytes > limits->database_bytes)
        return too_costly(set, source, false, info.database_bytes, limits->database_bytes);
    return check_times(set, source);
}

static enum rule_status compile_groups(struct rule_set *set, const struct rule_set_source *source)
{
    enum rule_status status = check_expressions(source->plan, source->rules, source->errors);

    for (size_t g = 0; status != RULE_REFUSED && g < set->group_count; g++) {
        enum rule_status now = compile_group(
            &set->groups[g], source->plan, &source->plan->groups[g], source->rules, source->errors);

        if (now != RULE_OK)
            status = now;
    }
    return status;
}

enum rule_status rule_set_compile(const struct rule *rules, size_t count,
                                  const struct rule_limits *limits, struct writer *errors,
                                  struct rule_set **set_out)
{
    struct rule_set_source source = {
        .rules = rules, .count = count, .limits = limits, .errors = errors};

    return rule_set_make(&source, compile_groups, set_out);
}
