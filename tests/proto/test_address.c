/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address.h"
#include "tests/harness/check.h"

#include <stdio.h>

#define L64 "1234567890123456789012345678901234567890123456789012345678901234"
#define L63 "123456789012345678901234567890123456789012345678901234567890123"

static enum address_status read_path(const char *text, unsigned options, struct address *a)
{
    struct span s = span_text(text);

    return address_path(&s, options, a);
}

static void good_paths_are_read(void)
{
    static const struct {
        const char *path, *local, *domain;
        enum address_kind kind;
    } rows[] = {
        {"<a@b>", "a", "b", ADDRESS_DOMAIN},
        {"<Fred.Foobar+x@Example.COM>", "Fred.Foobar+x", "Example.COM", ADDRESS_DOMAIN},
        {"<!#$%&'*+-/=?^_`{|}~@x-y.z9>", "!#$%&'*+-/=?^_`{|}~", "x-y.z9", ADDRESS_DOMAIN},
        {"<\"a b\"@x>", "\"a b\"", "x", ADDRESS_DOMAIN},
        {"<\"\"@x>", "\"\"", "x", ADDRESS_DOMAIN},
        {"<\"a\\\"b\\\\>@\"@x>", "\"a\\\"b\\\\>@\"", "x", ADDRESS_DOMAIN},
        {"<a@[198.18.0.1]>", "a", "[198.18.0.1]", ADDRESS_IPV4},
        {"<a@[198.018.000.1]>", "a", "[198.018.000.1]", ADDRESS_IPV4},
        {"<a@[IPv6:2001:2::1]>", "a", "[IPv6:2001:2::1]", ADDRESS_IPV6},
        {"<a@[ipv6:::198.18.0.1]>", "a", "[ipv6:::198.18.0.1]", ADDRESS_IPV6},
        {"<a@[IPv6:1:2:3:4:5::8]>", "a", "[IPv6:1:2:3:4:5::8]", ADDRESS_IPV6},
        {"<a@[IPv6:::3:4:5:6:7:8]>", "a", "[IPv6:::3:4:5:6:7:8]", ADDRESS_IPV6},
        {"<a@[IPv6:1:2:3:4::198.18.0.1]>", "a", "[IPv6:1:2:3:4::198.18.0.1]", ADDRESS_IPV6},
        {"<a@[x400:c=no!~]>", "a", "[x400:c=no!~]", ADDRESS_GENERAL},
        {"<postmaster@x>", "postmaster", "x", ADDRESS_DOMAIN},
        {"<PostMaster>", "PostMaster", "", ADDRESS_POSTMASTER},
        {"<>", "", "", ADDRESS_NULL},
        {"<@one,@two.x:a@b>", "a", "b", ADDRESS_DOMAIN},
        {"<" L64 "@" L63 ">", L64, L63, ADDRESS_DOMAIN},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = guard_copy(span_text(rows[i].path), true), s = text;
        struct address a;

        if (!CHECK(address_path(&s, ADDRESS_ALLOW_NULL | ADDRESS_ALLOW_POSTMASTER, &a) ==
                   ADDRESS_OK))
            printf("# %s\n", rows[i].path);
        CHECK(s.len == 0 && a.kind == rows[i].kind && !a.utf8);
        CHECK_TEXT(a.local, rows[i].local);
        CHECK_TEXT(a.domain, rows[i].domain);
        CHECK(a.quoted == (rows[i].local[0] == '"'));
        CHECK(a.routed == (rows[i].path[1] == '@'));
        guard_free(text);
    }
}

