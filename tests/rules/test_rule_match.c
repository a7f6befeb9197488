/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/check.h"
#include "tests/rules/rule_fixture.h"

static const struct rule_policy no_policy = {.quarantine_at = RULE_SCORE_NEVER,
                                             .reject_at = RULE_SCORE_NEVER};

static void whole_values(void)
{
    struct rule_fixture f;

    rule_fixture_init(
        &f,
        "rules:\n"
        "- {id: ip, scope: client.ip, patterns: [{regex: '^198\\.18\\.'}]}\n"
        "- {id: helo, scope: helo, patterns: [{literal: localhost}]}\n"
        "- {id: from, scope: envelope.mail_from, patterns: [{regex: '@spam\\.test$'}]}\n"
        "- {id: to, scope: envelope.rcpt_to, patterns: [{literal: trap@}]}\n"
        "- {id: name, scope: attachment.name, patterns: [{regex: '\\.exe$', flags: "
        "[caseless]}]}\n"
        "- {id: type, scope: content.type, patterns: [{literal: 'application/x-'}]}\n"
        "- {id: odd, scope: anomaly, patterns: [{regex: '^duplicate_boundary$'}]}\n",
        0);
    CHECK(rule_match_value(f.match, RULE_SCOPE_CLIENT_IP, span_text("198.18.0.1")) == RULE_OK);
    CHECK(rule_fixture_hits(&f) == 1 << 0);
    CHECK(rule_match_value(f.match, RULE_SCOPE_HELO, span_text("a.localhost.b")) == RULE_OK);
    CHECK(rule_fixture_hits(&f) == 3);
    CHECK(rule_match_value(f.match, RULE_SCOPE_MAIL_FROM, span_text("a@spam.test.example")) ==
          RULE_OK);
    CHECK(rule_fixture_hits(&f) == 3);
    CHECK(rule_match_value(f.match, RULE_SCOPE_MAIL_FROM, span_text("a@spam.test")) == RULE_OK);
    CHECK(rule_match_value(f.match, RULE_SCOPE_RCPT_TO, span_text("x@a.test")) == RULE_OK);
    CHECK(rule_match_value(f.match, RULE_SCOPE_RCPT_TO, span_text("trap@a.test")) == RULE_OK);
    CHECK(rule_match_value(f.match, RULE_SCOPE_ATTACHMENT_NAME, span_text("Invoice.EXE")) ==
          RULE_OK);
    CHECK(rule_match_value(f.match, RULE_SCOPE_CONTENT_TYPE, span_text("application/x-dosexec")) ==
          RULE_OK);
    CHECK(rule_match_value(f.match, RULE_SCOPE_ANOMALY, span_text("duplicate_boundary")) ==
          RULE_OK);
    CHECK(rule_fixture_hits(&f) == 0x7f);
    /* Nothing to scan, and nothing wrong. */
    CHECK(rule_match_value(f.match, RULE_SCOPE_ANOMALY, span_of(NULL, 0)) == RULE_OK);
    CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("no rules here")) == RULE_OK);
    CHECK(rule_match_value(f.match, RULE_SCOPE_BODY, span_text("x")) == RULE_BROKEN);
    CHECK(rule_match_feed(f.match, RULE_SCOPE_HELO, span_text("x")) == RULE_BROKEN);
    rule_fixture_again(&f);
    CHECK(rule_fixture_hits(&f) == 0);
    rule_fixture_fini(&f);
}

