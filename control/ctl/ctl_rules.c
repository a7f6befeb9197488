/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_rules.h"

#include <stdlib.h>

#include "control/base/clock.h"
#include "control/rulefile/rule_loader.h"
#include "control/service/policy.h"
#include "rules/rule_match.h"

enum { SAMPLE = 64 * 1024, PIECE = 1024 };

/*
 * Hyperscan scans all patterns of a scope at once, so what one of them costs cannot be measured.
 * What is measured is the scope: cycles of sampled messages while they are scanned, and the time
 * for a sample text now. A rule's part of it is its share of the scope's patterns, and is called
 * apportioned.
 */
struct report {
    json_t *result;
    double cycles[RULE_SCOPES]; /* of a scope, per measured message */
    struct rule_set_cost cost[RULE_SCOPES];
};

/* ---- scopes ---- */

/* Words, numbers, addresses and links, as mail has them: nothing is hit on purpose. */
static void fill_sample(uint8_t *sample)
{
    static const char text[] =
        "Dear colleagues, please find the minutes of Tuesday's meeting (12 March, 14:30) below. "
        "The budget is 1,250.00; questions go to office@example.test or "
        "http://example.test/a?b=1.\r\n";

    for (size_t i = 0; i < SAMPLE; i++)
        sample[i] = (uint8_t)text[i % (sizeof(text) - 1)];
}

static void scan_piece(struct rule_match *m, enum rule_scope scope, struct span piece)
{
    if (rule_scope_streams(scope))
        rule_match_feed(m, scope, piece);
    else if (scope == RULE_SCOPE_HEADER)
        rule_match_header(m, span_text("Subject"), piece);
    else
        rule_match_value(m, scope, piece);
}

/* Nanoseconds for a KiB of the sample; negative: no memory. */
static double measure(const struct rule_set *set, struct rule_pool *pool, enum rule_scope scope,
                      const uint8_t *sample)
{
    void *memory = calloc(1, rule_match_size(set));
    struct rule_match *m = memory ? rule_match_init(memory, set, pool) : NULL;
    uint64_t began = clock_monotonic_ns(), took;

    if (!m)
        return -1;
    for (size_t at = 0; at < SAMPLE; at += PIECE)
        scan_piece(m, scope, span_of(sample + at, PIECE));
    took = clock_monotonic_ns() - began;
    rule_match_fini(m);
    free(memory);
    return (double)took * 1024 / SAMPLE;
}

static struct rule_pool_cost scope_cost(const struct rule_generation *g, enum rule_scope scope)
{
    struct rule_pool_cost sum = {0};

    for (uint32_t w = 0; w < g->workers; w++) {
        struct rule_pool_cost c = rule_pool_cost(g->pools[w], scope);

        sum.cycles += c.cycles;
        sum.bytes += c.bytes;
        sum.messages += c.messages;
    }
    return sum;
}

static json_t *scope_json(struct report *r, const struct rule_generation *g, enum rule_scope scope,
                          double sample_ns)
{
    struct rule_pool_cost measured = scope_cost(g, scope);
    const struct rule_set_cost *cost = &r->cost[scope];

    if (measured.messages)
        r->cycles[scope] = (double)measured.cycles / (double)measured.messages;
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:I, s:I}", "scope", rule_scope_name(scope),
                     "patterns", (json_int_t)cost->patterns, "state_bytes",
                     (json_int_t)cost->stream_bytes, "database_bytes",
                     (json_int_t)cost->database_bytes, "sample_ns_per_kib", sample_ns,
                     "measured_messages", (json_int_t)measured.messages, "measured_bytes",
                     (json_int_t)measured.bytes, "measured_cycles", (json_int_t)measured.cycles);
}

static json_t *scopes_json(struct report *r, const struct rule_generation *g)
{
    json_t *list = json_array();
    uint8_t *sample = malloc(SAMPLE);
    struct rule_pool *pool = rule_pool_new(g->set, 1);

    if (sample)
        fill_sample(sample);
    for (int s = 0; s < RULE_SCOPES && sample && pool; s++) {
        r->cost[s] = rule_set_cost(g->set, (enum rule_scope)s);
        if (r->cost[s].patterns)
            json_array_append_new(list,
                                  scope_json(r, g, (enum rule_scope)s,
                                             measure(g->set, pool, (enum rule_scope)s, sample)));
    }
    rule_pool_free(pool);
    free(sample);
    return list;
}

/* ---- rules ---- */

/* The rule's share of what its scopes cost. */
static void put_costs(json_t *o, const struct report *r, const struct rule_set *set, size_t rule)
{
    json_t *scopes = json_array();
    double cycles = 0, state = 0, database = 0;
    size_t patterns = 0;

    for (int s = 0; s < RULE_SCOPES; s++) {
        size_t own = rule_set_patterns(set, rule, (enum rule_scope)s);
        double share = own ? (double)own / (double)r->cost[s].patterns : 0;

        if (!own)
            continue;
        json_array_append_new(scopes, json_string(rule_scope_name((enum rule_scope)s)));
        patterns += own;
        cycles += share * r->cycles[s];
        state += share * (double)r->cost[s].stream_bytes;
        database += share * (double)r->cost[s].database_bytes;
    }
    json_object_set_new(o, "scopes", scopes);
    json_object_set_new(o, "patterns", json_integer((json_int_t)patterns));
    json_object_set_new(o, "state_bytes_apportioned", json_integer((json_int_t)state));
    json_object_set_new(o, "database_bytes_apportioned", json_integer((json_int_t)database));
    json_object_set_new(o, "cycles_per_message_apportioned", json_integer((json_int_t)cycles));
}

static json_t *rule_json(const struct report *r, const struct rule_look *look, size_t index)
{
    const struct rule_set *set = look->generation->set;
    const struct rule *rule = rule_set_rule(set, index);
    const struct rule_total *total = &look->totals[index];
    json_t *o =
        json_pack("{s:s%, s:s, s:s, s:s, s:f, s:I, s:o}", "id", rule->id.data, rule->id.len,
                  "stage", rule_stage_name(rule_set_stage(set, index)), "action",
                  rule_action_name((enum rule_action)rule->action), "mode",
                  !rule->enabled ? "off"
                  : rule->shadow ? "shadow"
                                 : "on",
                  "score", rule->score / 1000.0, "hits", (json_int_t)total->hits, "last_hit_ms",
                  total->last_ms ? json_integer((json_int_t)total->last_ms) : json_null());

    if (o)
        put_costs(o, r, set, index);
    return o;
}

static void visit(void *context, const struct rule_look *look)
{
    struct report *r = context;
    json_t *rules = json_array(), *scopes = json_array();
    size_t count = look->generation ? rule_set_count(look->generation->set) : 0;

    if (look->generation) {
        json_decref(scopes);
        scopes = scopes_json(r, look->generation);
    }
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rules, rule_json(r, look, i));
    r->result = json_pack("{s:o, s:o}", "rules", rules, "scopes", scopes);
}

static json_t *answer(void *context, const struct ctl_request *request, struct writer *why)
{
    struct report report = {0};

    if (!policy_look_at_rules(context, visit, &report) || !report.result)
        writer_text(why, "out of memory");
    return report.result;
}

struct ctl_subject ctl_rules_subject(struct policy *policy)
{
    return (struct ctl_subject){.context = policy, .answer = answer};
}