static void bad_paths_are_refused(void)
{
    static const char *const rows[] = {
        "",
        "a@b",
        "<",
        "<a",
        "<a@",
        "<a@b",
        "<a@>",
        "<@b>",
        "<a>",
        "<.a@b>",
        "<a.@b>",
        "<a..b@c>",
        "<a b@c>",
        "< a@b>",
        "<a@b >",
        "<a@-b>",
        "<a@b->",
        "<a@b..c>",
        "<a@b.>",
        "<a@.b>",
        "<a@b_c>",
        "<a@b@c>",
        "<\"a@b>",
        "<\"a\"b@c>",
        "<\"a\\\"@b>",
        "<\"a\tb\"@c>",
        "<\"a\x7f\"@c>",
        "<a@[1.2.3]>",
        "<a@[1.2.3.256]>",
        "<a@[1.2.3.4.5]>",
        "<a@[1.2.3.0004]>",
        "<a@[]>",
        "<a@[IPv6:]>",
        "<a@[IPv6:1.2.3.4]>",
        "<a@[IPv6:1::2::3]>",
        "<a@[IPv6:g::1]>",
        "<a@[IPv6:1:2:3:4:5:6::8]>", /* one group left out */
        "<a@[IPv6:1:2:3:4:5::198.18.0.1]>",
        "<a@[tag]>",
        "<a@[tag:]>",
        "<a@[-tag-:x]>",
        "<a@[tag:x y]>",
        "<a@[tag:x\\]>",
        "<a@[1.2.3.4>",
        "<a@[1.2.3.4]x>",
        "<@a>",
        "<@a:>",
        "<@a,b:c@d>",
        "<@a@b>",
        "<@[1.2.3.4]:a@b>",
        "<postmaster>",
        "<>",
        "<a\x80@b>",
        "<a@b\xc3\xa4>",
        "<a(c)@b>",
    };
    struct address a;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = guard_copy(span_text(rows[i]), true), s = text;

        if (!CHECK(address_path(&s, 0, &a) == ADDRESS_BAD))
            printf("# %s\n", rows[i]);
        CHECK(s.data == text.data && s.len == text.len);
        guard_free(text);
    }
}

static void limits_are_kept(void)
{
    char path[600];
    struct address a;

    CHECK(read_path("<" L64 "5@b>", 0, &a) == ADDRESS_LONG);
    CHECK(read_path("<a@" L64 ">", 0, &a) == ADDRESS_LONG);
    CHECK(read_path("<a@" L63 "." L63 "." L63 "." L63 ">", 0, &a) == ADDRESS_LONG);
    CHECK(address_domain(span_text(L63 "." L63 "." L63 "." L63), 0, &a) == ADDRESS_OK);
    CHECK(address_domain(span_text(L63 "." L63 "." L63 "." L63 ".a"), 0, &a) == ADDRESS_LONG);
    /* 256 octets with the brackets, and one more. */
    snprintf(path, sizeof(path), "<%s@%s.%s.%s>", L64, L63, L63, &L63[2]);
    path[strlen(path) - 1] = 0;
    strcat(path, ">");
    CHECK(strlen(path) == 256 && read_path(path, 0, &a) == ADDRESS_OK);
    snprintf(path, sizeof(path), "<%s@%s.%s.%s>", L64, L63, L63, &L63[1]);
    CHECK(strlen(path) == 257 && read_path(path, 0, &a) == ADDRESS_LONG);
}