static void flags_and_literals(void)
{
    struct rule_fixture f;

    rule_fixture_init(&f,
                      "rules:\n"
                      "- {id: dot, scope: helo, patterns: [{regex: 'a.b'}]}\n"
                      "- {id: dotall, scope: helo, patterns: [{regex: 'a.b', flags: [dotall]}]}\n"
                      "- {id: line, scope: helo, patterns: [{regex: '^b$', flags: [multiline]}]}\n"
                      "- {id: no-line, scope: helo, patterns: [{regex: '^b$'}]}\n"
                      "- {id: signs, scope: helo, patterns: [{literal: '.*+?[](){}^$|\\#'}]}\n"
                      "- {id: bytes, scope: helo, patterns: [{literal: 'Gr\u00fc\u00dfe'}]}\n"
                      "- {id: case, scope: helo, patterns: [{literal: 'HeLLo 1', flags: "
                      "[caseless]}]}\n",
                      0);
    rule_match_value(f.match, RULE_SCOPE_HELO, span_text("a\nb\n"));
    CHECK(rule_fixture_hits(&f) == (1 << 1 | 1 << 2));
    rule_fixture_again(&f);
    rule_match_value(f.match, RULE_SCOPE_HELO, span_text("axxxxxb .*+?[](){}^$|\\#"));
    CHECK(rule_fixture_hits(&f) == 1 << 4);
    rule_fixture_again(&f);
    rule_match_value(f.match, RULE_SCOPE_HELO, span_text("Gr\u00fc\u00dfe hEllO 1"));
    CHECK(rule_fixture_hits(&f) == (1 << 5 | 1 << 6));
    rule_fixture_fini(&f);
}

static void header_names(void)
{
    struct rule_fixture f;

    rule_fixture_init(&f,
                      "rules:\n"
                      "- {id: subject, scope: subject, patterns: [{literal: win}]}\n"
                      "- {id: Subject2, scope: header.SUBJECT, patterns: [{literal: prize}]}\n"
                      "- {id: from, scope: header.From, patterns: [{literal: win}]}\n"
                      "- {id: every, scope: header, patterns: [{literal: everywhere}]}\n"
                      "- {id: x, scope: header.X-Y, patterns: [{literal: win}]}\n",
                      0);
    rule_match_header(f.match, span_text("SubJect"), span_text("you win a prize"));
    CHECK(rule_fixture_hits(&f) == (1 << 0 | 1 << 1));
    rule_fixture_again(&f);
    rule_match_header(f.match, span_text("From"), span_text("win prize"));
    CHECK(rule_fixture_hits(&f) == 1 << 2);
    rule_fixture_again(&f);
    rule_match_header(f.match, span_text("To"), span_text("win prize"));
    rule_match_header(f.match, span_text("Subjec"), span_text("win prize"));
    rule_match_header(f.match, span_text("Subject2"), span_text("win prize"));
    rule_match_header(f.match, span_text(""), span_text("win prize"));
    CHECK(rule_fixture_hits(&f) == 0);
    rule_match_header(f.match, span_text("Received"), span_text("everywhere"));
    CHECK(rule_fixture_hits(&f) == 1 << 3);
    rule_fixture_again(&f);
    rule_match_header(f.match, span_text("x-y"), span_text("win everywhere"));
    CHECK(rule_fixture_hits(&f) == (1 << 3 | 1 << 4));
    rule_fixture_again(&f);
    rule_match_header(
        f.match,
        span_text("x-a-name-that-is-longer-than-any-that-a-rule-may-ask-for-0123456789-0123456789"),
        span_text("everywhere"));
    CHECK(rule_fixture_hits(&f) == 1 << 3);
    rule_fixture_fini(&f);
}

static const char stream_rules[] =
    "rules:\n"
    "- {id: word, scope: body, patterns: [{literal: secret}]}\n"
    "- {id: gap, scope: body, patterns: [{regex: 'begin.{0,40}end', flags: [dotall]}]}\n"
    "- {id: last, scope: body, patterns: [{regex: 'bye$'}]}\n"
    "- {id: first, scope: body, patterns: [{regex: '^begin'}]}\n"
    "- {id: both, match: all, patterns: [{literal: bye, scope: body}, {literal: MZ, scope: "
    "attachment}]}\n"
    "- {id: edge, scope: body, patterns: [{regex: '\\bnow\\b'}]}\n"
    "- {id: never, scope: body, patterns: [{literal: nowhere}]}\n"
    "- {id: line, scope: body, patterns: [{regex: '^two\\r?$', flags: [multiline]}]}\n";

