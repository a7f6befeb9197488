/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_name.h"
#include "proto/imap/imap_pattern.h"
#include "tests/harness/check.h"

#include <stdlib.h>

static void check_utf7(const char *utf7, const char *utf8)
{
    uint8_t out[IMAP_NAME_UTF7_MAX];
    struct span copy = guard_copy(span_text(utf7), true);
    struct writer w = writer_of(out, sizeof(out));

    if (!CHECK(imap_name_from_utf7(copy, &w) == (utf8 != NULL)))
        check_that(false, __FILE__, __LINE__, utf7);
    CHECK_TEXT(writer_span(&w), utf8 ? utf8 : "");
    guard_free(copy);
    if (!utf8)
        return;
    copy = guard_copy(span_text(utf8), true);
    w = writer_of(out, sizeof(out));
    imap_name_to_utf7(copy, &w);
    CHECK_TEXT(writer_span(&w), utf7);
    guard_free(copy);
}

static void modified_utf7(void)
{
    check_utf7("INBOX", "INBOX");
    check_utf7("a&-b", "a&b");
    check_utf7("~peter/mail/&U,BTFw-/&ZeVnLIqe-",
               "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e");
    check_utf7("&AOQA9gD8-", "\xc3\xa4\xc3\xb6\xc3\xbc");
    check_utf7("&2D3eAA-", "\xf0\x9f\x98\x80");
    check_utf7("&AOQ-x&AOQ-", "\xc3\xa4x\xc3\xa4");
    /* Not the one right spelling. */
    check_utf7("&AGE-", NULL);      /* a letter that stands for itself */
    check_utf7("&AOQ-&AOQ-", NULL); /* two shifts in a row */
    check_utf7("&AOR-", NULL);      /* bits behind the last character */
    check_utf7("&AOQ", NULL);       /* no end */
    check_utf7("&", NULL);
    check_utf7("&A-", NULL);
    check_utf7("&2D0-", NULL); /* half of a pair */
    check_utf7("&3gA-", NULL);
    check_utf7("&2D0A5A-", NULL);
    check_utf7("&AO/-", NULL);
    check_utf7("\xc3\xa4", NULL);
    check_utf7("a\x7f", NULL);
}

static void broken_utf8_is_marked(void)
{
    uint8_t out[64];
    struct writer w = writer_of(out, sizeof(out));

    imap_name_to_utf7(span_text("a\xff"), &w);
    CHECK_TEXT(writer_span(&w), "a&,,0-");
}

static void check_name(const char *wire, bool utf8, enum imap_name_status status,
                       const char *expected)
{
    uint8_t out[IMAP_NAME_MAX];
    struct writer w = writer_of(out, sizeof(out));
    bool trailing = false;

    if (!CHECK(imap_name_read(span_text(wire), utf8, &w, &trailing) == status))
        check_that(false, __FILE__, __LINE__, wire);
    CHECK_TEXT(writer_span(&w), expected);
    if (status == IMAP_NAME_OK)
        CHECK(trailing == (wire[strlen(wire) - 1] == '/'));
}

static void names(void)
{
    char text[IMAP_NAME_MAX + 2] = "";

    check_name("a/b", false, IMAP_NAME_OK, "a/b");
    check_name("a/b/", false, IMAP_NAME_OK, "a/b");
    check_name("inbox", false, IMAP_NAME_OK, "INBOX");
    check_name("inBox/x", true, IMAP_NAME_OK, "INBOX/x");
    check_name("inboxes", false, IMAP_NAME_OK, "inboxes");
    check_name("x/inbox", false, IMAP_NAME_OK, "x/inbox");
    check_name("&AOQ-", false, IMAP_NAME_OK, "\xc3\xa4");
    check_name("&AOQ-", true, IMAP_NAME_OK, "&AOQ-");
    check_name("\xc3\xa4", true, IMAP_NAME_OK, "\xc3\xa4");
    check_name("\xc3\xa4", false, IMAP_NAME_BAD, "");
    check_name("\xc3", true, IMAP_NAME_BAD, "");
    check_name("", true, IMAP_NAME_EMPTY, "");
    check_name("/", true, IMAP_NAME_EMPTY, "");
    check_name("/a", true, IMAP_NAME_EMPTY, "");
    check_name("a//b", true, IMAP_NAME_EMPTY, "");
    check_name("a//", true, IMAP_NAME_EMPTY, "");
    check_name("a\tb", true, IMAP_NAME_CONTROL, "");
    check_name("a\xe2\x80\xa8", true, IMAP_NAME_CONTROL, "");
    check_name("&AAk-", false, IMAP_NAME_CONTROL, "");
    check_name("&AIU-", false, IMAP_NAME_BAD, "");
    check_name("&AKA-", false, IMAP_NAME_OK, "\xc2\xa0");
    check_name("a*", true, IMAP_NAME_WILD, "");
    check_name("a%", false, IMAP_NAME_WILD, "");
    for (int i = 0; i < IMAP_NAME_DEPTH; i++)
        strcat(text, i ? "/a" : "a");
    check_name(text, true, IMAP_NAME_OK, text);
    strcat(text, "/a");
    check_name(text, true, IMAP_NAME_LONG, "");
    memset(text, 'x', IMAP_NAME_PART + 1);
    text[IMAP_NAME_PART + 1] = 0;
    check_name(text, true, IMAP_NAME_LONG, "");
    text[IMAP_NAME_PART] = 0;
    check_name(text, false, IMAP_NAME_OK, text);
    memset(text, 'x', IMAP_NAME_MAX + 1);
    check_name(text, true, IMAP_NAME_LONG, "");
    check_name(text, false, IMAP_NAME_BAD, "");
}

