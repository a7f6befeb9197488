/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/harness/check.h"
#include "tests/rules/rule_fixture.h"

static char error_text[8192];
static struct writer errors;

/* Compiles one rule with one pattern, "t:7: rule 'r'"; errors go to `errors`. */
static enum rule_status compile_one(struct rule_pattern pattern, const struct rule_limits *limits,
                                    struct rule_set **set_out)
{
    struct rule rule = {
        .id = span_text("r"), .patterns = &pattern, .pattern_count = 1, .enabled = true};

    pattern.source = (struct rule_source){.file = span_text("t"), .line = 8};
    rule.source = (struct rule_source){.file = span_text("t"), .line = 7};
    errors = writer_of(error_text, sizeof error_text);
    return rule_set_compile(&rule, 1, limits, &errors, set_out);
}

/* Refused with a line that names the pattern and goes on with a reason of ours or, if NULL, of
 * Hyperscan's. */
static void refused(const char *regex, const char *reason)
{
    static const char begin[] = "t:8: rule 'r': pattern 1: ";
    struct rule_pattern p = {.text = span_text(regex), .scope = RULE_SCOPE_BODY};
    struct rule_set *set = NULL;
    struct span got;

    CHECK(compile_one(p, &RULE_LIMITS_DEFAULT, &set) == RULE_REFUSED);
    CHECK(set == NULL);
    got = writer_span(&errors);
    CHECK(span_equal(span_head(got, sizeof begin - 1), span_text(begin)));
    if (reason)
        CHECK_TEXT(span_skip(got, sizeof begin - 1), reason);
    else
        CHECK(got.len > sizeof begin + 10 && span_find(got, '\n') == (ptrdiff_t)got.len - 1);
}

static void patterns_refused(void)
{
    struct rule_pattern nothing = {.scope = RULE_SCOPE_BODY};
    struct rule_set *set = NULL;

    refused("a(b", NULL);
    refused("(a)\\1", NULL);
    refused("a(?<!b|cc)", NULL);
    refused("a*", "it matches the empty text, so it would always hit\n");
    refused("a|", "it matches the empty text, so it would always hit\n");
    CHECK(compile_one(nothing, &RULE_LIMITS_DEFAULT, &set) == RULE_REFUSED);
    CHECK_TEXT(writer_span(&errors), "t:8: rule 'r': expected a pattern of 1 to 8192 bytes\n");
}

static void every_fault_is_named(void)
{
    const struct rule_pattern patterns[] = {
        {.text = span_text("good"), .source = {span_text("t"), 2}, .scope = RULE_SCOPE_BODY},
        {.text = span_text("a("), .source = {span_text("t"), 3}, .scope = RULE_SCOPE_BODY},
        {.text = span_text("b["), .source = {span_text("t"), 4}, .scope = RULE_SCOPE_HELO},
    };
    const struct rule rules[] = {
        {.id = span_text("one"), .patterns = patterns, .pattern_count = 2, .enabled = true},
        {.id = span_text("off"), .patterns = patterns + 1, .pattern_count = 1},
        {.id = span_text("two"), .patterns = patterns + 2, .pattern_count = 1, .enabled = true},
    };
    struct rule_set *set = NULL;

    errors = writer_of(error_text, sizeof error_text);
    CHECK(rule_set_compile(rules, 3, &RULE_LIMITS_DEFAULT, &errors, &set) == RULE_REFUSED);
    CHECK_TEXT(
        writer_span(&errors),
        "t:3: rule 'one': pattern 2: Missing close parenthesis for group started at index 1.\n"
        "t:4: rule 'two': pattern 1: Unterminated character class starting at index 1.\n");
}

