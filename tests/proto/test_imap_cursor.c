/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_cursor.h"
#include "proto/imap/imap_date.h"
#include "proto/imap/imap_flag.h"
#include "tests/harness/check.h"

static uint8_t scratch[256];

static struct imap_cursor over(const char *text, bool utf8)
{
    return imap_cursor_of(span_text(text), utf8, scratch, sizeof(scratch));
}

/* Reads the whole text as one thing; NULL: it is none. At the edge of readable memory. */
static void check_read(bool (*read)(struct imap_cursor *, struct span *), const char *text,
                       bool utf8, const char *expected)
{
    struct span copy = guard_copy(span_text(text), true), out = {0};
    struct imap_cursor c = imap_cursor_of(copy, utf8, scratch, sizeof(scratch));
    bool ok = read(&c, &out) && imap_cursor_done(&c);

    if (!CHECK(ok == (expected != NULL)) || (ok && !CHECK_TEXT(out, expected)))
        check_that(false, __FILE__, __LINE__, text);
    CHECK(ok == !c.bad);
    guard_free(copy);
}

static void atoms(void)
{
    check_read(imap_cursor_atom, "a$b+[", false, "a$b+[");
    check_read(imap_cursor_atom, "", false, NULL);
    check_read(imap_cursor_atom, "a]", false, NULL);
    check_read(imap_cursor_atom, "a b", false, NULL);
    check_read(imap_cursor_atom, "\x7f", false, NULL);
    check_read(imap_cursor_atom, "\xc3\xa4", true, NULL);
    check_read(imap_cursor_astring, "a]b", false, "a]b");
    check_read(imap_cursor_astring, "NIL", false, "NIL");
    check_read(imap_cursor_list_mailbox, "a%*]", false, "a%*]");
    check_read(imap_cursor_list_mailbox, "", false, NULL);
    check_read(imap_cursor_list_mailbox, "\"\"", false, "");
    check_read(imap_cursor_flag, "\\Seen", false, "\\Seen");
    check_read(imap_cursor_flag, "$x", false, "$x");
    check_read(imap_cursor_flag, "\\", false, NULL);
    check_read(imap_cursor_flag, "\\*", false, NULL);
}

static void strings(void)
{
    check_read(imap_cursor_astring, "\"a b\"", false, "a b");
    check_read(imap_cursor_astring, "\"a\\\"b\\\\\"", false, "a\"b\\");
    check_read(imap_cursor_astring, "\"a\\b\"", false, NULL);
    check_read(imap_cursor_astring, "\"a", false, NULL);
    check_read(imap_cursor_astring, "\"a\\", false, NULL);
    check_read(imap_cursor_astring, "\"a\r\n\"", false, NULL);
    check_read(imap_cursor_astring, "\"\xc3\xa4\"", false, NULL);
    check_read(imap_cursor_astring, "\"\xc3\xa4\"", true, "\xc3\xa4");
    check_read(imap_cursor_astring, "\"\xc3\"", true, NULL);
    check_read(imap_cursor_astring, "{3}\r\n\xc3\"\\", false, "\xc3\"\\");
    check_read(imap_cursor_astring, "{0+}\r\n", false, "");
    check_read(imap_cursor_astring, "{4}\r\nabc", false, NULL);
    check_read(imap_cursor_astring, "{3}\nabc", false, NULL);
    check_read(imap_cursor_astring, "{9223372036854775808}\r\nabc", false, NULL);
    check_read(imap_cursor_astring, "~{3}\r\nabc", false, NULL);
    check_read(imap_cursor_binary, "~{3}\r\nabc", false, "abc");
    check_read(imap_cursor_binary, "\"abc\"", false, "abc");
    check_read(imap_cursor_nstring, "nil", false, "");
    check_read(imap_cursor_nstring, "nilx", false, NULL);
    check_read(imap_cursor_nstring, "\"\"", false, "");
}

static void nil_is_not_empty(void)
{
    struct imap_cursor c = over("NIL \"\" {0}\r\n", false);
    struct span s;

    CHECK(imap_cursor_nstring(&c, &s) && s.data == NULL);
    CHECK(imap_cursor_space(&c) && imap_cursor_nstring(&c, &s) && s.data && s.len == 0);
    CHECK(imap_cursor_space(&c) && imap_cursor_nstring(&c, &s) && s.data && s.len == 0);
    CHECK(imap_cursor_done(&c));
}