static const char stream_text[] = "begin of it\r\ntwo\r\nthe secret end, now\r\nbye";

/* The text fed in pieces with cuts at `a` and `b`, then the part closed. */
static uint64_t hits_cut(struct rule_fixture *f, struct span text, size_t a, size_t b)
{
    bool ok;

    rule_fixture_again(f);
    ok = rule_match_feed(f->match, RULE_SCOPE_ATTACHMENT, span_text("MZ")) == RULE_OK;
    ok &= rule_match_feed(f->match, RULE_SCOPE_BODY, span_head(text, a)) == RULE_OK;
    ok &= rule_match_feed(f->match, RULE_SCOPE_BODY, span_skip(span_head(text, b), a)) == RULE_OK;
    ok &= rule_match_feed(f->match, RULE_SCOPE_BODY, span_skip(text, b)) == RULE_OK;
    ok &= rule_match_close(f->match, RULE_SCOPE_BODY) == RULE_OK;
    CHECK(ok);
    return rule_fixture_hits(f);
}

static void stream_splits(void)
{
    struct span text = span_text(stream_text);
    struct rule_fixture f;
    uint64_t whole;

    rule_fixture_init(&f, stream_rules, 1);
    whole = hits_cut(&f, text, 0, 0);
    CHECK(whole == 0xbf);
    for (size_t a = 0; a <= text.len; a++)
        for (size_t b = a; b <= text.len; b++)
            CHECK(hits_cut(&f, text, a, b) == whole);
    /* Byte by byte. */
    rule_fixture_again(&f);
    rule_match_feed(f.match, RULE_SCOPE_ATTACHMENT, span_text("MZ"));
    for (size_t i = 0; i < text.len; i++)
        rule_match_feed(f.match, RULE_SCOPE_BODY, span_of(text.data + i, 1));
    rule_match_close(f.match, RULE_SCOPE_BODY);
    CHECK(rule_fixture_hits(&f) == whole);
    rule_fixture_fini(&f);
}

static void stream_parts(void)
{
    struct rule_fixture f;

    rule_fixture_init(&f, stream_rules, 1);
    /* No match across parts; hits of the first stay in the second. */
    rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("bye"));
    rule_match_feed(f.match, RULE_SCOPE_BODY, span_text(" sec"));
    rule_match_close(f.match, RULE_SCOPE_BODY);
    rule_match_close(f.match, RULE_SCOPE_BODY);
    rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("ret"));
    CHECK(rule_fixture_hits(&f) == 0);
    rule_match_feed(f.match, RULE_SCOPE_ATTACHMENT, span_text("MZ"));
    CHECK(rule_fixture_hits(&f) == 1 << 4);
    rule_match_close(f.match, RULE_SCOPE_BODY);
    rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("a secret"));
    CHECK(rule_fixture_hits(&f) == (1 << 4 | 1 << 0));
    /* The end of a part that never comes is no end: "$" does not hit, and the next message begins
     * afresh. */
    rule_match_feed(f.match, RULE_SCOPE_BODY, span_text(" bye"));
    rule_fixture_again(&f);
    CHECK(rule_fixture_hits(&f) == 0);
    rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("begin"));
    CHECK(rule_fixture_hits(&f) == 1 << 3);
    rule_fixture_fini(&f);
}

