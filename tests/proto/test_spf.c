/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/check.h"
#include "tests/proto/spf_play.h"

/* check_host(): what the published suite does not try, and the limits. */

static struct spf_check c;
static unsigned asked;

static struct spf_query query_of(const char *ip)
{
    struct spf_query q = {.helo = span_text("mail.a.test"),
                          .local = span_text("user"),
                          .domain = span_text("a.test"),
                          .voids_max = SPF_VOIDS_DEFAULT};

    CHECK(ip_address_parse(span_text(ip), &q.ip));
    return q;
}

static enum spf_result check(const char *ip, const struct spf_play_row *rows, size_t count)
{
    struct spf_query q = query_of(ip);

    asked = spf_play(&c, &q, rows, count, NULL, NULL);
    CHECK(asked == c.questions && asked <= SPF_QUESTIONS_MAX && c.lookups <= SPF_LOOKUPS_MAX);
    return c.result;
}

#define RESULT(ip, ...)                                                                            \
    check(ip, (const struct spf_play_row[]){__VA_ARGS__},                                          \
          sizeof((const struct spf_play_row[]){__VA_ARGS__}) / sizeof(struct spf_play_row))
#define TXT(name, text)                                                                            \
    {                                                                                              \
        name, DNS_TXT, text, 0                                                                     \
    }

static void syntax_errors_have_names(void)
{
    static const struct {
        const char *term;
        enum spf_reason reason;
    } rows[] = {
        {"foo", SPF_MECHANISM},
        {"+redirect=b.test", SPF_MECHANISM},
        {"all:b.test", SPF_ARGUMENT},
        {"include", SPF_ARGUMENT},
        {"include:", SPF_ARGUMENT},
        {"exists/24", SPF_ARGUMENT},
        {"a/33", SPF_PREFIX},
        {"a//129", SPF_PREFIX},
        {"a/", SPF_PREFIX},
        {"mx/024", SPF_PREFIX},
        {"a:b", SPF_DOMAIN},
        {"a:b.test/c", SPF_DOMAIN},
        {"ptr:b.1", SPF_DOMAIN},
        {"a:%{x}", SPF_MACRO},
        {"exp=%{c}.b.test", SPF_MACRO},
        {"x=%", SPF_MACRO},
        {"ip4:1.2.3", SPF_ADDRESS},
        {"ip4:::1", SPF_ADDRESS},
        {"ip6:1.2.3.4", SPF_ADDRESS},
        {"ip4:1.2.3.4/33", SPF_PREFIX},
        {"ip6:::1/129", SPF_PREFIX},
        {"ip4:1.2.3.4/", SPF_PREFIX},
        {"exp=b.test exp=b.test", SPF_MODIFIER},
        {"redirect=b.test redirect=c.test", SPF_MODIFIER},
        {"a:b.t\x80st", SPF_CHARACTER},
        {"\tall", SPF_CHARACTER},
        {"redirect=", SPF_ARGUMENT},
    };
    char record[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* Errors are found before anything is evaluated (section 4.6). */
        snprintf(record, sizeof(record), "v=spf1 ip4:192.0.2.1 %s", rows[i].term);
        CHECK(RESULT("192.0.2.1", TXT("a.test", record)) == SPF_RESULT_PERMERROR);
        CHECK(c.reason == rows[i].reason && c.fault.len);
    }
}

static void identities(void)
{
    struct spf_query q = query_of("192.0.2.1");
    static const struct spf_play_row rows[] = {TXT("a.test", "v=spf1 exists:%{l}.b.test -all"),
                                               {"postmaster.b.test", DNS_A, "127.0.0.2", 0}};
    static const char *const none[] = {"", "test", "[192.0.2.1]", "a..test", "a b.test", "a.t\xc3"};
    char long_text[300];

    q.local = span_text("");
    spf_play(&c, &q, rows, 2, NULL, NULL);
    CHECK(c.result == SPF_RESULT_PASS && c.lookups == 1);
    q.domain = span_text("A.TEST.");
    spf_play(&c, &q, rows, 2, NULL, NULL);
    CHECK(c.result == SPF_RESULT_PASS);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        q.domain = span_text(none[i]);
        CHECK(spf_play(&c, &q, rows, 2, NULL, NULL) == 0);
        CHECK(c.result == SPF_RESULT_NONE && c.reason == SPF_NO_DOMAIN);
    }
    memset(long_text, 'x', sizeof(long_text));
    q.domain = span_text("a.test");
    q.local = span_of(long_text, 256);
    CHECK(spf_play(&c, &q, rows, 2, NULL, NULL) == 0 && c.result == SPF_RESULT_NONE);
    q.local = span_of(long_text, 255);
    CHECK(spf_play(&c, &q, rows, 2, NULL, NULL) == 2 && c.result == SPF_RESULT_FAIL);
    q.domain = span_of(long_text, 300);
    CHECK(spf_play(&c, &q, rows, 2, NULL, NULL) == 0 && c.result == SPF_RESULT_NONE);
}

