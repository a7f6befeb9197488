/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/rules/rule_fixture.h"

/* Rules that look at numbers, at each other, at how often something was seen, and at whom they are
 * for. */

static const struct rule_policy anyone = {.quarantine_at = RULE_SCORE_NEVER,
                                          .reject_at = RULE_SCORE_NEVER};

static char error_text[4096];
static struct writer errors;

/* Reads and compiles; what is wrong is exactly these lines. */
static void refused(const char *yaml, const char *lines)
{
    struct rule_file *file = rule_file_new();
    struct rule_set *set = NULL;
    const struct rule *rules;
    size_t count;

    errors = writer_of(error_text, sizeof error_text);
    if (rule_file_parse(file, "f.yaml", span_text(yaml), &errors)) {
        rules = rule_file_rules(file, &count);
        CHECK(rule_set_compile(rules, count, &RULE_LIMITS_DEFAULT, &errors, &set) == RULE_REFUSED);
    }
    CHECK_TEXT(writer_span(&errors), lines);
    rule_set_free(set);
    rule_file_free(file);
}

static struct rule_verdict ask(struct rule_fixture *f, enum rule_stage stage,
                               const struct rule_policy *policy)
{
    struct rule_verdict v;

    rule_match_verdict(f->match, stage, policy, &v);
    return v;
}

/* The hits once all is known. */
static uint64_t decided(struct rule_fixture *f)
{
    ask(f, RULE_STAGE_FINAL_DOT, &anyone);
    return rule_fixture_hits(f);
}

static void numbers(void)
{
    struct rule_fixture f;

    rule_fixture_init(
        &f,
        "rules:\n"
        "- {id: many, patterns: [{number: count.recipients, above: 3}]}\n"
        "- {id: few, patterns: [{number: count.recipients, below: 2}]}\n"
        "- {id: between, patterns: [{number: message.size, above: 1K, below: 2K}]}\n"
        "- {id: big, patterns: [{number: attachment.size, above: 1M}]}\n"
        "- {id: both, match: all, patterns: [{number: count.links, above: 0}, {literal: x, scope: "
        "body}]}\n",
        1);
    rule_match_number(f.match, RULE_NUMBER_RECIPIENTS, 3);
    CHECK(rule_fixture_hits(&f) == 0);
    rule_match_number(f.match, RULE_NUMBER_RECIPIENTS, 4);
    CHECK(rule_fixture_hits(&f) == 1);
    rule_fixture_again(&f);
    rule_match_number(f.match, RULE_NUMBER_RECIPIENTS, 1);
    rule_match_number(f.match, RULE_NUMBER_MESSAGE_SIZE, 1024);
    CHECK(rule_fixture_hits(&f) == 1 << 1);
    rule_fixture_again(&f);
    rule_match_number(f.match, RULE_NUMBER_MESSAGE_SIZE, 2047);
    rule_match_number(f.match, RULE_NUMBER_ATTACHMENT_SIZE, 1 << 20);
    rule_match_number(f.match, RULE_NUMBER_ATTACHMENT_SIZE, (1 << 20) + 1);
    rule_match_number(f.match, RULE_NUMBER_LINKS, 1);
    CHECK(rule_fixture_hits(&f) == (1 << 2 | 1 << 3));
    rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("x"));
    CHECK(rule_fixture_hits(&f) == (1 << 2 | 1 << 3 | 1 << 4));
    CHECK(rule_set_wants(f.set, RULE_NUMBER_LINKS) && !rule_set_wants(f.set, RULE_NUMBER_PARTS));
    CHECK(rule_set_stage(f.set, 0) == RULE_STAGE_DATA);
    CHECK(rule_set_stage(f.set, 2) == RULE_STAGE_FINAL_DOT);
    rule_fixture_fini(&f);
}

