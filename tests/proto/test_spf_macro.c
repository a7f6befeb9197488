/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "proto/spf/spf_macro.h"
#include "tests/harness/check.h"

/* Macro strings, by the examples of RFC 7208 section 7.4 and by what is wrong with others. */

static struct spf_macro_values values(const char *ip)
{
    struct spf_macro_values v = {.local = span_text("strong-bad"),
                                 .origin = span_text("email.example.com"),
                                 .domain = span_text("email.example.com"),
                                 .validated = span_text("mx.example.org"),
                                 .helo = span_text("mail.example.net"),
                                 .receiver = span_text("mx.receiver.test"),
                                 .now = 1234567890};

    CHECK(ip_address_parse(span_text(ip), &v.ip));
    return v;
}

static bool becomes(const char *ip, const char *text, const char *expected)
{
    struct spf_macro_values v = values(ip);
    uint8_t out[SPF_EXPANDED_MAX];
    struct writer w = writer_of(out, sizeof(out));

    CHECK(spf_macro_check(span_text(text), SPF_MACRO_DOMAIN) == SPF_MACRO_GOOD);
    spf_macro_domain(span_text(text), &v, &w);
    return span_equal(writer_span(&w), span_text(expected));
}

static void examples_of_the_rfc(void)
{
    static const char v4[] = "192.0.2.3", v6[] = "2001:db8::cb01";

    CHECK(becomes(v4, "%{s}", "strong-bad@email.example.com"));
    CHECK(becomes(v4, "%{o}", "email.example.com"));
    CHECK(becomes(v4, "%{d}", "email.example.com"));
    CHECK(becomes(v4, "%{d4}", "email.example.com"));
    CHECK(becomes(v4, "%{d3}", "email.example.com"));
    CHECK(becomes(v4, "%{d2}", "example.com"));
    CHECK(becomes(v4, "%{d1}", "com"));
    CHECK(becomes(v4, "%{dr}", "com.example.email"));
    CHECK(becomes(v4, "%{d2r}", "example.email"));
    CHECK(becomes(v4, "%{l}", "strong-bad"));
    CHECK(becomes(v4, "%{l-}", "strong.bad"));
    CHECK(becomes(v4, "%{lr}", "strong-bad"));
    CHECK(becomes(v4, "%{lr-}", "bad.strong"));
    CHECK(becomes(v4, "%{l1r-}", "strong"));
    CHECK(becomes(v4, "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"));
    CHECK(becomes(v4, "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"));
    CHECK(becomes(v4, "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
                  "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"));
    CHECK(becomes(v4, "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
                  "3.2.0.192.in-addr.strong.lp._spf.example.com"));
    CHECK(becomes(v4, "%{d2}.trusted-domains.example.net",
                  "example.com.trusted-domains.example.net"));
    CHECK(becomes(v6, "%{ir}.%{v}._spf.%{d2}",
                  "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf."
                  "example.com"));
}

static void letters_and_escapes(void)
{
    CHECK(becomes("192.0.2.3", "%{p}.%{h}", "mx.example.org.mail.example.net"));
    CHECK(becomes("192.0.2.3", "%{S}", "strong-bad%40email.example.com"));
    CHECK(becomes("192.0.2.3", "%%a%_b%-c.test", "%a b%20c.test"));
    CHECK(becomes("192.0.2.3", "%{d127}.%{D1R}.", "email.example.com.email"));
}