/* What each outcome comes to, for the record itself, for a mechanism, for hosts, for names of the
 * address and for an explanation. */
static void outcomes(void)
{
    static const struct {
        enum dns_outcome outcome;
        enum spf_result record, mechanism, host, pointer;
    } rows[] = {
        {DNS_NO_DATA, SPF_RESULT_NONE, SPF_RESULT_FAIL, SPF_RESULT_FAIL, SPF_RESULT_FAIL},
        {DNS_NXDOMAIN, SPF_RESULT_NONE, SPF_RESULT_FAIL, SPF_RESULT_FAIL, SPF_RESULT_FAIL},
        {DNS_SERVFAIL, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR,
         SPF_RESULT_FAIL},
        {DNS_TIMEOUT, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR,
         SPF_RESULT_FAIL},
        {DNS_BOGUS, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR,
         SPF_RESULT_FAIL},
        {DNS_REFUSED, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR,
         SPF_RESULT_FAIL},
        {DNS_LOOP, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR,
         SPF_RESULT_FAIL},
        {DNS_BUSY, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR,
         SPF_RESULT_FAIL},
        {DNS_FAILED, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR, SPF_RESULT_TEMPERROR,
         SPF_RESULT_FAIL},
        {DNS_TOO_LARGE, SPF_RESULT_PERMERROR, SPF_RESULT_PERMERROR, SPF_RESULT_PERMERROR,
         SPF_RESULT_FAIL},
    };

    CHECK(sizeof(rows) / sizeof(rows[0]) == DNS_OUTCOMES - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum dns_outcome o = rows[i].outcome;

        CHECK(RESULT("192.0.2.1", {"a.test", DNS_TXT, NULL, o}) == rows[i].record);
        CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 a -all"), {"a.test", DNS_A, NULL, o}) ==
              rows[i].mechanism);
        CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 mx -all"), {"a.test", DNS_MX, "b.test", 0},
                     {"b.test", DNS_A, NULL, o}) == rows[i].host);
        CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 ptr -all"),
                     {"1.2.0.192.in-addr.arpa", DNS_PTR, NULL, o}) == rows[i].pointer);
        CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 ptr -all"),
                     {"1.2.0.192.in-addr.arpa", DNS_PTR, "b.a.test", 0},
                     {"b.a.test", DNS_A, NULL, o}) == SPF_RESULT_FAIL);
        CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 -all exp=e.test"),
                     {"e.test", DNS_TXT, NULL, o}) == SPF_RESULT_FAIL &&
              c.explanation.len == 0 && asked == 2);
    }
}

static void includes_and_redirects(void)
{
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 ?include:b.test -all"),
                 TXT("b.test", "v=spf1 redirect=c.test"),
                 TXT("c.test", "v=spf1 ip4:192.0.2.0/24")) == SPF_RESULT_NEUTRAL);
    CHECK(c.reason == SPF_MATCH && c.lookups == 2);
    CHECK_TEXT(c.fault, "?include:b.test");
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 include:b.test ~all"),
                 TXT("b.test", "v=spf1 redirect=c.test")) == SPF_RESULT_PERMERROR);
    CHECK(c.reason == SPF_REDIRECT_NONE);
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 include:b.test ~all")) == SPF_RESULT_PERMERROR);
    CHECK(c.reason == SPF_INCLUDE_NONE);
    /* Records behind an include and behind a redirect are read where the ones before them were. */
    CHECK(RESULT("192.0.2.9", TXT("a.test", "v=spf1 include:b.test include:b.test redirect=c.test"),
                 TXT("b.test", "v=spf1 ip4:192.0.2.1 -all"),
                 TXT("c.test", "v=spf1 include:b.test redirect=d.test exp=no.test"),
                 TXT("d.test", "v=spf1 -all exp=e.test"),
                 TXT("e.test", "%{d} has %{o}")) == SPF_RESULT_FAIL);
    CHECK_TEXT(writer_span(&c.explanation), "d.test has a.test");
}