/* However its letters are put together, it is one name. */
static void composed(void)
{
    char text[IMAP_NAME_MAX + 1] = "", twice[2 * IMAP_NAME_MAX + 1] = "";
    uint8_t out[IMAP_NAME_MAX];
    struct writer w = writer_of(out, sizeof(out));

    check_name("A\xcc\x88/x", true, IMAP_NAME_OK, "\xc3\x84/x");
    check_name("A&Awg-/x", false, IMAP_NAME_OK, "\xc3\x84/x");
    check_name("&AMQ-/x", false, IMAP_NAME_OK, "\xc3\x84/x");
    /* ANGSTROM SIGN; marks in their order */
    check_name("\xe2\x84\xab", true, IMAP_NAME_OK, "\xc3\x85");
    check_name("q\xcc\x87\xcc\xa3", true, IMAP_NAME_OK, "q\xcc\xa3\xcc\x87");
    CHECK(imap_name_read_pattern(span_text("%A\xcc\x88*"), true, &w) == IMAP_NAME_OK);
    CHECK_TEXT(writer_span(&w), "%\xc3\x84*");
    /* COMBINING GREEK DIALYTIKA TONOS is two characters composed: bounds hold behind that. */
    for (int i = 0; i < 100; i++)
        strcat(text, "\xcd\x84");
    check_name(text, true, IMAP_NAME_LONG, "");
    for (int i = 0; i < 400; i++)
        strcat(twice, "\xcd\x84");
    w.len = 0;
    CHECK(imap_name_read_pattern(span_text(twice), true, &w) == IMAP_NAME_LONG && w.len == 0);
}

static void written(void)
{
    static const struct {
        const char *name, *utf7, *utf8;
    } rows[] = {{"INBOX", "INBOX", "INBOX"},
                {"a b", "\"a b\"", "\"a b\""},
                {"a\"\\", "\"a\\\"\\\\\"", "\"a\\\"\\\\\""},
                {"\xc3\xa4&", "&AOQ-&-", "\"\xc3\xa4&\""},
                {"nil", "\"nil\"", "\"nil\""}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t out[64];
        struct writer w = writer_of(out, sizeof(out));

        imap_name_put(&w, span_text(rows[i].name), false);
        CHECK_TEXT(writer_span(&w), rows[i].utf7);
        w = writer_of(out, sizeof(out));
        imap_name_put(&w, span_text(rows[i].name), true);
        CHECK_TEXT(writer_span(&w), rows[i].utf8);
    }
    CHECK_TEXT(imap_name_parent(span_text("a/b/c")), "a/b");
    CHECK_TEXT(imap_name_parent(span_text("a")), "");
}

static struct imap_pattern pattern;

static void check_match(const char *reference, const char *text, const char *name,
                        enum imap_pattern_match expected)
{
    CHECK(imap_pattern_init(&pattern, span_text(reference), span_text(text)));
    if (!CHECK(imap_pattern_match(&pattern, span_text(name)) == expected))
        check_that(false, __FILE__, __LINE__, text);
}