static void pool_exhaustion(void)
{
    struct rule_fixture f;
    struct rule_match *other;
    void *memory;

    rule_fixture_init(&f, stream_rules, 1);
    memory = malloc(rule_match_size(f.set));
    other = rule_match_init(memory, f.set, f.pool);
    CHECK(rule_pool_left(f.pool, RULE_SCOPE_BODY) == 1);
    CHECK(rule_pool_left(f.pool, RULE_SCOPE_RAW) == SIZE_MAX);
    CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("sec")) == RULE_OK);
    CHECK(rule_pool_left(f.pool, RULE_SCOPE_BODY) == 0);
    CHECK(rule_match_feed(other, RULE_SCOPE_BODY, span_text("secret")) == RULE_FULL);
    CHECK(rule_match_close(other, RULE_SCOPE_BODY) == RULE_OK);
    CHECK(!rule_fixture_hit(other, 0));
    /* Scopes do not take from each other, and no bytes need no stream. */
    CHECK(rule_match_feed(other, RULE_SCOPE_ATTACHMENT, span_text("MZ")) == RULE_OK);
    CHECK(rule_match_feed(other, RULE_SCOPE_BODY, span_of(NULL, 0)) == RULE_OK);
    CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("ret")) == RULE_OK);
    CHECK(rule_fixture_hit(f.match, 0));
    rule_match_fini(f.match);
    CHECK(rule_match_feed(other, RULE_SCOPE_BODY, span_text("secret")) == RULE_OK);
    CHECK(rule_fixture_hit(other, 0));
    rule_match_fini(other);
    CHECK(rule_pool_left(f.pool, RULE_SCOPE_BODY) == 1);
    CHECK(rule_pool_left(f.pool, RULE_SCOPE_ATTACHMENT) == 1);
    free(memory);
    rule_fixture_fini(&f);
}

static const char verdict_rules[] =
    "rules:\n"
    "- {id: tag, scope: helo, patterns: [{literal: a}], action: tag, score: 1}\n"
    "- {id: defer, scope: helo, patterns: [{literal: b}], action: defer, text: later}\n"
    "- {id: reject1, scope: helo, patterns: [{literal: c}], action: reject, text: first, score: "
    "0.5}\n"
    "- {id: reject2, scope: helo, patterns: [{literal: cc}], action: reject, text: second}\n"
    "- {id: shadow, scope: helo, patterns: [{literal: d}], action: reject, text: no, score: 50, "
    "shadow: true}\n"
    "- {id: off, scope: helo, patterns: [{literal: d}], action: reject, text: no, enabled: false}\n"
    "- {id: good, scope: helo, patterns: [{literal: e}], score: -2.125}\n"
    "- {id: late, patterns: [{literal: f, scope: helo}, {literal: f, scope: body}], action: "
    "discard, "
    "score: 3}\n"
    "- {id: hold, scope: helo, patterns: [{literal: g}], action: quarantine, score: 7}\n";

static struct rule_verdict judge(struct rule_fixture *f, const char *helo, enum rule_stage stage,
                                 const struct rule_policy *policy)
{
    struct rule_verdict v;

    rule_fixture_again(f);
    rule_match_value(f->match, RULE_SCOPE_HELO, span_text(helo));
    rule_match_verdict(f->match, stage, policy, &v);
    return v;
}

static void verdict_by_action(void)
{
    struct rule_fixture f;
    struct rule_verdict v;

    rule_fixture_init(&f, verdict_rules, 0);
    v = judge(&f, "x", RULE_STAGE_FINAL_DOT, &no_policy);
    CHECK(v.action == RULE_ACTION_NONE && v.rule == RULE_NONE && v.score == 0 && !v.by_score);
    v = judge(&f, "a", RULE_STAGE_FINAL_DOT, &no_policy);
    CHECK(v.action == RULE_ACTION_TAG && v.rule == 0 && v.score == 1000);
    v = judge(&f, "ag", RULE_STAGE_FINAL_DOT, &no_policy);
    CHECK(v.action == RULE_ACTION_QUARANTINE && v.rule == 8 && v.score == 8000);
    v = judge(&f, "agf", RULE_STAGE_FINAL_DOT, &no_policy);
    CHECK(v.action == RULE_ACTION_DISCARD && v.rule == 7);
    v = judge(&f, "abgf", RULE_STAGE_FINAL_DOT, &no_policy);
    CHECK(v.action == RULE_ACTION_DEFER && v.rule == 1);
    CHECK_TEXT(v.text, "later");
    v = judge(&f, "ccabgf", RULE_STAGE_FINAL_DOT, &no_policy);
    CHECK(v.action == RULE_ACTION_REJECT && v.rule == 2);
    CHECK_TEXT(v.text, "first");
    v = judge(&f, "d", RULE_STAGE_FINAL_DOT, &no_policy);
    CHECK(v.action == RULE_ACTION_NONE && v.score == 0 && rule_fixture_hits(&f) == 1 << 4);
    v = judge(&f, "e", RULE_STAGE_FINAL_DOT, &no_policy);
    CHECK(v.action == RULE_ACTION_NONE && v.rule == RULE_NONE && v.score == -2125);
    /* A rule acts at the stage at which its last input is there, also if it has hit before. */
    v = judge(&f, "f", RULE_STAGE_RCPT, &no_policy);
    CHECK(v.action == RULE_ACTION_NONE && v.score == 0 && rule_fixture_hits(&f) == 1 << 7);
    v = judge(&f, "c", RULE_STAGE_CONNECT, &no_policy);
    CHECK(v.action == RULE_ACTION_NONE);
    v = judge(&f, "c", RULE_STAGE_EHLO, &no_policy);
    CHECK(v.action == RULE_ACTION_REJECT);
    rule_fixture_fini(&f);
}

