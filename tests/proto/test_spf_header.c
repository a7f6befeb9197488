/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "proto/spf/spf_header.h"
#include "tests/harness/check.h"
#include "tests/proto/spf_play.h"

/* The fields that tell a result: their words, and what peers wrote in them. */

static struct spf_check c;
static uint8_t bytes[2][SPF_HEADER_MAX];
static struct writer received, results;

static void play(const char *ip, struct span local, const char *domain, const char *helo,
                 const char *receiver, bool is_helo)
{
    static const struct spf_play_row rows[] = {
        {"pass.test", DNS_TXT, "v=spf1 ip4:192.0.2.0/24 all", 0},
        {"fail.test", DNS_TXT, "v=spf1 -all", 0},
        {"soft.test", DNS_TXT, "v=spf1 ~all", 0},
        {"neutral.test", DNS_TXT, "v=spf1", 0},
        {"perm.test", DNS_TXT, "v=spf1 what", 0},
        {"temp.test", DNS_TXT, NULL, DNS_SERVFAIL}};
    struct spf_query q = {
        .local = local, .domain = span_text(domain), .helo = span_text(helo), .voids_max = 2};

    CHECK(ip_address_parse(span_text(ip), &q.ip));
    spf_play(&c, &q, rows, sizeof(rows) / sizeof(rows[0]), NULL, NULL);
    received = writer_of(bytes[0], sizeof(bytes[0]));
    results = writer_of(bytes[1], sizeof(bytes[1]));
    spf_header_received(&received, &c, span_text(receiver), is_helo);
    spf_header_results(&results, &c, span_text(receiver), is_helo);
    CHECK(!received.full && !results.full);
}

#define SENT(domain) play("192.0.2.1", span_text("u"), domain, "h.test", "mx.r.test", false)

static void each_result_has_its_words(void)
{
    SENT("pass.test");
    CHECK_TEXT(writer_span(&received),
               "Received-SPF: pass (mx.r.test: domain of u@pass.test designates 192.0.2.1 as\r\n"
               " permitted sender) client-ip=192.0.2.1; envelope-from=\"u@pass.test\";\r\n"
               " helo=h.test; receiver=mx.r.test; identity=mailfrom;\r\n"
               " mechanism=\"ip4:192.0.2.0/24\";\r\n");
    CHECK_TEXT(writer_span(&results),
               "Authentication-Results: mx.r.test; spf=pass smtp.mailfrom=u@pass.test\r\n");
    SENT("fail.test");
    CHECK_TEXT(writer_span(&received),
               "Received-SPF: fail (mx.r.test: domain of u@fail.test does not designate\r\n"
               " 192.0.2.1 as permitted sender) client-ip=192.0.2.1;\r\n"
               " envelope-from=\"u@fail.test\"; helo=h.test; receiver=mx.r.test;\r\n"
               " identity=mailfrom; mechanism=-all;\r\n");
    SENT("neutral.test");
    CHECK(memmem(bytes[0], received.len, "neither permits nor\r\n denies 192.0.2.1) ", 40) != NULL);
    SENT("perm.test");
    CHECK_TEXT(writer_span(&results),
               "Authentication-Results: mx.r.test; spf=permerror reason=\"no such mechanism\"\r\n"
               " smtp.mailfrom=u@perm.test\r\n");
    SENT("temp.test");
    CHECK_TEXT(writer_span(&received),
               "Received-SPF: temperror (mx.r.test: temporary error in processing domain of\r\n"
               " u@temp.test) client-ip=192.0.2.1; envelope-from=\"u@temp.test\"; helo=h.test;\r\n"
               " receiver=mx.r.test; identity=mailfrom;\r\n"
               " problem=\"a question to DNS was not answered\";\r\n");
    SENT("none.test");
    CHECK(memmem(bytes[0], received.len, "no SPF record for u@none.test)", 30) != NULL);
    play("2001:db8::1", span_text(""), "soft.test", "soft.test", "mx.r.test", true);
    CHECK_TEXT(writer_span(&received),
               "Received-SPF: softfail (mx.r.test: transitioning domain of soft.test does not\r\n"
               " designate 2001:db8::1 as permitted sender) client-ip=\"2001:db8::1\";\r\n"
               " helo=soft.test; receiver=mx.r.test; identity=helo; mechanism=~all;\r\n");
    CHECK_TEXT(writer_span(&results),
               "Authentication-Results: mx.r.test; spf=softfail smtp.helo=soft.test\r\n");
}

static void what_peers_wrote_is_quoted(void)
{
    play("192.0.2.1", span_of("a)(b\"\\c\r\nX: y\0", 14), "fail.test", "(h \"x\" ;\x80",
         "mx.r.test", false);
    CHECK_TEXT(writer_span(&results), "Authentication-Results: mx.r.test; spf=fail\r\n"
                                      " smtp.mailfrom=\"a)(b\\\"\\\\c??X: y?\"@fail.test\r\n");
    CHECK(memmem(bytes[0], received.len, "a\\)\\(b\"\\\\c??X: y?@fail.test", 26) != NULL);
    CHECK(memmem(bytes[0], received.len, "helo=\"(h \\\"x\\\" ;?\";", 19) != NULL);
    play("192.0.2.1", span_text("b"), "[192.0.2.1]", "x", "not an id;", false);
    CHECK_TEXT(writer_span(&results), "Authentication-Results: \"not an id;\"; spf=none "
                                      "smtp.mailfrom=\"[192.0.2.1]\"\r\n");
    play("192.0.2.1", span_text("a..b"), "fail.test", "", "mx.r.test", false);
    CHECK(memmem(bytes[1], results.len, "=\"a..b\"@fail.test\r\n", 18) != NULL);
    CHECK(memmem(bytes[0], received.len, "helo=\"\";", 8) != NULL);
}

/* The longest of everything, each octet escaped: lines stay below 998. */
static void nothing_is_too_long(void)
{
    char local[255], helo[256], domain[254];
    size_t line = 0;

    memset(local, '"', sizeof(local));
    memset(helo, '\\', sizeof(helo) - 1);
    helo[255] = 0;
    for (size_t i = 0; i < 253; i++)
        domain[i] = i % 2 ? '.' : 'a';
    domain[253] = 0;
    play("2001:db8:1234:5678:9abc:def0:1234:5678", span_of(local, sizeof(local)), domain, helo,
         helo, false);
    CHECK(received.len > 2000 && received.len < SPF_HEADER_MAX);
    for (size_t i = 0; i < received.len; i++) {
        line = bytes[0][i] == '\n' ? 0 : line + 1;
        CHECK(line <= 998);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(each_result_has_its_words);
    CHECK_CASE(what_peers_wrote_is_quoted);
    CHECK_CASE(nothing_is_too_long);
    return check_end();
}