static void patterns(void)
{
    check_match("", "*", "a/b", IMAP_PATTERN_YES);
    check_match("", "%", "a", IMAP_PATTERN_YES);
    check_match("", "%", "a/b", IMAP_PATTERN_NO);
    check_match("", "%/%", "a", IMAP_PATTERN_INSIDE);
    check_match("", "%/%", "a/b", IMAP_PATTERN_YES);
    check_match("", "%/%", "a/b/c", IMAP_PATTERN_NO);
    check_match("a/", "%", "a/b", IMAP_PATTERN_YES);
    check_match("a/", "%", "a", IMAP_PATTERN_INSIDE);
    check_match("", "a", "a", IMAP_PATTERN_YES);
    check_match("", "a/", "a", IMAP_PATTERN_NO);
    check_match("", "a/b/c", "a", IMAP_PATTERN_INSIDE);
    check_match("", "x", "a", IMAP_PATTERN_NO);
    check_match("", "*test*", "a/test3/b", IMAP_PATTERN_YES);
    check_match("", "%t*4", "test3/test4", IMAP_PATTERN_YES);
    check_match("", "%3/%4", "test3/test4", IMAP_PATTERN_YES);
    check_match("", "*%*", "a/b", IMAP_PATTERN_YES);
    check_match("", "inbox", "INBOX", IMAP_PATTERN_YES);
    check_match("", "InBo%", "INBOX", IMAP_PATTERN_YES);
    check_match("", "inbox/*", "INBOX/x", IMAP_PATTERN_YES);
    check_match("", "foo", "FOO", IMAP_PATTERN_NO);
    check_match("", "inboxes", "INBOXES", IMAP_PATTERN_NO);
    check_match("", "", "a", IMAP_PATTERN_NO);
}

/* As the definition says it, however long that takes. */
static bool slow(const char *p, const char *name)
{
    if (*p == 0)
        return *name == 0;
    if (*p != '*' && *p != '%')
        return *name == *p && slow(p + 1, name + 1);
    return slow(p + 1, name) || (*name && (*p == '*' || *name != '/') && slow(p, name + 1));
}

static const char *draw(char *text, size_t max, const char *letters)
{
    size_t n = (size_t)rand() % max;

    for (size_t i = 0; i < n; i++)
        text[i] = letters[(size_t)rand() % strlen(letters)];
    text[n] = 0;
    return text;
}

/* Does anything of at most three letters below the name match? */
static bool slow_below(const char *p, const char *name)
{
    static const char *const below[] = {"a",   "b",   "a/a", "a/b", "b/a", "b/b",
                                        "aa",  "ab",  "ba",  "bb",  "aaa", "aab",
                                        "aba", "abb", "baa", "bab", "bba", "bbb"};
    char text[32];

    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        strcat(strcat(strcpy(text, name), "/"), below[i]);
        if (slow(p, text))
            return true;
    }
    return false;
}

static void patterns_by_chance(void)
{
    char p[12], name[12];

    srand(1);
    for (int i = 0; i < 200000; i++) {
        enum imap_pattern_match match;

        draw(p, 8, "ab/*%");
        draw(name, 8, "ab/");
        CHECK(imap_pattern_init(&pattern, span_text(""), span_text(p)));
        match = imap_pattern_match(&pattern, span_text(name));
        if (!CHECK((match == IMAP_PATTERN_YES) == slow(p, name)) ||
            !CHECK(match != IMAP_PATTERN_NO || !slow_below(p, name)))
            return;
    }
}

/* A pattern made to be slow, over a long name: one pass. */
static void pattern_at_its_bounds(void)
{
    char p[IMAP_NAME_MAX + 2], name[IMAP_NAME_MAX + 1];

    for (int i = 0; i < IMAP_NAME_MAX; i++)
        p[i] = i % 2 ? 'a' : '*';
    memset(name, 'a', IMAP_NAME_MAX);
    p[IMAP_NAME_MAX] = name[IMAP_NAME_MAX] = 0;
    for (int i = 0; i < 100; i++)
        check_match("", p, name, IMAP_PATTERN_YES);
    name[IMAP_NAME_MAX - 1] = 'b';
    check_match("", p, name, IMAP_PATTERN_INSIDE);
    memset(p, 'a', IMAP_NAME_MAX + 1);
    p[IMAP_NAME_MAX] = 0;
    name[IMAP_NAME_MAX - 1] = 'a';
    check_match("", p, name, IMAP_PATTERN_YES);
    CHECK(!imap_pattern_init(&pattern, span_text("a"), span_text(p)));
}

int main(void)
{
    check_begin();
    CHECK_CASE(modified_utf7);
    CHECK_CASE(broken_utf8_is_marked);
    CHECK_CASE(names);
    CHECK_CASE(composed);
    CHECK_CASE(written);
    CHECK_CASE(patterns);
    CHECK_CASE(patterns_by_chance);
    CHECK_CASE(pattern_at_its_bounds);
    return check_end();
}