static void verdict_by_score(void)
{
    struct rule_policy policy = {
        .quarantine_at = 1000, .reject_at = 5000, .reject_text = span_text("too much")};
    struct rule_fixture f;
    struct rule_verdict v;

    rule_fixture_init(&f, verdict_rules, 0);
    v = judge(&f, "a", RULE_STAGE_FINAL_DOT, &policy);
    CHECK(v.action == RULE_ACTION_QUARANTINE && v.rule == RULE_NONE && v.by_score &&
          v.text.len == 0);
    v = judge(&f, "a", RULE_STAGE_HEADER_END, &policy);
    CHECK(v.action == RULE_ACTION_TAG && v.rule == 0 && !v.by_score);
    v = judge(&f, "ae", RULE_STAGE_FINAL_DOT, &policy);
    CHECK(v.action == RULE_ACTION_TAG && v.score == -1125);
    v = judge(&f, "g", RULE_STAGE_FINAL_DOT, &policy);
    CHECK(v.action == RULE_ACTION_REJECT && v.by_score && v.rule == RULE_NONE);
    CHECK_TEXT(v.text, "too much");
    v = judge(&f, "ge", RULE_STAGE_FINAL_DOT, &policy);
    CHECK(v.action == RULE_ACTION_QUARANTINE && !v.by_score && v.rule == 8 && v.score == 4875);
    v = judge(&f, "gc", RULE_STAGE_FINAL_DOT, &policy);
    CHECK(v.action == RULE_ACTION_REJECT && !v.by_score && v.rule == 2);
    v = judge(&f, "d", RULE_STAGE_FINAL_DOT, &policy);
    CHECK(v.action == RULE_ACTION_NONE && v.score == 0);
    /* Another domain, another verdict of the same hits. */
    rule_match_verdict(f.match, RULE_STAGE_FINAL_DOT, &no_policy, &v);
    CHECK(v.action == RULE_ACTION_NONE);
    rule_fixture_fini(&f);
}

static void hits_list(void)
{
    struct rule_fixture f;
    uint32_t hits[3] = {9, 9, 9};

    rule_fixture_init(&f, verdict_rules, 0);
    rule_match_value(f.match, RULE_SCOPE_HELO, span_text("gbda"));
    CHECK(rule_match_hits(f.match, hits, 2) == 4);
    CHECK(hits[0] == 0 && hits[1] == 1 && hits[2] == 9);
    CHECK(rule_match_hits(f.match, NULL, 0) == 4);
    CHECK(rule_fixture_hit(f.match, 4) && !rule_fixture_hit(f.match, 5));
    rule_fixture_fini(&f);
}