static void repeats(void)
{
    struct rule_fixture f;

    rule_fixture_init(&f,
                      "rules:\n"
                      "- {id: a, patterns: [{repeats: body.hash, within: 10m, above: 100}]}\n"
                      "- {id: b, patterns: [{repeats: body.hash, within: 600s, above: 1000}]}\n"
                      "- {id: c, patterns: [{repeats: message.id, within: 1h, above: 1}]}\n"
                      "- {id: new, patterns: [{repeats: client.ip, within: 7d, below: 2}]}\n",
                      0);
    /* Ten minutes are 600 seconds: one counter for both. */
    CHECK(rule_set_counters(f.set) == 3);
    CHECK(rule_set_counter(f.set, 0)->what == RULE_COUNTER_BODY_HASH);
    CHECK(rule_set_counter(f.set, 0)->within_ms == 600000);
    CHECK(rule_set_counter(f.set, 1)->what == RULE_COUNTER_MESSAGE_ID);
    CHECK(rule_set_counts(f.set, RULE_COUNTER_CLIENT_IP));
    CHECK(!rule_set_counts(f.set, RULE_COUNTER_SUBJECT));
    rule_match_counted(f.match, 0, 100);
    CHECK(rule_fixture_hits(&f) == 0);
    rule_match_counted(f.match, 0, 101);
    CHECK(rule_fixture_hits(&f) == 1);
    rule_match_counted(f.match, 0, 1001);
    rule_match_counted(f.match, 2, 1);
    CHECK(rule_fixture_hits(&f) == (1 | 1 << 1 | 1 << 3));
    CHECK(rule_set_stage(f.set, 3) == RULE_STAGE_MAIL);
    rule_fixture_fini(&f);
}

static const char logic_rules[] =
    "rules:\n"
    "- id: tree\n"
    "  scope: helo\n"
    "  patterns: [{name: a, literal: a}, {name: b, literal: b}, {name: c, literal: c}]\n"
    "  when: {all: [a, {any: [b, {not: c}]}]}\n"
    /* Refers to a rule that stands behind it, which refers on. */
    "- {id: refers, when: {all: [{rule: plain}, {not: {rule: negated}}]}}\n"
    "- {id: negated, when: {not: {rule: tree}}}\n"
    "- {id: plain, scope: helo, patterns: [{literal: x}]}\n"
    "- {id: shy, scope: helo, patterns: [{literal: s}], shadow: true}\n"
    "- {id: sees-shy, when: {rule: shy}}\n";

static uint64_t helo(struct rule_fixture *f, const char *text)
{
    rule_fixture_again(f);
    rule_match_value(f->match, RULE_SCOPE_HELO, span_text(text));
    return decided(f);
}

static void logic(void)
{
    struct rule_fixture f;

    rule_fixture_init(&f, logic_rules, 0);
    CHECK(helo(&f, "-") == 1 << 2);
    CHECK(helo(&f, "a") == 1 << 0);
    CHECK(helo(&f, "ac") == 1 << 2);
    CHECK(helo(&f, "abc") == 1 << 0);
    CHECK(helo(&f, "x") == (1 << 2 | 1 << 3));
    CHECK(helo(&f, "ax") == (1 << 0 | 1 << 1 | 1 << 3));
    CHECK(helo(&f, "s") == (1 << 2 | 1 << 4 | 1 << 5));
    rule_fixture_fini(&f);
}