static void costs_limited(void)
{
    struct rule_pattern p = {.text = span_text("begin[^x]{500,4000}[a-f]{300}end"),
                             .scope = RULE_SCOPE_BODY};
    struct rule_limits limits = RULE_LIMITS_DEFAULT;
    struct rule_set *set = NULL;

    CHECK(compile_one(p, &limits, &set) == RULE_OK);
    rule_set_free(set);
    limits.stream_bytes = 16;
    CHECK(compile_one(p, &limits, &set) == RULE_REFUSED);
    CHECK(strncmp(error_text, "t:8: rule 'r': pattern 1: too costly: it needs ", 47) == 0);
    CHECK(memmem(error_text, errors.len, "bytes of stream state by itself", 31) != NULL);
    limits = RULE_LIMITS_DEFAULT;
    limits.database_bytes = 100;
    CHECK(compile_one(p, &limits, &set) == RULE_REFUSED);
    CHECK(memmem(error_text, errors.len, "bytes of database by itself", 27) != NULL);
    limits = RULE_LIMITS_DEFAULT;
    limits.patterns = 0;
    CHECK(compile_one(p, &limits, &set) == RULE_REFUSED);
    CHECK(memmem(error_text, errors.len, "the rules have 1 patterns", 25) != NULL);
}

static uint64_t real_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* 64 KiB take 6.4 ms, whatever they are. */
static uint64_t slow_now(void)
{
    static uint64_t now;

    return now += 6400000;
}

/* The first database takes twice as long as those after it. */
static uint64_t sooner_now(void)
{
    static uint64_t now, calls;

    return now += ++calls <= 10 ? 12800000 : 6400000;
}

static void time_limited(void)
{
    struct rule_pattern p = {.text = span_text("[a-q][^u-z]{13}x.{1000}[a-f]{600}.{900}z"),
                             .flags = RULE_DOTALL,
                             .scope = RULE_SCOPE_BODY};
    struct rule_pattern quick = {.text = span_text("free money"), .scope = RULE_SCOPE_HEADER};
    struct rule_limits limits = RULE_LIMITS_DEFAULT;
    struct rule_set *set = NULL;

    /* At the default limits, by the real time. */
    limits.now = real_now;
    CHECK(compile_one(p, &limits, &set) == RULE_REFUSED);
    CHECK(strncmp(error_text, "t:8: rule 'r': pattern 1: too slow: it takes ", 45) == 0);
    CHECK(memmem(error_text, errors.len, "the limit is 10000\n", 19) != NULL);
    CHECK(compile_one(quick, &limits, &set) == RULE_OK);
    rule_set_free(set);
    limits.now = slow_now;
    limits.scan_ns = 99999;
    CHECK(compile_one(quick, &limits, &set) == RULE_REFUSED);
    CHECK_TEXT(writer_span(&errors),
               "t:8: rule 'r': pattern 1: too slow: it takes 100000 ns for a KiB by itself, all "
               "patterns of scope header take 100000, the limit is 99999\n");
    limits.scan_ns = 100000;
    CHECK(compile_one(quick, &limits, &set) == RULE_OK);
    rule_set_free(set);
    /* All together are over the limit, none is by itself. */
    limits.now = sooner_now;
    CHECK(compile_one(quick, &limits, &set) == RULE_OK);
    rule_set_free(set);
}

static void no_rules(void)
{
    struct rule_fixture f;
    struct rule_verdict v;
    const struct rule_policy policy = {.quarantine_at = 1, .reject_at = RULE_SCORE_NEVER};

    rule_fixture_init(&f, "rules: []\n", 4);
    CHECK(rule_set_count(f.set) == 0 && rule_set_info(f.set).databases == 0);
    CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("x")) == RULE_OK);
    CHECK(rule_match_header(f.match, span_text("a"), span_text("x")) == RULE_OK);
    CHECK(rule_match_value(f.match, RULE_SCOPE_HELO, span_text("x")) == RULE_OK);
    rule_match_verdict(f.match, RULE_STAGE_FINAL_DOT, &policy, &v);
    CHECK(v.action == RULE_ACTION_NONE && v.rule == RULE_NONE);
    rule_fixture_fini(&f);
}

static const char saved_rules[] =
    "rules:\n"
    "- {id: a, scope: body, patterns: [{literal: alpha}], action: tag}\n"
    "- {id: b, scope: subject, patterns: [{literal: beta}, {literal: gamma, scope: header}]}\n";

static uint8_t saved_bytes[1 << 20];

static bool save_to_writer(void *context, struct span bytes)
{
    writer_span_put(context, bytes);
    return !((struct writer *)context)->full;
}