static void what_is_wrong(void)
{
    static const char *const bad[] = {"%",      "%a",     "%{",     "%{}",    "%{x}",  "%{d",
                                      "%{d0}",  "%{d0r}", "%{d2x}", "%{dr2}", "%{d@}", "%(ir)",
                                      "%{d-r}", "%{ d}",  "%{d}%",  "%{d,;}"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(spf_macro_check(span_text(bad[i]), SPF_MACRO_TEXT) == SPF_MACRO_BAD_MACRO);
    for (const char *letter = "crtCRT"; *letter; letter++) {
        char text[] = "%{x}";

        text[2] = *letter;
        CHECK(spf_macro_check(span_text(text), SPF_MACRO_DOMAIN) == SPF_MACRO_BAD_MACRO);
        CHECK(spf_macro_check(span_text(text), SPF_MACRO_TEXT) == SPF_MACRO_GOOD);
    }
    CHECK(spf_macro_check(span_text("a b"), SPF_MACRO_TEXT) == SPF_MACRO_GOOD);
    CHECK(spf_macro_check(span_text("a b"), SPF_MACRO_DOMAIN) == SPF_MACRO_BAD_CHARACTER);
    CHECK(spf_macro_check(span_text("a\x80"), SPF_MACRO_TEXT) == SPF_MACRO_BAD_CHARACTER);
    CHECK(spf_macro_check(span_of("a\0", 2), SPF_MACRO_TEXT) == SPF_MACRO_BAD_CHARACTER);
    CHECK(spf_macro_check(span_text("a\tb"), SPF_MACRO_TEXT) == SPF_MACRO_BAD_CHARACTER);
}

static void ends_of_domains(void)
{
    static const char *const good[] = {"a.b",   "a.b.",         "%{d}", "x%{d}",  "%{d}.com",
                                       "a.1-2", "a.xn--zckzah", "a.%%", "a:/b.c1"};
    static const char *const bad[] = {"",        "a",     "a.",  "a.1",   "a.-b",     "a.b-",
                                      "%{d}com", "a.b:1", "a..", "a.b/c", "%{d.}com", "1.2.3.4"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(spf_macro_ends(span_text(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!spf_macro_ends(span_text(bad[i])));
}

static void letters_are_found(void)
{
    CHECK(spf_macro_has(span_text("a.%{P2r}.b"), 'p') && !spf_macro_has(span_text("%%{p}"), 'p'));
    CHECK(!spf_macro_has(span_text("p.%{d}"), 'p'));
}

/* Section 7.3: labels are dropped from the left until 253 characters are left. */
static void long_domains_lose_labels(void)
{
    struct spf_macro_values v = values("192.0.2.1");
    char text[4096] = "", label[201];
    uint8_t out[SPF_EXPANDED_MAX];
    struct writer w = writer_of(out, sizeof(out));

    for (int i = 0; i < 700; i++)
        strcat(text, "%{d}.");
    strcat(text, "end.test");
    spf_macro_domain(span_text(text), &v, &w);
    CHECK(w.len <= 253 && w.len > 253 - 8);
    CHECK(memcmp(out, "email.", 6) == 0 || memcmp(out, "example.", 8) == 0 ||
          memcmp(out, "com.", 4) == 0);
    CHECK(memcmp(out + w.len - 27, ".email.example.com.end.test", 27) == 0);
    /* One label that is too long in itself: nothing is left of it. */
    memset(label, 'x', 200);
    label[200] = 0;
    snprintf(text, sizeof(text), "%s%s", label, label);
    w = writer_of(out, sizeof(out));
    spf_macro_domain(span_text(text), &v, &w);
    CHECK(w.len == 0 && !w.full);
}

static void explanations(void)
{
    struct spf_macro_values v = values("2001:db8::CB01");
    uint8_t out[500];
    struct writer w = writer_of(out, sizeof(out));
    char text[8 * 1024];

    CHECK(spf_macro_text(span_text("%{c} at %{t} says %{r}%_%%"), &v, &w));
    CHECK_TEXT(writer_span(&w), "2001:db8::cb01 at 1234567890 says mx.receiver.test %");
    memset(text, 'x', sizeof(text));
    w = writer_of(out, sizeof(out));
    CHECK(!spf_macro_text(span_of(text, 501), &v, &w));
    w = writer_of(out, sizeof(out));
    CHECK(!spf_macro_text(span_of(text, sizeof(text)), &v, &w));
}

/* As long as values may be, every one of their bytes a delimiter. */
static void many_parts(void)
{
    struct spf_macro_values v = values("192.0.2.1");
    char dots[255];
    uint8_t out[SPF_EXPANDED_MAX];
    struct writer w = writer_of(out, sizeof(out));

    memset(dots, '-', sizeof(dots));
    v.local = v.origin = span_of(dots, sizeof(dots));
    spf_macro_domain(span_text("%{S99999999999999999999r-}.x.test"), &v, &w);
    CHECK(!w.full && w.len <= 253);
}

int main(void)
{
    check_begin();
    CHECK_CASE(examples_of_the_rfc);
    CHECK_CASE(letters_and_escapes);
    CHECK_CASE(what_is_wrong);
    CHECK_CASE(ends_of_domains);
    CHECK_CASE(letters_are_found);
    CHECK_CASE(long_domains_lose_labels);
    CHECK_CASE(explanations);
    CHECK_CASE(many_parts);
    return check_end();
}