static void logic_waits_for_its_stage(void)
{
    struct rule_fixture f;

    rule_fixture_init(
        &f,
        "rules:\n"
        "- {id: early, scope: helo, patterns: [{name: h, literal: h}], when: {not: h}}\n"
        "- {id: late, scope: subject, patterns: [{name: s, literal: s}], when: {not: s}}\n"
        "- {id: to, scope: envelope.rcpt_to, patterns: [{name: t, literal: t}], when: t}\n"
        "- {id: not-to, scope: envelope.rcpt_to, patterns: [{name: t, literal: t}], when: {not: "
        "t}}\n"
        "- {id: through, when: {all: [{rule: early}, {rule: late}]}, action: reject, text: no}\n",
        0);
    CHECK(rule_set_stage(f.set, 0) == RULE_STAGE_EHLO);
    CHECK(rule_set_stage(f.set, 1) == RULE_STAGE_HEADER_END);
    CHECK(rule_set_stage(f.set, 2) == RULE_STAGE_RCPT);
    /* Another recipient may still come. */
    CHECK(rule_set_stage(f.set, 3) == RULE_STAGE_DATA);
    CHECK(rule_set_stage(f.set, 4) == RULE_STAGE_HEADER_END);
    ask(&f, RULE_STAGE_CONNECT, NULL);
    CHECK(rule_fixture_hits(&f) == 0);
    ask(&f, RULE_STAGE_MAIL, NULL);
    CHECK(rule_fixture_hits(&f) == 1 << 0);
    rule_match_value(f.match, RULE_SCOPE_RCPT_TO, span_text("x"));
    CHECK(ask(&f, RULE_STAGE_RCPT, NULL).action == RULE_ACTION_NONE);
    CHECK(rule_fixture_hits(&f) == 1 << 0);
    /* A recipient that is refused takes what was decided by it back. */
    rule_match_mark(f.match);
    rule_match_value(f.match, RULE_SCOPE_RCPT_TO, span_text("t"));
    ask(&f, RULE_STAGE_RCPT, NULL);
    CHECK(rule_fixture_hits(&f) == (1 << 0 | 1 << 2));
    rule_match_rewind(f.match);
    CHECK(rule_fixture_hits(&f) == 1 << 0);
    ask(&f, RULE_STAGE_DATA, NULL);
    CHECK(rule_fixture_hits(&f) == (1 << 0 | 1 << 3));
    CHECK(ask(&f, RULE_STAGE_HEADER_END, NULL).action == RULE_ACTION_REJECT);
    CHECK(rule_fixture_hits(&f) == (1 << 0 | 1 << 1 | 1 << 3 | 1 << 4));
    rule_fixture_fini(&f);
}

static void wrong_logic(void)
{
    refused("rules:\n"
            "- {id: a, when: {rule: b}}\n"
            "- {id: b, when: {not: {rule: c}}}\n"
            "- {id: c, when: {any: [{rule: d}, {rule: a}]}}\n"
            "- {id: d, scope: helo, patterns: [{literal: d}]}\n"
            "- {id: hangs-on, when: {rule: a}}\n"
            "- {id: self, when: {rule: self}}\n",
            "f.yaml:2: rule 'a': its logic leads back to itself\n"
            "f.yaml:3: rule 'b': its logic leads back to itself\n"
            "f.yaml:4: rule 'c': its logic leads back to itself\n"
            "f.yaml:7: rule 'self': its logic leads back to itself\n");
    refused("rules:\n"
            "- id: a\n"
            "  when:\n"
            "    all:\n"
            "      - rule: nobody\n"
            "      - {rule: off}\n"
            "- {id: off, scope: helo, patterns: [{literal: d}], enabled: false}\n",
            "f.yaml:5: rule 'a': there is no rule 'nobody'\n"
            "f.yaml:6: rule 'a': it is not enabled: rule 'off'\n");
    refused(
        "rules:\n"
        "- {id: a, scope: helo, patterns: [{name: x, literal: d}], when: y}\n"
        "- {id: b, scope: helo, patterns: [{name: x, literal: d}, {name: x, literal: e}], when: "
        "x}\n"
        "- {id: c, scope: helo, patterns: [{literal: d}], match: all, when: {all: []}}\n"
        "- {id: d, when: {none: [x]}}\n"
        "- {id: e, when: {not: [x]}}\n"
        "- {id: f, when: &a {all: [*a]}}\n"
        "- {id: g, when: {rule: a, not: b}}\n",
        "f.yaml:2: rule 'a': expected the name of one of its patterns, not 'y'\n"
        "f.yaml:3: rule 'b': expected a name that no other pattern of the rule has\n"
        "f.yaml:4: rule 'c': expected match or when, not both\n"
        "f.yaml:4: rule 'c': expected a list of terms, not a list\n"
        "f.yaml:5: rule 'd': expected the name of a pattern, or one of rule, all, any, not, "
        "not a mapping\n"
        "f.yaml:6: rule 'e': expected the name of a pattern, or one of rule, all, any, not, "
        "not a list\n"
        "f.yaml:7: rule 'f': expected terms at most 16 deep\n"
        "f.yaml:8: rule 'g': expected the name of a pattern, or one of rule, all, any, not, "
        "not a mapping\n");
}