/* The fixture's rules, and the bytes its set is saved as. */
static struct span save(struct rule_fixture *f, const struct rule **rules, size_t *count)
{
    struct writer w = writer_of(saved_bytes, sizeof saved_bytes);

    *rules = rule_file_rules(f->file, count);
    CHECK(rule_set_save(f->set, save_to_writer, &w) == RULE_OK);
    return writer_span(&w);
}

static enum rule_status load(const struct rule *rules, size_t count, struct span saved,
                             struct rule_set **set_out)
{
    *set_out = NULL;
    errors = writer_of(error_text, sizeof error_text);
    return rule_set_load(rules, count, &RULE_LIMITS_DEFAULT, saved, &errors, set_out);
}

static void save_and_load(void)
{
    struct rule_fixture f;
    const struct rule *rules;
    struct rule_set *set;
    struct span saved;
    size_t count;

    rule_fixture_init(&f, saved_rules, 1);
    saved = save(&f, &rules, &count);
    CHECK(load(rules, count, saved, &set) == RULE_OK);
    CHECK(rule_set_info(set).database_bytes == rule_set_info(f.set).database_bytes);
    CHECK(rule_set_info(set).stream_bytes == rule_set_info(f.set).stream_bytes);
    /* The loaded one matches like the compiled one. */
    rule_match_fini(f.match);
    rule_pool_free(f.pool);
    rule_set_free(f.set);
    f.set = set;
    f.pool = rule_pool_new(set, 1);
    f.match = rule_match_init(f.memory, set, f.pool);
    CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("alp")) == RULE_OK);
    CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("ha")) == RULE_OK);
    CHECK(rule_match_header(f.match, span_text("Subject"), span_text("beta")) == RULE_OK);
    CHECK(rule_fixture_hits(&f) == 3);
    CHECK_TEXT(rule_set_rule(set, 1)->id, "b");
    rule_fixture_fini(&f);
}

static void damage_is_stale(void)
{
    struct rule_fixture f;
    const struct rule *rules;
    struct rule_set *set;
    struct span saved;
    size_t count;

    rule_fixture_init(&f, saved_rules, 1);
    saved = save(&f, &rules, &count);
    for (size_t n = 0; n < saved.len; n += 97)
        CHECK(load(rules, count, span_head(saved, n), &set) == RULE_STALE);
    CHECK(load(rules, count, span_of(saved.data, saved.len + 1), &set) == RULE_STALE);
    /* A flipped bit is noticed, or lies in a byte that means nothing to Hyperscan. */
    for (size_t n = 0; n < saved.len; n += 31) {
        enum rule_status status;

        saved_bytes[n] ^= 0x10;
        status = load(rules, count, saved, &set);
        CHECK(status == RULE_STALE || status == RULE_OK);
        CHECK(n >= 100 || status == RULE_STALE);
        rule_set_free(set);
        saved_bytes[n] ^= 0x10;
    }
    rule_fixture_fini(&f);
}

static bool no_room(void *context, struct span bytes)
{
    return bytes.len < 100;
}

