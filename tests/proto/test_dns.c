/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dns/dns_answer.h"
#include "tests/harness/check.h"

/* Names and records of DNS: every octet may come, every length may lie. */

static struct dns_name name_of(const char *text)
{
    struct dns_name name;

    CHECK(dns_name_of_text(span_text(text), &name));
    return name;
}

static void shown(const struct dns_name *name, const char *expected)
{
    uint8_t text[DNS_SHOWN_MAX];
    struct writer w = writer_of(text, sizeof(text));

    dns_name_put(&w, name);
    CHECK_TEXT(writer_span(&w), expected);
}

static void names_of_text(void)
{
    char long_label[64 + 1], most[DNS_TEXT_MAX + 2];
    struct dns_name name = name_of("Mail.Example.");

    CHECK(name.len == 14 && memcmp(name.wire, "\4Mail\7Example", 14) == 0);
    CHECK(dns_name_labels(&name) == 2 && dns_name_plain(&name));
    shown(&name, "Mail.Example");
    for (const char *const *bad = (const char *const[]){"", ".", "a..b", ".a", "a.b..", NULL}; *bad;
         bad++)
        CHECK(!dns_name_of_text(span_text(*bad), &name) && name.len == 0);
    memset(long_label, 'x', 64);
    CHECK(dns_name_of_text(span_of(long_label, 63), &name));
    CHECK(!dns_name_of_text(span_of(long_label, 64), &name));
    for (size_t i = 0; i < sizeof(most); i++)
        most[i] = i % 2 ? '.' : 'a';
    CHECK(dns_name_of_text(span_of(most, DNS_TEXT_MAX), &name) && name.len == DNS_NAME_MAX);
    CHECK(!dns_name_of_text(span_of(most, DNS_TEXT_MAX + 2), &name));
}

static void any_octet_is_shown(void)
{
    struct dns_name name = name_of("a b\x80/\"x\\");
    struct cursor c = cursor_of(span_of("\3a.b\1c\0rest", 11));

    shown(&name, "a\\032b\\128/\\\"x\\\\");
    CHECK(!dns_name_plain(&name));
    CHECK(dns_name_read(&c, &name) && cursor_left(&c) == 4 && !dns_name_plain(&name));
    shown(&name, "a\\.b.c");
    c = cursor_of(span_of("", 1));
    CHECK(dns_name_read(&c, &name) && name.len == 1 && dns_name_labels(&name) == 0);
    shown(&name, ".");
}

static void names_are_compared(void)
{
    struct dns_name a = name_of("www.Example.TEST"), b = name_of("example.test"),
                    c = name_of("notexample.test"), d = name_of("WWW.example.test");

    CHECK(dns_name_equal(&a, &d) && !dns_name_equal(&a, &b));
    CHECK(dns_name_under(&a, &b) && dns_name_under(&a, &d) && !dns_name_under(&b, &a));
    CHECK(!dns_name_under(&c, &b));
}

static void addresses_in_reverse(void)
{
    struct ip_address ip;
    struct dns_name name;

    CHECK(ip_address_parse(span_text("192.0.2.10"), &ip) && dns_name_reverse(&ip, NULL, &name));
    shown(&name, "10.2.0.192.in-addr.arpa");
    CHECK(dns_name_reverse(&ip, "list.example", &name));
    shown(&name, "10.2.0.192.list.example");
    CHECK(ip_address_parse(span_text("2001:db8::1f"), &ip) && dns_name_reverse(&ip, NULL, &name));
    shown(&name, "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

/* Whatever is cut off, nothing is read behind the end. */
static void names_are_cut_anywhere(void)
{
    static const uint8_t wire[] = "\4mail\7example";
    struct dns_name name;

    for (size_t n = 0; n <= sizeof(wire); n++) {
        struct span copy = guard_copy(span_of(wire, n), true);
        struct cursor c = cursor_of(copy);

        CHECK(dns_name_read(&c, &name) == (n >= sizeof(wire)));
        guard_free(copy);
    }
    for (const char *const *bad = (const char *const[]){"\xc0\x0c", "\x40x", "\x80", NULL}; *bad;
         bad++) {
        struct cursor c = cursor_of(span_of(*bad, strlen(*bad) + 1));

        CHECK(!dns_name_read(&c, &name) && name.len == 0);
    }
}

static void names_are_not_too_long(void)
{
    uint8_t wire[300];
    struct dns_name name;
    struct cursor c;

    for (size_t i = 0; i < sizeof(wire); i++)
        wire[i] = i % 2 ? 'a' : 1;
    wire[254] = 0;
    c = cursor_of(span_of(wire, sizeof(wire)));
    CHECK(dns_name_read(&c, &name) && name.len == 255);
    wire[254] = 1;
    wire[256] = 0;
    c = cursor_of(span_of(wire, sizeof(wire)));
    CHECK(!dns_name_read(&c, &name));
}

static void records_are_read(void)
{
    uint8_t text[16];
    struct writer w = writer_of(text, sizeof(text));
    struct ip_address ip;
    struct dns_name name;
    uint16_t preference;

    CHECK(dns_read_address(DNS_A, span_of("\300\0\2\1", 4), &ip) && ip_address_is_v4(&ip));
    CHECK(!dns_read_address(DNS_A, span_of("\300\0\2", 3), &ip));
    CHECK(!dns_read_address(DNS_AAAA, span_of("\300\0\2\1", 4), &ip));
    CHECK(!dns_read_address(DNS_TXT, span_of("\300\0\2\1", 4), &ip));
    CHECK(dns_read_mx(span_of("\1\2\1m\0", 5), &preference, &name) && preference == 258);
    shown(&name, "m");
    CHECK(!dns_read_mx(span_of("\1", 1), &preference, &name));
    CHECK(!dns_read_mx(span_of("\1\2\1m\0x", 6), &preference, &name));
    CHECK(dns_read_name(span_of("\1m\0", 3), &name) && !dns_read_name(span_of("\1m", 2), &name));
    CHECK(dns_read_text(span_of("\2ab\0\1c", 6), &w));
    CHECK_TEXT(writer_span(&w), "abc");
    CHECK(!dns_read_text(span_of("\3ab", 3), &w));
    CHECK(!dns_read_text(span_of("\x11"
                                 "12345678901234567",
                                 18),
                         &w));
}

static void words(void)
{
    uint8_t text[16];
    struct writer w = writer_of(text, sizeof(text));

    for (int i = 0; i < DNS_OUTCOMES; i++)
        CHECK(dns_outcome_word(i)[0] && dns_outcome_what(i)[0]);
    dns_type_put(&w, DNS_AAAA);
    dns_type_put(&w, 99);
    CHECK_TEXT(writer_span(&w), "AAAATYPE99");
}

int main(void)
{
    check_begin();
    CHECK_CASE(names_of_text);
    CHECK_CASE(any_octet_is_shown);
    CHECK_CASE(names_are_compared);
    CHECK_CASE(addresses_in_reverse);
    CHECK_CASE(names_are_cut_anywhere);
    CHECK_CASE(names_are_not_too_long);
    CHECK_CASE(records_are_read);
    CHECK_CASE(words);
    return check_end();
}