static void addresses_of_two_families(void)
{
    CHECK(RESULT("2001:db8::1", TXT("a.test", "v=spf1 a//32 -all"),
                 {"a.test", DNS_AAAA, "2001:db8:ffff::9", 0}) == SPF_RESULT_PASS);
    CHECK(RESULT("2001:db9::1", TXT("a.test", "v=spf1 a//32 -all"),
                 {"a.test", DNS_AAAA, "2001:db8:ffff::9", 0}) == SPF_RESULT_FAIL);
    CHECK(RESULT("::ffff:192.0.2.1", TXT("a.test", "v=spf1 ip4:192.0.2.0/31 -all")) ==
          SPF_RESULT_PASS);
    /* Everybody's IPv6 is nobody's IPv4. */
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 ip6:::/0 ip6:::ffff:192.0.2.1 -all")) ==
          SPF_RESULT_FAIL);
    CHECK(RESULT("2001:db8::1", TXT("a.test", "v=spf1 ip4:0.0.0.0/0 -all")) == SPF_RESULT_FAIL);
    CHECK(RESULT("2001:db8::1", TXT("a.test", "v=spf1 ip6:::ffff:0:0/0 -all")) == SPF_RESULT_PASS);
}

static void names_of_the_address(void)
{
    /* Only names that lead back count; a name below the domain comes before another. */
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 exists:%{p}.x.test -all"),
                 {"1.2.0.192.in-addr.arpa", DNS_PTR, "z.test", 0},
                 {"1.2.0.192.in-addr.arpa", DNS_PTR, "liar.a.test", 0},
                 {"1.2.0.192.in-addr.arpa", DNS_PTR, "m.a.test", 0},
                 {"z.test", DNS_A, "192.0.2.1", 0}, {"liar.a.test", DNS_A, "192.0.2.2", 0},
                 {"m.a.test", DNS_A, "192.0.2.1", 0},
                 {"m.a.test.x.test", DNS_A, "127.0.0.1", 0}) == SPF_RESULT_PASS);
    CHECK(c.lookups == 1 && asked == 6);
    /* They are found once. */
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 ptr ptr:b.test -exists:%{p}.x.test ?all"),
                 {"1.2.0.192.in-addr.arpa", DNS_PTR, "z.test", 0},
                 {"z.test", DNS_A, "192.0.2.1", 0}) == SPF_RESULT_NEUTRAL);
    CHECK(c.lookups == 3 && asked == 4);
}

static void null_mx_is_nobody(void)
{
    struct spf_query q = query_of("192.0.2.1");
    struct span text = span_of("\x0ev=spf1 mx ~all", 15), root = span_of("\0\0\0", 3);

    spf_check_init(&c, &q, NULL, NULL);
    CHECK(spf_check_next(&c) == SPF_ASK);
    spf_check_answer(&c, &(struct dns_answer){.count = 1, .records = &text});
    CHECK(spf_check_next(&c) == SPF_ASK && c.question.type == DNS_MX);
    spf_check_answer(&c, &(struct dns_answer){.count = 1, .records = &root});
    CHECK(spf_check_next(&c) == SPF_DONE && c.result == SPF_RESULT_SOFTFAIL && c.voids == 0);
}

static void void_lookups(void)
{
    struct spf_query q = query_of("192.0.2.1");
    static const struct spf_play_row rows[] = {
        TXT("a.test", "v=spf1 a:b.test mx:b.test exists:b.test ptr -all")};

    spf_play(&c, &q, rows, 1, NULL, NULL);
    CHECK(c.result == SPF_RESULT_PERMERROR && c.reason == SPF_VOIDS && c.voids == 2);
    CHECK_TEXT(c.fault, "exists:b.test");
    q.voids_max = 3;
    spf_play(&c, &q, rows, 1, NULL, NULL);
    CHECK(c.reason == SPF_VOIDS);
    CHECK_TEXT(c.fault, "ptr");
    q.voids_max = 4;
    spf_play(&c, &q, rows, 1, NULL, NULL);
    CHECK(c.result == SPF_RESULT_FAIL && c.voids == 4);
    q.voids_max = 0;
    spf_play(&c, &q, rows, 1, NULL, NULL);
    CHECK(c.reason == SPF_VOIDS && c.voids == 0);
}