/* Two strings with backslashes do not lie on each other; without scratch they are refused. */
static void scratch_is_bounded(void)
{
    struct imap_cursor c = over("\"\\\"a\" \"\\\"b\"", false);
    struct span a = {0}, b = {0};

    CHECK(imap_cursor_string(&c, &a) && imap_cursor_space(&c) && imap_cursor_string(&c, &b));
    CHECK_TEXT(a, "\"a");
    CHECK_TEXT(b, "\"b");
    c = imap_cursor_of(span_text("\"\\\"abc\""), false, scratch, 2);
    CHECK(!imap_cursor_string(&c, &a) && c.bad);
}

static void errors_stick(void)
{
    struct imap_cursor c = over("a b", false);
    struct span s;

    CHECK(!imap_cursor_space(&c) && c.bad);
    CHECK(!imap_cursor_atom(&c, &s) && !imap_cursor_peek(&c, 'a') && !imap_cursor_end(&c));
    CHECK(!imap_cursor_take_word(&c, "a") && !imap_cursor_take_byte(&c, 'a'));
}

/* How many items, or -1. */
static int count_list(struct imap_cursor *c)
{
    bool first = true;
    struct span s;
    int n = 0;

    if (!imap_cursor_open(c))
        return -1;
    while (imap_cursor_item(c, &first)) {
        if (imap_cursor_peek(c, '('))
            (void)count_list(c);
        else
            (void)imap_cursor_astring(c, &s);
        n++;
    }
    return c->bad ? -1 : n;
}

static void lists(void)
{
    static const struct {
        const char *text;
        int count;
    } rows[] = {{"()", 0},  {"(a)", 1},     {"(a b)", 2},  {"(a (b c) d)", 3},
                {"(a", -1}, {"(a  b)", -1}, {"( a)", -1},  {"(a )", -1},
                {"(", -1},  {"a", -1},      {"(a(b))", -1}};
    char deep[2 * IMAP_DEPTH_MAX + 3];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct imap_cursor c = over(rows[i].text, false);

        if (!CHECK(count_list(&c) == rows[i].count))
            check_that(false, __FILE__, __LINE__, rows[i].text);
    }
    for (int depth = IMAP_DEPTH_MAX; depth <= IMAP_DEPTH_MAX + 1; depth++) {
        struct imap_cursor c;

        memset(deep, '(', (size_t)depth);
        memset(deep + depth, ')', (size_t)depth);
        c = imap_cursor_of(span_of(deep, 2 * (size_t)depth), false, NULL, 0);
        CHECK((count_list(&c) >= 0) == (depth == IMAP_DEPTH_MAX));
    }
}

static void numbers(void)
{
    struct imap_cursor c = over("0 4294967295 9223372036854775807 <0.1>", false);
    uint32_t n;
    uint64_t big, len;

    CHECK(imap_cursor_number(&c, &n) && n == 0 && imap_cursor_space(&c));
    CHECK(imap_cursor_nz_number(&c, &n) && n == UINT32_MAX && imap_cursor_space(&c));
    CHECK(imap_cursor_number64(&c, &big) && big == INT64_MAX && imap_cursor_space(&c));
    CHECK(imap_cursor_partial(&c, &big, &len) && big == 0 && len == 1 && imap_cursor_done(&c));
    c = over("4294967296", false);
    CHECK(!imap_cursor_number(&c, &n));
    c = over("9223372036854775808", false);
    CHECK(!imap_cursor_number64(&c, &big));
    c = over("99999999999999999999999999999", false);
    CHECK(!imap_cursor_nz_number64(&c, &big));
    c = over("01", false);
    CHECK(!imap_cursor_nz_number(&c, &n));
    c = over("x", false);
    CHECK(!imap_cursor_number(&c, &n));
    c = over("<0.0>", false);
    CHECK(!imap_cursor_partial(&c, &big, &len));
}

static void check_date(const char *text, int64_t days)
{
    struct imap_cursor c = over(text, false);
    int32_t got = 0;
    bool ok = imap_cursor_date(&c, &got) && imap_cursor_done(&c);

    if (!CHECK(ok ? got == days : days == INT64_MIN))
        check_that(false, __FILE__, __LINE__, text);
}

static void check_time(const char *text, int64_t seconds, int zone)
{
    struct imap_cursor c = over(text, false);
    int64_t got = 0;
    int16_t got_zone = 0;
    bool ok = imap_cursor_date_time(&c, &got, &got_zone) && imap_cursor_done(&c);

    if (!CHECK(ok ? got == seconds && got_zone == zone : seconds == INT64_MIN))
        check_that(false, __FILE__, __LINE__, text);
}