static void wrong_numbers(void)
{
    refused("rules:\n"
            "- id: x\n"
            "  patterns:\n"
            "  - {number: count.stars, above: 1}\n"
            "  - {number: count.parts}\n"
            "  - {number: count.parts, above: many}\n"
            "  - {number: count.parts, above: 5, below: 6}\n"
            "  - {number: count.parts, below: 0}\n"
            "  - {number: count.parts, above: 1, within: 1m}\n"
            "  - {repeats: body.hash, above: 1}\n"
            "  - {repeats: body.hash, above: 1, within: 1w}\n"
            "  - {repeats: body.hash, above: 1, within: 8d}\n"
            "  - {repeats: body, above: 1, within: 1m}\n"
            "  - {literal: a, scope: helo, above: 1}\n"
            "  - {literal: a, number: count.parts, above: 1}\n",
            "f.yaml:4: rule 'x': expected a number (count.recipients, count.received, "
            "count.header_fields, count.parts, count.attachments, count.links, message.size, "
            "body.size, attachment.size), not 'count.stars'\n"
            "f.yaml:5: rule 'x': expected above or below\n"
            "f.yaml:6: rule 'x': expected a number, as in 50, 64K, 10M or 1G, not 'many'\n"
            "f.yaml:6: rule 'x': expected above or below\n"
            "f.yaml:8: rule 'x': expected a number above 0, not '0'\n"
            "f.yaml:9: rule 'x': expected number without within, scope and flags\n"
            "f.yaml:10: rule 'x': expected repeats with within, and without scope and flags\n"
            "f.yaml:11: rule 'x': expected a time from 1s to 7d, as in 30s, 10m, 2h or 1d, not "
            "'1w'\n"
            "f.yaml:12: rule 'x': expected a time from 1s to 7d, as in 30s, 10m, 2h or 1d, not "
            "'8d'\n"
            "f.yaml:13: rule 'x': expected what repeats (client.ip, envelope.mail_from, "
            "message.id, subject, body.hash), not 'body'\n"
            "f.yaml:14: rule 'x': above, below and within are for number and repeats\n"
            "f.yaml:15: rule 'x': expected one of literal, regex, number, repeats\n");
    refused("rules: [{id: x, patterns: [{number: count.parts, above: 5, below: 6}]}]\n",
            "f.yaml:1: rule 'x': expected bounds that a number can lie between\n");
    refused("rules: [{id: x, patterns: [{repeats: subject, above: 1M, within: 1h}]}]\n",
            "f.yaml:1: rule 'x': expected a count below 1000000\n");
}