/* As many questions as there can be: each of ten terms names ten hosts. */
static void no_more_questions_than_promised(void)
{
    struct spf_play_row rows[64] = {
        TXT("a.test", "v=spf1 mx mx mx mx mx mx mx mx mx exists:%{p}.a.test -all exp=e.test"),
        TXT("e.test", "no")};
    char names[20][8];
    size_t count = 2;

    for (size_t i = 0; i < 10; i++) {
        snprintf(names[i], sizeof(names[i]), "h%zu.test", i);
        rows[count++] = (struct spf_play_row){"a.test", DNS_MX, names[i], 0};
        rows[count++] = (struct spf_play_row){names[i], DNS_A, "192.0.2.9", 0};
        rows[count++] = (struct spf_play_row){"1.2.0.192.in-addr.arpa", DNS_PTR, names[i], 0};
    }
    CHECK(check("192.0.2.1", rows, count) == SPF_RESULT_FAIL);
    CHECK(asked == 1 + 9 * 11 + 11 + 1 + 1 && c.explanation.len == 2);
    rows[count++] = (struct spf_play_row){"a.test", DNS_MX, "more.test", 0};
    CHECK(check("192.0.2.1", rows, count) == SPF_RESULT_PERMERROR && c.reason == SPF_MX_HOSTS);
}

static void loops_end(void)
{
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 include:a.test -all")) == SPF_RESULT_PERMERROR);
    CHECK(c.reason == SPF_LOOKUPS && asked == 11);
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 redirect=a.test")) == SPF_RESULT_PERMERROR);
    CHECK(c.reason == SPF_LOOKUPS && asked == 11);
}

static void a_thousand_includes(void)
{
    static char record[20000];

    strcpy(record, "v=spf1");
    for (int i = 0; i < 1000; i++)
        strcat(record, " include:b.test");
    CHECK(RESULT("192.0.2.1", TXT("a.test", record), TXT("b.test", "v=spf1 -all")) ==
          SPF_RESULT_PERMERROR);
    CHECK(c.reason == SPF_LOOKUPS && asked == 11);
}

/* 64 KB is more than is read, whether it is one record or a chain of them. */
static void long_records(void)
{
    static char record[65000], half[9000];

    strcpy(record, "v=spf1");
    memset(record + 6, ' ', sizeof(record) - 7);
    CHECK(RESULT("192.0.2.1", TXT("a.test", record)) == SPF_RESULT_PERMERROR);
    CHECK(c.reason == SPF_RECORD_LONG && asked == 1);
    record[SPF_TEXT_MAX] = 0;
    CHECK(RESULT("192.0.2.1", TXT("a.test", record)) == SPF_RESULT_NEUTRAL);
    memset(record, 'x', SPF_TEXT_MAX);
    CHECK(RESULT("192.0.2.1", TXT("a.test", record)) == SPF_RESULT_NONE);
    strcpy(half, "v=spf1 include:a.test ");
    memset(half + strlen(half), ' ', sizeof(half) - strlen(half) - 1);
    CHECK(RESULT("192.0.2.1", TXT("a.test", half)) == SPF_RESULT_PERMERROR);
    CHECK(c.reason == SPF_RECORD_LONG && asked == 2);
    /* One after the other they may be as long as they like. */
    memcpy(half, "v=spf1 ip4:192.0.2.2 ", 21);
    CHECK(RESULT("192.0.2.1", TXT("a.test", "v=spf1 include:b.test include:b.test redirect=b.test"),
                 TXT("b.test", half)) == SPF_RESULT_NEUTRAL);
}