static void dates(void)
{
    check_date("1-Jan-1970", 0);
    check_date("\"31-dec-1969\"", -1);
    check_date("01-MAR-2000", 11017);
    check_date("29-Feb-2000", 11016);
    check_date("29-Feb-1900", INT64_MIN);
    check_date("0-Jan-1970", INT64_MIN);
    check_date("1-Jun-70", INT64_MIN);
    check_date("1-Foo-1970", INT64_MIN);
    check_date("\"1-Jan-1970", INT64_MIN);
    check_date("111-Jan-1970", INT64_MIN);
    check_date("1-Ja", INT64_MIN);
    check_time("\" 1-Jan-1970 00:00:00 +0000\"", 0, 0);
    check_time("\"01-Jan-1970 01:00:00 +0130\"", -1800, 90);
    check_time("\"31-Dec-1969 16:00:00 -0800\"", 0, -480);
    check_time("\"17-Jul-1996 02:44:25 -0700\"", 837596665, -420);
    check_time("\"30-Jun-1997 23:59:60 +0000\"", 867715199, 0);
    /* as imapflow writes it */
    check_time("\"9-Sep-2001 01:46:40 +0000\"", 1000000000, 0);
    check_time("\"111-Jan-1970 00:00:00 +0000\"", INT64_MIN, 0);
    check_time("\" 11-Jan-1970 00:00:00 +0000\"", INT64_MIN, 0);
    check_time("\"-Jan-1970 00:00:00 +0000\"", INT64_MIN, 0);
    check_time("\" 1-Jan-1970 24:00:00 +0000\"", INT64_MIN, 0);
    check_time("\" 1-Jan-1970 00:00:00 0000\"", INT64_MIN, 0);
    check_time("\" 1-Jan-1970 00:00:00 +0060\"", INT64_MIN, 0);
    check_time(" 1-Jan-1970 00:00:00 +0000", INT64_MIN, 0);
}

/* Every day of 800 years there and back. */
static void dates_and_back(void)
{
    for (int32_t day = -25567 - 36524 * 3; day < 300000; day++) {
        struct imap_date d = imap_date_of((int64_t)day * 86400 + 1, -90);
        int64_t seconds;

        if (!CHECK(imap_date_seconds(&d, &seconds) && seconds == (int64_t)day * 86400 + 1 &&
                   imap_date_day_of(seconds, 0) == day &&
                   imap_date_day_of(seconds, -90) == day - 1))
            return;
    }
    CHECK(imap_date_of(INT64_MAX, 0).year == 9999 && imap_date_of(INT64_MIN, 0).year == 0);
}

static void flags(void)
{
    struct imap_flags f;
    struct imap_cursor c = over("(\\seen $A \\Deleted $a b)", false);

    CHECK(imap_flags_parse_list(&c, &f) && f.system == (IMAP_FLAG_SEEN | IMAP_FLAG_DELETED));
    CHECK(f.keyword_count == 2 && !f.unknown && !f.too_many);
    CHECK_TEXT(f.keywords[0], "$A");
    CHECK_TEXT(f.keywords[1], "b");
    c = over("\\Answered x", false);
    CHECK(imap_flags_parse(&c, &f) && f.system == IMAP_FLAG_ANSWERED && f.keyword_count == 1);
    c = over("()", false);
    CHECK(imap_flags_parse(&c, &f) && f.system == 0 && f.keyword_count == 0);
    c = over("(\\Recent)", false);
    CHECK(imap_flags_parse(&c, &f) && f.unknown);
    c = over("(\\Foo)", false);
    CHECK(imap_flags_parse(&c, &f) && f.unknown);
    c = over("", false);
    CHECK(!imap_flags_parse(&c, &f));
}

static void too_many_flags(void)
{
    char text[8 * IMAP_KEYWORDS_MAX + 200];
    struct imap_flags f;

    for (int extra = 0; extra < 2; extra++) {
        struct writer w = writer_of(text, sizeof(text));
        struct imap_cursor c;

        for (int i = 0; i < IMAP_KEYWORDS_MAX + extra; i++)
            writer_printf(&w, "%sk%d", i ? " " : "", i);
        c = imap_cursor_of(writer_span(&w), false, NULL, 0);
        CHECK(imap_flags_parse(&c, &f) && f.too_many == (extra == 1));
        CHECK(f.keyword_count == IMAP_KEYWORDS_MAX);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(atoms);
    CHECK_CASE(strings);
    CHECK_CASE(nil_is_not_empty);
    CHECK_CASE(scratch_is_bounded);
    CHECK_CASE(errors_stick);
    CHECK_CASE(lists);
    CHECK_CASE(numbers);
    CHECK_CASE(dates);
    CHECK_CASE(dates_and_back);
    CHECK_CASE(flags);
    CHECK_CASE(too_many_flags);
    return check_end();
}