static void utf8_needs_its_option(void)
{
    struct address a;

    CHECK(read_path("<j\xc3\xbcrgen@b\xc3\xbc"
                    "cher.example>",
                    ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK &&
          a.utf8);
    CHECK(read_path("<\"\xe2\x82\xac\"@x>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK && a.utf8);
    CHECK(read_path("<\xf0\x9f\x93\xa7@x>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK);
    CHECK(read_path("<\xc0\x80@x>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_BAD);
    CHECK(read_path("<\xed\xa0\x80@x>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_BAD);
    CHECK(read_path("<\xc2\x85@x>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_BAD);
    CHECK(read_path("<\xe2\x82@x>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_BAD);
    CHECK(read_path("<\xf4\x90\x80\x80@x>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_BAD);
    CHECK(read_path("<\"\\\xc3\xa4\"@x>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_BAD);
}

static void mailbox_is_the_whole_text(void)
{
    struct address a;

    CHECK(address_mailbox(span_text("a@b.c"), 0, &a) == ADDRESS_OK);
    CHECK(address_mailbox(span_text("a@b.c "), 0, &a) == ADDRESS_BAD);
    CHECK(address_mailbox(span_text("<a@b.c>"), 0, &a) == ADDRESS_BAD);
    CHECK(address_mailbox(span_text(""), 0, &a) == ADDRESS_BAD);
    CHECK(address_domain(span_text("[198.18.0.1]"), 0, &a) == ADDRESS_OK && a.kind == ADDRESS_IPV4);
    CHECK(address_domain(span_text("b.c."), 0, &a) == ADDRESS_BAD);
}

static void path_stops_at_its_bracket(void)
{
    struct span s = span_text("<a@b> SIZE=1");
    struct address a;

    CHECK(address_path(&s, 0, &a) == ADDRESS_OK);
    CHECK_TEXT(s, " SIZE=1");
}

static void keys_have_one_form(void)
{
    static const struct {
        const char *path, *key;
        bool fold;
    } rows[] = {
        {"<Fred@Example.COM>", "fred@example.com", true},
        {"<Fred@Example.COM>", "Fred@example.com", false},
        {"<\"Fred\"@x>", "fred@x", true},
        {"<\"a\\ b\\\"\"@x>", "a b\"@x", true},
        {"<a@[198.018.0.001]>", "a@[198.18.0.1]", true},
        {"<a@[IPv6:2001:0002:0:0::A]>", "a@[ipv6:2001:2::a]", true},
        {"<a@[IPv6:::ffff:198.18.0.1]>", "a@[198.18.0.1]", true},
        {"<a@[TAG:X]>", "a@[tag:x]", true},
        {"<PostMaster>", "postmaster", true},
        {"<>", "", true},
        {"<a@B\xc3\x9c"
         "cher.example>",
         "a@xn--bcher-kva.example", true},
        {"<a@stra\xc3\x9f"
         "e.example>",
         "a@xn--strae-oqa.example", true},
        {"<\xc3\x84@x>", "\xc3\xa4@x", true},
        {"<\xc3\x84@x>", "\xc3\x84@x", false},
        /* A and a combining diaeresis are Ä in normalization form C. */
        {"<A\xcc\x88@x>", "\xc3\xa4@x", true},
        {"<A\xcc\x88@x>", "\xc3\x84@x", false},
        {"<\"\xc3\x84\\ B\"@x>", "\xc3\xa4 b@x", true},
        {"<\xe1\xbe\xb3@x>", "\xce\xb1\xce\xb9@x", true},
        {"<@r:A@B>", "a@b", true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t text[ADDRESS_KEY_MAX];
        struct writer w = writer_of(text, sizeof(text));
        struct address a;

        CHECK(read_path(rows[i].path,
                        ADDRESS_ALLOW_NULL | ADDRESS_ALLOW_POSTMASTER | ADDRESS_ALLOW_UTF8,
                        &a) == ADDRESS_OK);
        CHECK(address_key(&w, &a, rows[i].fold));
        CHECK_TEXT(writer_span(&w), rows[i].key);
    }
}

static void a_key_that_cannot_be_writes_nothing(void)
{
    uint8_t text[8];
    struct writer w = writer_of(text, sizeof(text));
    struct address a;

    CHECK(read_path("<a@example.com>", 0, &a) == ADDRESS_OK);
    CHECK(!address_key(&w, &a, true) && w.len == 0);
    w = writer_of(text, sizeof(text));
    CHECK(read_path("<a@\xe2\x82\xac\xe2\x80\x8b>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK);
    CHECK(!address_key(&w, &a, true) && w.len == 0);
    w = writer_of(text, sizeof(text));
    CHECK(read_path("<a@\xc2\xb4>", ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK);
    CHECK(!address_key(&w, &a, true) && w.len == 0);
    /* Fullwidth brackets must not become a literal. */
    CHECK(read_path("<a@\xef\xbc\xbb"
                    "1.2.3.4\xef\xbc\xbd>",
                    ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK);
    CHECK(!address_key(&w, &a, true) && w.len == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(good_paths_are_read);
    CHECK_CASE(bad_paths_are_refused);
    CHECK_CASE(limits_are_kept);
    CHECK_CASE(utf8_needs_its_option);
    CHECK_CASE(mailbox_is_the_whole_text);
    CHECK_CASE(path_stops_at_its_bracket);
    CHECK_CASE(keys_have_one_form);
    CHECK_CASE(a_key_that_cannot_be_writes_nothing);
    return check_end();
}