static void a_check_can_expire(void)
{
    struct spf_query q = query_of("192.0.2.1");
    struct span text = span_of("\x16v=spf1 -all exp=e.test", 23);

    spf_check_init(&c, &q, NULL, NULL);
    CHECK(spf_check_next(&c) == SPF_ASK);
    spf_check_expire(&c);
    CHECK(spf_check_next(&c) == SPF_DONE && c.result == SPF_RESULT_TEMPERROR &&
          c.reason == SPF_TIME);
    /* Of an explanation that does not come the result does not depend. */
    spf_check_init(&c, &q, NULL, NULL);
    CHECK(spf_check_next(&c) == SPF_ASK);
    spf_check_answer(&c, &(struct dns_answer){.count = 1, .records = &text});
    CHECK(spf_check_next(&c) == SPF_ASK && c.question.type == DNS_TXT);
    spf_check_expire(&c);
    CHECK(spf_check_next(&c) == SPF_DONE && c.result == SPF_RESULT_FAIL && c.reason == SPF_MATCH);
}

/* Records may be cut into strings anywhere, and mean the same. */
static void strings_are_cut_anywhere(void)
{
    static const char record[] = "v=spf1 ip4:192.0.2.7 include:%{l}.b.test -all";
    struct spf_query q = query_of("192.0.2.1");
    uint8_t bytes[128];

    for (size_t at = 0; at < sizeof(record); at++) {
        struct writer w = writer_of(bytes, sizeof(bytes));
        struct span head = span_of(record, at),
                    tail = span_of(record + at, sizeof(record) - 1 - at), copy;

        writer_byte(&w, (uint8_t)head.len);
        writer_span_put(&w, head);
        writer_byte(&w, 0);
        writer_byte(&w, (uint8_t)tail.len);
        writer_span_put(&w, tail);
        copy = guard_copy(writer_span(&w), true);
        spf_check_init(&c, &q, NULL, NULL);
        CHECK(spf_check_next(&c) == SPF_ASK);
        spf_check_answer(&c, &(struct dns_answer){.count = 1, .records = &copy});
        guard_free(copy);
        CHECK(spf_check_next(&c) == SPF_ASK && c.question.type == DNS_TXT);
        CHECK(c.question.name.len == 13 && memcmp(c.question.name.wire, "\4user\1b", 7) == 0);
    }
}

static void count_step(void *context, const struct spf_step *step)
{
    unsigned *kinds = context;

    CHECK(step->depth <= 1 && step->domain.len && spf_step_word(step->kind)[0]);
    kinds[step->kind]++;
}

static void steps_are_told(void)
{
    struct spf_query q = query_of("192.0.2.1");
    static const struct spf_play_row rows[] = {
        TXT("a.test", "v=spf1 include:b.test ip4:192.0.2.2 redirect=c.test"),
        TXT("b.test", "v=spf1 -all"), TXT("c.test", "v=spf1 -all exp=e.test"), TXT("e.test", "x")};
    unsigned kinds[SPF_STEPS] = {0};

    spf_play(&c, &q, rows, 4, count_step, kinds);
    CHECK(kinds[SPF_STEP_QUESTION] == 4 && kinds[SPF_STEP_RECORD] == 3 &&
          kinds[SPF_STEP_TERM] == 4 && kinds[SPF_STEP_INCLUDED] == 1 &&
          kinds[SPF_STEP_REDIRECT] == 1 && kinds[SPF_STEP_EXPLANATION] == 1);
    for (int i = 0; i < SPF_RESULTS; i++)
        CHECK(spf_result_word(i)[0]);
    for (int i = 0; i < SPF_REASONS; i++)
        CHECK(spf_reason_word(i)[0] && spf_reason_what(i)[0]);
}

int main(void)
{
    check_begin();
    CHECK_CASE(syntax_errors_have_names);
    CHECK_CASE(identities);
    CHECK_CASE(outcomes);
    CHECK_CASE(includes_and_redirects);
    CHECK_CASE(addresses_of_two_families);
    CHECK_CASE(names_of_the_address);
    CHECK_CASE(null_mx_is_nobody);
    CHECK_CASE(void_lookups);
    CHECK_CASE(no_more_questions_than_promised);
    CHECK_CASE(loops_end);
    CHECK_CASE(a_thousand_includes);
    CHECK_CASE(long_records);
    CHECK_CASE(a_check_can_expire);
    CHECK_CASE(strings_are_cut_anywhere);
    CHECK_CASE(steps_are_told);
    return check_end();
}
