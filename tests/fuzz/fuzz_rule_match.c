/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "rules/rule_match.h"

/*
 * One message matched twice: its parts fed whole, and cut where the first bytes of the input say.
 * Hits, verdict and pool must come out the same. Bytes 0x1d to 0x1f end a part and choose the next
 * one's scope.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 8, PARTS = 64 };

static const char *const texts[] = {"secret",    "begin.{0,40}end", "bye$",        "^begin",
                                    "\\bnow\\b", "^two\\r?$",       "[^a]{3,20}b", "(ab|ba){2,}c"};

enum { PATTERNS = sizeof texts / sizeof texts[0] };

static const enum rule_scope scopes[] = {RULE_SCOPE_BODY, RULE_SCOPE_ATTACHMENT, RULE_SCOPE_RAW,
                                         RULE_SCOPE_HEADER};

enum { SIMPLE = 4 * 3, RULES = SIMPLE + 3 };

static struct rule_pattern patterns[4][PATTERNS];
static struct rule rules[RULES];

/* Logic over the simple rules' ids, and over each other's. */
static const struct rule_node logic[3][4] = {
    {{.op = RULE_OP_RULE, .id = {(const uint8_t *)"a", 1}},
     {.op = RULE_OP_RULE, .id = {(const uint8_t *)"e", 1}},
     {.op = RULE_OP_NOT, .count = 1},
     {.op = RULE_OP_ALL, .count = 2}},
    {{.op = RULE_OP_RULE, .id = {(const uint8_t *)"o", 1}},
     {.op = RULE_OP_RULE, .id = {(const uint8_t *)"k", 1}},
     {.op = RULE_OP_ANY, .count = 2}},
    {{.op = RULE_OP_RULE, .id = {(const uint8_t *)"m", 1}}, {.op = RULE_OP_NOT, .count = 1}}};

/* In each scope a rule that wants any pattern, one that wants the first three, and one that wants
 * the last. */
static struct rule_set *make_set(void)
{
    static const char ids[] = "abcdefghijklmno";
    char text[512];
    struct writer errors = writer_of(text, sizeof text);
    struct rule_set *set = NULL;

    for (size_t s = 0; s < 4; s++) {
        for (size_t i = 0; i < PATTERNS; i++)
            patterns[s][i] = (struct rule_pattern){
                .text = span_text(texts[i]),
                .scope = (uint8_t)scopes[s],
                .flags = i % 2 ? RULE_DOTALL | RULE_MULTILINE : RULE_CASELESS,
            };
        rules[3 * s] = (struct rule){.pattern_count = PATTERNS, .patterns = patterns[s]};
        rules[3 * s + 1] = (struct rule){.pattern_count = 3,
                                         .patterns = patterns[s],
                                         .logic = RULE_ALL,
                                         .action = RULE_ACTION_TAG};
        rules[3 * s + 2] =
            (struct rule){.pattern_count = 1, .patterns = patterns[s] + PATTERNS - 1};
    }
    for (size_t k = 0; k < 3; k++)
        rules[SIMPLE + k] = (struct rule){
            .logic = RULE_WHEN, .nodes = logic[k], .node_count = (uint16_t)(k == 0 ? 4 : 4 - k)};
    for (size_t r = 0; r < RULES; r++) {
        rules[r].id = span_of(ids + r, 1);
        rules[r].enabled = true;
        rules[r].score = 1 << r;
    }
    if (rule_set_compile(rules, RULES, &RULE_LIMITS_DEFAULT, &errors, &set) != RULE_OK)
        abort();
    return set;
}

/* One part of the message, cut at the offsets. Headers are whole values. */
static void feed_part(struct rule_match *m, uint8_t selector, struct span part, struct span cuts)
{
    enum rule_scope scope = scopes[selector % 4];
    bool ok = true;

    if (scope == RULE_SCOPE_HEADER) {
        ok = rule_match_header(m, span_head(part, 3), part) == RULE_OK;
        part = span_of(NULL, 0);
    }
    for (size_t i = 0; part.len > 0; i++) {
        size_t n = i < cuts.len ? cuts.data[i] : part.len;

        ok &= rule_match_feed(m, scope, span_head(part, n)) == RULE_OK;
        part = span_skip(part, n);
    }
    ok &= scope == RULE_SCOPE_HEADER || rule_match_close(m, scope) == RULE_OK;
    if (!ok)
        abort();
}

static struct rule_verdict run(struct rule_match *m, struct span message, struct span cuts)
{
    struct rule_policy policy = {.quarantine_at = 100, .reject_at = 2000};
    struct rule_verdict v;
    uint8_t selector = 0;

    for (size_t parts = 0; message.len > 0 && parts < PARTS; parts++) {
        size_t n = 0;

        while (n < message.len && (message.data[n] < 0x1d || message.data[n] > 0x1f))
            n++;
        feed_part(m, selector, span_head(message, n), cuts);
        selector = n < message.len ? (uint8_t)(message.data[n] - 0x1d + parts) : 0;
        message = span_skip(message, n + 1);
    }
    rule_match_verdict(m, RULE_STAGE_FINAL_DOT, &policy, &v);
    return v;
}

static struct rule_set *set;
static struct rule_pool *pool;
static void *memory[2];

/* Before the first input, whose time libFuzzer measures: compiling takes seconds on a busy machine.
 */
__attribute__((constructor)) static void begin(void)
{
    set = make_set();
    pool = rule_pool_new(set, 2);
    memory[0] = malloc(rule_match_size(set));
    memory[1] = malloc(rule_match_size(set));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    struct rule_match *whole, *cut;
    struct rule_verdict a, b;

    whole = rule_match_init(memory[0], set, pool);
    cut = rule_match_init(memory[1], set, pool);
    a = run(whole, span_skip(input, CUTS), span_of(NULL, 0));
    b = run(cut, span_skip(input, CUTS), span_head(input, CUTS));
    for (size_t r = 0; r < rule_set_count(set); r++)
        if (rule_match_next(whole, r) != rule_match_next(cut, r))
            abort();
    if (a.action != b.action || a.rule != b.rule || a.score != b.score)
        abort();
    rule_match_fini(whole);
    rule_match_fini(cut);
    if (rule_pool_left(pool, RULE_SCOPE_BODY) != 2 || rule_pool_left(pool, RULE_SCOPE_RAW) != 2)
        abort();
    return 0;
}