static void domains(void)
{
    struct rule_fixture f;
    struct rule_policy policy = anyone;

    rule_fixture_init(
        &f,
        "rules:\n"
        "- {id: only, scope: helo, patterns: [{literal: x}], domains: [B.test, a.test, "
        "b\u00fccher.test], action: reject, text: only, score: 1}\n"
        "- {id: but, scope: helo, patterns: [{literal: x}], except_domains: a.test, action: "
        "quarantine, score: 2}\n"
        "- {id: all, scope: helo, patterns: [{literal: x}], score: 4}\n",
        0);
    rule_match_value(f.match, RULE_SCOPE_HELO, span_text("x"));
    CHECK(rule_set_domain(f.set, span_text("c.test")) == RULE_DOMAIN_OTHER);
    CHECK(rule_set_domain(f.set, span_text("A.TEST")) != RULE_DOMAIN_OTHER);
    CHECK(rule_set_domain(f.set, span_text("xn--bcher-kva.test")) ==
          rule_set_domain(f.set, span_text("B\u00fccher.test")));
    /* Before it is known whom for. */
    CHECK(ask(&f, RULE_STAGE_MAIL, NULL).action == RULE_ACTION_NONE);
    CHECK(ask(&f, RULE_STAGE_MAIL, NULL).score == 4000);
    policy.domain = rule_set_domain(f.set, span_text("a.test"));
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).action == RULE_ACTION_REJECT);
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).score == 5000);
    CHECK(rule_match_applies(f.match, 0, &policy) && !rule_match_applies(f.match, 1, &policy));
    policy.domain = rule_set_domain(f.set, span_text("b.test"));
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).score == 7000);
    policy.domain = RULE_DOMAIN_OTHER;
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).action == RULE_ACTION_QUARANTINE);
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).score == 6000);
    rule_fixture_fini(&f);
    refused("rules:\n"
            "- {id: x, scope: helo, patterns: [{literal: x}], domains: a.test, except_domains: "
            "b.test}\n"
            "- {id: y, scope: helo, patterns: [{literal: x}], domains: ['a b']}\n"
            "- {id: z, scope: helo, patterns: [{literal: x}], domains: []}\n",
            "f.yaml:2: rule 'x': expected domains or except_domains, not both\n"
            "f.yaml:3: rule 'y': expected names of domains\n"
            "f.yaml:4: rule 'z': expected 1 to 256 of them\n");
}

static void tenants(void)
{
    struct rule_fixture f;
    struct rule_policy policy = anyone;

    rule_fixture_init(&f,
                      "rules:\n"
                      "- {id: only, scope: helo, patterns: [{literal: x}], tenants: [beta, acme], "
                      "score: 1}\n"
                      "- {id: but, scope: helo, patterns: [{literal: x}], except_tenants: acme, "
                      "score: 2}\n"
                      "- {id: both, scope: helo, patterns: [{literal: x}], tenants: acme, "
                      "except_domains: a.test, score: 4}\n",
                      0);
    rule_match_value(f.match, RULE_SCOPE_HELO, span_text("x"));
    CHECK(rule_set_tenant(f.set, span_text("ACME")) == RULE_TENANT_OTHER);
    CHECK(rule_set_tenant(f.set, span_text("default")) == RULE_TENANT_OTHER);
    CHECK(ask(&f, RULE_STAGE_MAIL, NULL).score == 0);
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).score == 2000);
    policy.tenant = rule_set_tenant(f.set, span_text("beta"));
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).score == 3000);
    policy.tenant = rule_set_tenant(f.set, span_text("acme"));
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).score == 5000);
    policy.domain = rule_set_domain(f.set, span_text("a.test"));
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).score == 1000);
    rule_fixture_fini(&f);
    refused("rules:\n- {id: y, scope: helo, patterns: [{literal: x}], tenants: ['a b']}\n",
            "f.yaml:2: rule 'y': expected names of tenants\n");
}

static void accept_stands_above_all(void)
{
    struct rule_fixture f;
    struct rule_policy policy = {.quarantine_at = 1000, .reject_at = 2000};
    struct rule_verdict v;

    rule_fixture_init(
        &f,
        "rules:\n"
        "- {id: bad, scope: helo, patterns: [{literal: b}], action: reject, text: bad, score: 5}\n"
        "- {id: friend, scope: helo, patterns: [{literal: f}], action: accept}\n"
        "- {id: late-friend, scope: body, patterns: [{literal: f}], action: accept}\n"
        "- {id: shadow-friend, scope: helo, patterns: [{literal: s}], action: accept, shadow: "
        "true}\n",
        1);
    helo(&f, "bf");
    v = ask(&f, RULE_STAGE_FINAL_DOT, &policy);
    CHECK(v.action == RULE_ACTION_ACCEPT && v.rule == 1 && v.score == 5000 && !v.by_score);
    CHECK(v.text.len == 0);
    helo(&f, "bs");
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).action == RULE_ACTION_REJECT);
    /* A friend that is known later cannot undo what was refused before. */
    helo(&f, "b");
    CHECK(ask(&f, RULE_STAGE_MAIL, NULL).action == RULE_ACTION_REJECT);
    rule_match_feed(f.match, RULE_SCOPE_BODY, span_text("f"));
    CHECK(ask(&f, RULE_STAGE_MAIL, NULL).action == RULE_ACTION_REJECT);
    CHECK(ask(&f, RULE_STAGE_FINAL_DOT, &policy).rule == 2);
    rule_fixture_fini(&f);
}