static void refused_recipient(void)
{
    struct rule_fixture f;
    struct rule_verdict v;

    rule_fixture_init(
        &f,
        "rules:\n"
        "- {id: trap, scope: envelope.rcpt_to, patterns: [{literal: trap@}], action: "
        "reject, text: no such user}\n"
        "- {id: sales, scope: envelope.rcpt_to, patterns: [{literal: sales@}], score: 1}\n",
        0);
    rule_match_value(f.match, RULE_SCOPE_RCPT_TO, span_text("sales@a.test"));
    rule_match_mark(f.match);
    rule_match_value(f.match, RULE_SCOPE_RCPT_TO, span_text("trap@a.test"));
    rule_match_verdict(f.match, RULE_STAGE_RCPT, &no_policy, &v);
    CHECK(v.action == RULE_ACTION_REJECT);
    rule_match_rewind(f.match);
    rule_match_verdict(f.match, RULE_STAGE_FINAL_DOT, &no_policy, &v);
    CHECK(v.action == RULE_ACTION_NONE && v.score == 1000);
    /* It hits again when it comes again. */
    rule_match_value(f.match, RULE_SCOPE_RCPT_TO, span_text("trap@a.test"));
    CHECK(rule_fixture_hits(&f) == 3);
    rule_fixture_fini(&f);
}

static void stages(void)
{
    struct rule_fixture f;

    rule_fixture_init(
        &f,
        "rules:\n"
        "- {id: a, scope: client.ip, patterns: [{literal: x}]}\n"
        "- {id: b, scope: helo, patterns: [{literal: x}, {literal: x, scope: client.ip}]}\n"
        "- {id: c, scope: envelope.mail_from, patterns: [{literal: x}]}\n"
        "- {id: d, scope: envelope.rcpt_to, patterns: [{literal: x}]}\n"
        "- {id: e, scope: subject, patterns: [{literal: x}, {literal: x, scope: helo}]}\n"
        "- {id: f, match: all, scope: header, patterns: [{literal: x}, {literal: x, "
        "scope: raw}]}\n"
        "- {id: g, scope: attachment.name, patterns: [{literal: x}]}\n",
        0);
    CHECK(rule_set_stage(f.set, 0) == RULE_STAGE_CONNECT);
    CHECK(rule_set_stage(f.set, 1) == RULE_STAGE_EHLO);
    CHECK(rule_set_stage(f.set, 2) == RULE_STAGE_MAIL);
    CHECK(rule_set_stage(f.set, 3) == RULE_STAGE_RCPT);
    CHECK(rule_set_stage(f.set, 4) == RULE_STAGE_HEADER_END);
    CHECK(rule_set_stage(f.set, 5) == RULE_STAGE_FINAL_DOT);
    CHECK(rule_set_stage(f.set, 6) == RULE_STAGE_FINAL_DOT);
    CHECK_TEXT(span_text(rule_stage_name(rule_set_stage(f.set, 4))), "header_end");
    CHECK(rule_set_uses(f.set, RULE_SCOPE_HEADER) && rule_set_uses(f.set, RULE_SCOPE_RAW));
    CHECK(!rule_set_uses(f.set, RULE_SCOPE_BODY));
    rule_fixture_fini(&f);
}

/* Hyperscan reads in wide steps: not one byte of it may lie outside. */
static void guard_pages(void)
{
    static const char text[] = "begin of a secret, which ends in bye";
    struct rule_fixture f;

    rule_fixture_init(&f, stream_rules, 1);
    for (size_t n = 1; n <= sizeof text - 1; n++)
        for (int at_end = 0; at_end < 2; at_end++) {
            struct span s = guard_copy(span_of(text + sizeof text - 1 - n, n), at_end);

            rule_fixture_again(&f);
            CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, s) == RULE_OK);
            CHECK(rule_match_close(f.match, RULE_SCOPE_BODY) == RULE_OK);
            CHECK(rule_fixture_hit(f.match, 2) == (n >= 3));
            guard_free(s);
        }
    rule_fixture_fini(&f);
}