static void keys(void)
{
    struct rule_pattern p[2] = {{.text = span_text("alpha"), .scope = RULE_SCOPE_BODY},
                                {.text = span_text("beta"), .scope = RULE_SCOPE_BODY}};
    struct rule rule = {.id = span_text("r"), .patterns = p, .pattern_count = 2, .enabled = true};
    struct rule_fixture f;
    struct rule_set *set;
    struct span saved;
    const struct rule *rules;
    size_t count;
    uint64_t key = rule_set_key(&rule, 1);

    CHECK(key != 0 && key == rule_set_key(&rule, 1));
    rule.score = 5;
    rule.action = RULE_ACTION_TAG;
    rule.id = span_text("other");
    CHECK(key == rule_set_key(&rule, 1));
    p[1].flags = RULE_CASELESS;
    CHECK(key != rule_set_key(&rule, 1));
    p[1].flags = 0;
    p[1].scope = RULE_SCOPE_RAW;
    CHECK(key != rule_set_key(&rule, 1));
    p[1].scope = RULE_SCOPE_BODY;
    p[1].text = span_text("betb");
    CHECK(key != rule_set_key(&rule, 1));
    rule.enabled = false;
    CHECK(key != rule_set_key(&rule, 1));
    /* Whatever the key says, other rules do not load. */
    rule_fixture_init(&f, saved_rules, 1);
    saved = save(&f, &rules, &count);
    CHECK(load(rules, count - 1, saved, &set) == RULE_STALE);
    CHECK(rule_set_save(f.set, no_room, NULL) == RULE_BROKEN);
    rule_fixture_fini(&f);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum { MANY = 1000 };

static char many_texts[MANY][64];
static struct rule_pattern many_patterns[MANY];
static struct rule many_rules[MANY];

/* 1000 rules: a third literals, a third phrases with gaps, a third on subjects. */
static void many_make(void)
{
    for (int i = 0; i < MANY; i++) {
        struct rule_pattern *p = &many_patterns[i];

        snprintf(many_texts[i], sizeof many_texts[i],
                 i % 3 == 1 ? "phrase%d\\s+of\\s+kin\\d{1,%d}" : "word%dof%d", i, i % 9 + 1);
        *p = (struct rule_pattern){.text = span_text(many_texts[i]),
                                   .scope = i % 3 == 2 ? RULE_SCOPE_HEADER : RULE_SCOPE_BODY,
                                   .header = span_text(i % 3 == 2 ? "Subject" : ""),
                                   .flags = RULE_CASELESS,
                                   .literal = i % 3 == 0};
        many_rules[i] = (struct rule){
            .id = span_text(many_texts[i]), .patterns = p, .pattern_count = 1, .enabled = true};
        if (i % 3 == 1)
            many_rules[i].id = span_text("phrase");
    }
}

static void thousand_patterns(void)
{
    struct writer w = writer_of(saved_bytes, sizeof saved_bytes);
    struct rule_set *set = NULL;
    struct rule_set_info info;
    struct rule_pool *pool;
    struct rule_match *m;
    static char body[1 << 20];
    uint32_t random = 1;
    double start = seconds();

    many_make();
    errors = writer_of(error_text, sizeof error_text);
    if (!CHECK(rule_set_compile(many_rules, MANY, &RULE_LIMITS_DEFAULT, &errors, &set) == RULE_OK))
        return;
    info = rule_set_info(set);
    printf("# %d patterns: compiled in %.3f s, databases %zu bytes, stream %zu, scratch %zu, match "
           "%zu\n",
           MANY, seconds() - start, info.database_bytes, info.stream_bytes, info.scratch_bytes,
           rule_match_size(set));
    CHECK(info.patterns == MANY && info.databases == 2);
    pool = rule_pool_new(set, 1);
    m = rule_match_init(malloc(rule_match_size(set)), set, pool);
    for (size_t i = 0; i < sizeof body; i++) {
        random = random * 1103515245 + 12345;
        body[i] = "etaoinshrdlucwordphr    "[(random >> 16) % 24];
    }
    memcpy(body + sizeof body - 40, "Phrase997 of kin1", 17);
    start = seconds();
    CHECK(rule_match_feed(m, RULE_SCOPE_BODY, span_of(body, sizeof body)) == RULE_OK);
    printf("# scanned %zu bytes in %.6f s\n", sizeof body, seconds() - start);
    CHECK(rule_match_hits(m, NULL, 0) == 1 && rule_fixture_hit(m, 997));
    rule_match_fini(m);
    free(m);
    rule_pool_free(pool);
    CHECK(rule_set_save(set, save_to_writer, &w) == RULE_OK);
    rule_set_free(set);
    start = seconds();
    CHECK(load(many_rules, MANY, writer_span(&w), &set) == RULE_OK);
    printf("# loaded %zu bytes in %.3f s\n", w.len, seconds() - start);
    rule_set_free(set);
}

int main(void)
{
    check_begin();
    CHECK_CASE(patterns_refused);
    CHECK_CASE(every_fault_is_named);
    CHECK_CASE(costs_limited);
    CHECK_CASE(time_limited);
    CHECK_CASE(no_rules);
    CHECK_CASE(save_and_load);
    CHECK_CASE(damage_is_stale);
    CHECK_CASE(keys);
    CHECK_CASE(thousand_patterns);
    return check_end();
}