static void tags(void)
{
    struct rule_fixture f;
    const struct rule *rule;

    rule_fixture_init(&f,
                      "rules:\n"
                      "- id: t\n"
                      "  scope: helo\n"
                      "  patterns: [{literal: x}]\n"
                      "  tag: {header: ['X-Spam: yes', 'X-Why: no'], subject: '[spam] '}\n"
                      "- {id: q, scope: helo, patterns: [{literal: x}], action: quarantine, tag: "
                      "{header: 'X-Q: 1'}}\n",
                      0);
    rule = rule_set_rule(f.set, 0);
    CHECK(rule->action == RULE_ACTION_TAG && rule->tag.field_count == 2);
    CHECK_TEXT(rule->tag.fields[0], "X-Spam: yes");
    CHECK_TEXT(rule->tag.fields[1], "X-Why: no");
    CHECK_TEXT(rule->tag.subject, "[spam] ");
    CHECK(rule_set_rule(f.set, 1)->action == RULE_ACTION_QUARANTINE);
    rule_fixture_fini(&f);
    refused("rules:\n"
            "- {id: a, scope: helo, patterns: [{literal: x}], tag: {header: 'Subject: x'}}\n"
            "- {id: b, scope: helo, patterns: [{literal: x}], tag: {header: \"X-A: x\\r\\nX-B: "
            "y\"}}\n"
            "- {id: c, scope: helo, patterns: [{literal: x}], tag: {header: 'X-A'}}\n"
            "- {id: d, scope: helo, patterns: [{literal: x}], tag: {subject: 'Gr\u00fc\u00dfe'}}\n"
            "- {id: e, scope: helo, patterns: [{literal: x}], action: discard, tag: {subject: x}}\n"
            "- {id: f, scope: helo, patterns: [{literal: x}], tag: [x]}\n"
            "- {id: g, scope: helo, patterns: [{literal: x}], tag: {header: 'Content-Type: x'}}\n",
            "f.yaml:2: rule 'a': expected a header field 'Name: value' of printable ASCII, at most "
            "200 bytes, whose name says nothing of the message itself\n"
            "f.yaml:3: rule 'b': expected a header field 'Name: value' of printable ASCII, at most "
            "200 bytes, whose name says nothing of the message itself\n"
            "f.yaml:4: rule 'c': expected a header field 'Name: value' of printable ASCII, at most "
            "200 bytes, whose name says nothing of the message itself\n"
            "f.yaml:5: rule 'd': expected a subject tag of 1 to 60 printable ASCII characters\n"
            "f.yaml:6: rule 'e': tag is only for the actions tag, accept and quarantine\n"
            "f.yaml:7: rule 'f': expected a mapping of header and subject, not a list\n"
            "f.yaml:8: rule 'g': expected a header field 'Name: value' of printable ASCII, at most "
            "200 bytes, whose name says nothing of the message itself\n");
}

int main(void)
{
    check_begin();
    CHECK_CASE(numbers);
    CHECK_CASE(repeats);
    CHECK_CASE(logic);
    CHECK_CASE(logic_waits_for_its_stage);
    CHECK_CASE(wrong_logic);
    CHECK_CASE(wrong_numbers);
    CHECK_CASE(domains);
    CHECK_CASE(tenants);
    CHECK_CASE(accept_stands_above_all);
    CHECK_CASE(tags);
    return check_end();
}