static void guard_pages_whole(void)
{
    static const char text[] = "you win a prize everywhere";
    struct rule_fixture f;

    rule_fixture_init(&f,
                      "rules:\n"
                      "- {id: a, scope: subject, patterns: [{regex: 'where$'}]}\n"
                      "- {id: b, scope: header, patterns: [{literal: prize}]}\n",
                      0);
    for (size_t n = 1; n <= sizeof text - 1; n++)
        for (int at_end = 0; at_end < 2; at_end++) {
            struct span s = guard_copy(span_of(text + sizeof text - 1 - n, n), at_end);
            struct span name = guard_copy(span_text("SUBJECT"), at_end);

            rule_fixture_again(&f);
            CHECK(rule_match_header(f.match, name, s) == RULE_OK);
            CHECK(rule_fixture_hit(f.match, 0) == (n >= 5));
            guard_free(s);
            guard_free(name);
        }
    rule_fixture_fini(&f);
}

/* Many short words bring Hyperscan to its widest code, which reads beyond the end of what it is
 * given. */
static void guard_pages_wide(void)
{
    static const char words[] = "bat cat mat rat fat sat pat hat vat lion tiger zebra";
    char yaml[4096];
    struct writer w = writer_of(yaml, sizeof yaml - 1);
    static char text[300];
    struct rule_fixture f;

    writer_text(&w, "rules:\n");
    for (size_t scope = 0; scope < 2; scope++) {
        writer_printf(&w, "- {id: r%zu, scope: %s, patterns: [{literal: '1', flags: [caseless]}",
                      scope, scope ? "body" : "helo");
        for (const char *at = words; *at; at += strcspn(at, " ") + (strchr(at, ' ') != NULL)) {
            writer_text(&w, ", {literal: ");
            writer_span_put(&w, span_of(at, strcspn(at, " ")));
            writer_text(&w, ", flags: [caseless]}");
        }
        writer_text(&w, "]}\n");
    }
    yaml[w.len] = '\0';
    rule_fixture_init(&f, yaml, 1);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "Va t hap-sof rma"[i * 7 % 16];
    for (size_t n = 1; n <= sizeof text; n++) {
        struct span s = guard_copy(span_of(text, n), true);
        struct span last = guard_copy(span_of("xxxxcat", 7), true);

        rule_fixture_again(&f);
        CHECK(rule_match_value(f.match, RULE_SCOPE_HELO, s) == RULE_OK);
        CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, s) == RULE_OK);
        CHECK(!rule_fixture_hit(f.match, 1));
        CHECK(rule_match_feed(f.match, RULE_SCOPE_BODY, last) == RULE_OK);
        CHECK(rule_match_value(f.match, RULE_SCOPE_HELO, last) == RULE_OK);
        CHECK(rule_fixture_hits(&f) == 3);
        guard_free(s);
        guard_free(last);
    }
    rule_fixture_fini(&f);
}

static void value_too_long(void)
{
    char *value = calloc(1, RULE_VALUE_MAX + 1);
    struct rule_fixture f;

    rule_fixture_init(&f, "rules: [{id: a, scope: header, patterns: [{literal: end}]}]\n", 0);
    memcpy(value + RULE_VALUE_MAX - 3, "end", 3);
    CHECK(rule_match_header(f.match, span_text("a"), span_of(value, RULE_VALUE_MAX + 1)) ==
          RULE_LONG);
    CHECK(rule_fixture_hits(&f) == 0);
    CHECK(rule_match_header(f.match, span_text("a"), span_of(value, RULE_VALUE_MAX)) == RULE_OK);
    CHECK(rule_fixture_hits(&f) == 1);
    rule_fixture_fini(&f);
    free(value);
}

int main(void)
{
    check_begin();
    CHECK_CASE(whole_values);
    CHECK_CASE(flags_and_literals);
    CHECK_CASE(header_names);
    CHECK_CASE(stream_splits);
    CHECK_CASE(stream_parts);
    CHECK_CASE(pool_exhaustion);
    CHECK_CASE(verdict_by_action);
    CHECK_CASE(verdict_by_score);
    CHECK_CASE(hits_list);
    CHECK_CASE(refused_recipient);
    CHECK_CASE(stages);
    CHECK_CASE(guard_pages);
    CHECK_CASE(guard_pages_whole);
    CHECK_CASE(guard_pages_wide);
    CHECK_CASE(value_too_long);
    return check_end();
}
