/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/rule_match.h"
#include "rules/rule_pool_inside.h"

struct rule_match {
    const struct rule_set *set;
    struct rule_pool *pool;
    uint16_t taken[RULE_LANES]; /* a bit for each scope whose stream was taken from the pool */
    uint16_t begun[RULE_LANES]; /* likewise: the stream holds bytes of a part */
    uint8_t lanes;              /* whose bits are in use: those below */
    uint8_t lane;               /* that is fed and closed */
    bool settled;               /* rules with logic are decided up to `stage` by what has hit */
    uint8_t stage;
    size_t pattern_words;
    size_t rule_words;
    hs_stream_t *streams[RULE_LANES][RULE_SCOPES]; /* those that `taken` has */
    uint64_t words[]; /* patterns hit, rules hit, and the same as they were at the mark */
};
_Static_assert(RULE_SCOPES <= 16, "a bit each");

static size_t words_of(size_t bits)
{
    return (bits + 63) / 64;
}

static bool bit_get(const uint64_t *words, size_t bit)
{
    return words[bit / 64] >> (bit % 64) & 1;
}

static void bit_set(uint64_t *words, size_t bit)
{
    words[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static uint64_t *rules_of(struct rule_match *m)
{
    return m->words + m->pattern_words;
}

size_t rule_match_size(const struct rule_set *set)
{
    return sizeof(struct rule_match) +
           2 * sizeof(uint64_t) * (words_of(set->pattern_count) + words_of(set->count));
}

struct rule_match *rule_match_init(void *memory, const struct rule_set *set, struct rule_pool *pool)
{
    struct rule_match *m = memory;

    memset(m, 0, offsetof(struct rule_match, streams));
    memset(m->words, 0,
           2 * sizeof(uint64_t) * (words_of(set->pattern_count) + words_of(set->count)));
    m->set = set;
    m->pool = pool;
    m->pattern_words = words_of(set->pattern_count);
    m->rule_words = words_of(set->count);
    return m;
}

static bool lane_has(const uint16_t *lanes, unsigned lane, enum rule_scope scope)
{
    return lanes[lane] >> scope & 1;
}

static void lane_set(uint16_t *lanes, unsigned lane, enum rule_scope scope, bool on)
{
    lanes[lane] = (uint16_t)((lanes[lane] & ~(1u << scope)) | (unsigned)on << scope);
}

/* The stream of a scope in a lane; NULL: the pool has none left. */
static hs_stream_t *stream_of(struct rule_match *m, unsigned lane, enum rule_scope scope)
{
    hs_stream_t **stream = &m->streams[lane][scope];

    if (lane_has(m->taken, lane, scope))
        return *stream;
    *stream = rule_pool_take(m->pool, scope);
    lane_set(m->taken, lane, scope, *stream);
    if (lane >= m->lanes)
        m->lanes = (uint8_t)(lane + 1);
    return *stream;
}

static void fini_lane(struct rule_match *m, unsigned lane)
{
    for (unsigned left = m->taken[lane]; left; left &= left - 1) {
        enum rule_scope s = (enum rule_scope)__builtin_ctz(left);

        /* Without a callback nothing is reported of a part that was cut off. Fails on wrong
         * arguments only. */
        if (lane_has(m->begun, lane, s))
            hs_reset_stream(m->streams[lane][s], 0, NULL, NULL, NULL);
        rule_pool_give(m->pool, s, m->streams[lane][s]);
    }
    m->taken[lane] = m->begun[lane] = 0;
}

void rule_match_fini(struct rule_match *m)
{
    for (unsigned lane = 0; lane < m->lanes; lane++)
        fini_lane(m, lane);
}

void rule_match_lane(struct rule_match *m, unsigned lane)
{
    m->lane = (uint8_t)lane;
}

enum rule_status rule_match_copy_lane(struct rule_match *m, unsigned from, unsigned to)
{
    hs_error_t error = HS_SUCCESS;

    for (size_t s = 0; s < RULE_SCOPES && error == HS_SUCCESS; s++) {
        enum rule_scope scope = (enum rule_scope)s;
        hs_stream_t *stream;

        /* What the other stream held was reported when it was fed. */
        if (!lane_has(m->begun, from, scope)) {
            if (lane_has(m->begun, to, scope))
                error = hs_reset_stream(m->streams[to][s], 0, NULL, NULL, NULL);
            lane_set(m->begun, to, scope, false);
            continue;
        }
        stream = stream_of(m, to, scope);
        if (!stream)
            return RULE_FULL;
        lane_set(m->begun, to, scope, true);
        error = hs_reset_and_copy_stream(stream, m->streams[from][s], NULL, NULL, NULL);
    }
    return error == HS_SUCCESS ? RULE_OK : RULE_BROKEN;
}

/* The order of calls may depend on how input was split; bits do not. */
static void pattern_hit(struct rule_match *m, uint32_t pattern)
{
    uint32_t rule = m->set->pattern_rule[pattern];
    const struct rule_set_slot *slot = &m->set->slots[rule];

    if (bit_get(m->words, pattern))
        return;
    bit_set(m->words, pattern);
    m->settled = false;
    if (slot->logic == RULE_WHEN)
        return;
    if (slot->logic == RULE_ALL)
        for (size_t i = slot->first; i < slot->first + slot->count; i++)
            if (!bit_get(m->words, i))
                return;
    bit_set(rules_of(m), rule);
}

/* Hyperscan found pattern `id`. */
static int on_match(unsigned int id, unsigned long long from, unsigned long long to,
                    unsigned int flags, void *context)
{
    pattern_hit(context, id);
    return 0;
}

static enum rule_status status_of(hs_error_t error)
{
    return error == HS_SUCCESS ? RULE_OK : RULE_BROKEN;
}

static struct rule_scan scan_of(struct rule_match *m)
{
    struct rule_scan scan = rule_pool_scan(m->pool);

    scan.on_match = on_match;
    scan.context = m;
    return scan;
}

/* No pattern matches the empty text, so nothing need be scanned then. */
static enum rule_status scan_value(struct rule_match *m, const struct rule_set_group *group,
                                   struct span value)
{
    struct rule_scan scan = scan_of(m);

    if (!group || value.len == 0)
        return RULE_OK;
    if (value.len > RULE_VALUE_MAX)
        return RULE_LONG;
    return status_of(rule_scan_value(&scan, group->database, value));
}

enum rule_status rule_match_value(struct rule_match *m, enum rule_scope scope, struct span value)
{
    return rule_scope_streams(scope) ? RULE_BROKEN : scan_value(m, m->set->scopes[scope], value);
}

/* The group of a field's name, or of every field when no rule asks for that name. */
static const struct rule_set_group *header_group(const struct rule_set *set, struct span name)
{
    uint8_t lower[RULE_HEADER_MAX];
    size_t low = 0;
    size_t high = set->header_count;

    if (name.len > sizeof lower)
        return set->scopes[RULE_SCOPE_HEADER];
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.data[i]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = rule_plan_compare(span_of(lower, name.len), set->headers[middle].header);

        if (order == 0)
            return &set->headers[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return set->scopes[RULE_SCOPE_HEADER];
}

enum rule_status rule_match_header(struct rule_match *m, struct span name, struct span value)
{
    return scan_value(m, header_group(m->set, name), value);
}

enum rule_status rule_match_feed(struct rule_match *m, enum rule_scope scope, struct span bytes)
{
    struct rule_scan scan;
    hs_stream_t *stream;

    if (!rule_scope_streams(scope))
        return RULE_BROKEN;
    if (!m->set->scopes[scope] || bytes.len == 0)
        return RULE_OK;
    if (bytes.len > UINT32_MAX)
        return RULE_BROKEN;
    stream = stream_of(m, m->lane, scope);
    if (!stream)
        return RULE_FULL;
    lane_set(m->begun, m->lane, scope, true);
    scan = scan_of(m);
    return status_of(rule_scan_stream(&scan, stream, bytes));
}

enum rule_status rule_match_close(struct rule_match *m, enum rule_scope scope)
{
    if (!lane_has(m->begun, m->lane, scope))
        return RULE_OK;
    lane_set(m->begun, m->lane, scope, false);
    return status_of(hs_reset_stream(m->streams[m->lane][scope], 0, rule_pool_scan(m->pool).scratch,
                                     on_match, m));
}

void rule_match_number(struct rule_match *m, enum rule_number number, uint64_t value)
{
    const struct rule_set *set = m->set;

    for (uint32_t i = number ? set->bound_end[number - 1] : 0; i < set->bound_end[number]; i++)
        if (value >= set->bounds[i].least && value <= set->bounds[i].most)
            pattern_hit(m, set->bounds[i].bit);
}

void rule_match_counted(struct rule_match *m, size_t index, uint64_t count)
{
    const struct rule_set *set = m->set;

    for (uint32_t i = set->bound_end[RULE_NUMBERS - 1]; i < set->bound_end[RULE_NUMBERS]; i++)
        if (set->bounds[i].counter == index && count >= set->bounds[i].least &&
            count <= set->bounds[i].most)
            pattern_hit(m, set->bounds[i].bit);
}

void rule_match_mark(struct rule_match *m)
{
    size_t words = m->pattern_words + m->rule_words;

    memcpy(m->words + words, m->words, words * sizeof *m->words);
}

void rule_match_rewind(struct rule_match *m)
{
    size_t words = m->pattern_words + m->rule_words;

    memcpy(m->words, m->words + words, words * sizeof *m->words);
    m->settled = false;
}

size_t rule_match_rules(const struct rule_match *m)
{
    return m->set->count;
}

size_t rule_match_next(const struct rule_match *m, size_t from)
{
    for (size_t w = from / 64; w < m->rule_words; w++) {
        uint64_t word = m->words[m->pattern_words + w];

        if (w == from / 64)
            word &= ~(uint64_t)0 << (from % 64);
        if (word)
            return w * 64 + (size_t)__builtin_ctzll(word);
    }
    return m->set->count;
}

size_t rule_match_hits(const struct rule_match *m, uint32_t *hits_out, size_t cap)
{
    size_t count = 0;

    for (size_t r = rule_match_next(m, 0); r < m->set->count; r = rule_match_next(m, r + 1)) {
        if (count < cap)
            hits_out[count] = (uint32_t)r;
        count++;
    }
    return count;
}

static void judge_score(const struct rule_policy *policy, struct rule_verdict *v)
{
    enum rule_action action = RULE_ACTION_NONE;

    if (policy->reject_at != RULE_SCORE_NEVER && v->score >= policy->reject_at)
        action = RULE_ACTION_REJECT;
    else if (policy->quarantine_at != RULE_SCORE_NEVER && v->score >= policy->quarantine_at)
        action = RULE_ACTION_QUARANTINE;
    if (action <= v->action)
        return;
    v->action = action;
    v->rule = RULE_NONE;
    v->by_score = true;
    v->text = action == RULE_ACTION_REJECT ? policy->reject_text : span_of(NULL, 0);
}

/* Works a rule's program through. rule_check() saw that it leaves one value. */
static bool decide(const struct rule_match *m, const struct rule_set_slot *slot)
{
    bool stack[RULE_NODES_MAX + 1];
    size_t depth = 0;

    for (size_t i = 0; i < slot->code_count; i++) {
        uint32_t code = m->set->codes[slot->code_first + i];
        uint32_t argument = code & (((uint32_t)1 << RULE_CODE_SHIFT) - 1);

        switch ((enum rule_op)(code >> RULE_CODE_SHIFT)) {
        case RULE_OP_PATTERN:
            stack[depth++] = bit_get(m->words, argument);
            break;
        case RULE_OP_RULE:
            stack[depth++] = bit_get(m->words + m->pattern_words, argument);
            break;
        case RULE_OP_NOT:
            stack[depth - 1] = !stack[depth - 1];
            break;
        case RULE_OP_ALL:
            for (; argument > 1; argument--, depth--)
                stack[depth - 2] &= stack[depth - 1];
            break;
        case RULE_OP_ANY:
            for (; argument > 1; argument--, depth--)
                stack[depth - 2] |= stack[depth - 1];
            break;
        }
    }
    return stack[0];
}

/* Decides the rules with logic that act by `stage`. A rule that acted once stays as it is: its
 * inputs do. */
static void settle(struct rule_match *m, enum rule_stage stage)
{
    if (m->settled && m->stage >= stage)
        return;
    for (size_t k = 0; k < m->set->order_count; k++) {
        uint32_t r = m->set->order[k];

        if (m->set->slots[r].stage <= stage && decide(m, &m->set->slots[r]))
            bit_set(rules_of(m), r);
    }
    m->settled = true;
    m->stage = (uint8_t)stage;
}

/* True when the rule is for who has this id. */
static bool is_for(const struct rule_set_whom *whom, const struct rule_set_names *names,
                   uint32_t id)
{
    const uint32_t *ids = names->ids + whom->first;
    size_t low = 0, high = whom->count;

    if (whom->count == 0)
        return true;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (ids[middle] == id)
            return !whom->except;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return whom->except;
}

bool rule_match_applies(const struct rule_match *m, size_t rule, const struct rule_policy *policy)
{
    const struct rule_set *set = m->set;
    const struct rule_set_slot *slot = &set->slots[rule];

    if (!policy)
        return slot->domains.count == 0 && slot->tenants.count == 0;
    return is_for(&slot->domains, &set->domains, policy->domain) &&
           is_for(&slot->tenants, &set->tenants, policy->tenant);
}

static void take_action(struct rule_verdict *v, const struct rule *rule, size_t index)
{
    enum rule_action action = (enum rule_action)rule->action;

    if (v->action == RULE_ACTION_ACCEPT || (action <= v->action && action != RULE_ACTION_ACCEPT))
        return;
    v->action = action;
    v->rule = (int32_t)index;
    v->text = rule->text;
}

void rule_match_verdict(struct rule_match *m, enum rule_stage stage,
                        const struct rule_policy *policy, struct rule_verdict *v)
{
    settle(m, stage);
    *v = (struct rule_verdict){.action = RULE_ACTION_NONE, .rule = RULE_NONE};
    for (size_t r = rule_match_next(m, 0); r < m->set->count; r = rule_match_next(m, r + 1)) {
        const struct rule *rule = &m->set->rules[r];

        if (rule->shadow || m->set->slots[r].stage > stage || !rule_match_applies(m, r, policy))
            continue;
        v->score += rule->score;
        take_action(v, rule, r);
    }
    if (policy && stage == RULE_STAGE_FINAL_DOT && v->action != RULE_ACTION_ACCEPT)
        judge_score(policy, v);
}
