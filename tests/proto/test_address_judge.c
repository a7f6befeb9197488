/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_judge.h"
#include "tests/harness/check.h"

#include <stdio.h>

#define L64 "1234567890123456789012345678901234567890123456789012345678901234"
#define D50 "123456789012345678901234567890123456789012345678.a"

struct row {
    const char *text;
    enum address_reason reason;
    size_t offset;
};

/* NONE stands for an envelope's; each other reason once at least. */
static const struct row rows[] = {
    {"a@b.example", ADDRESS_REASON_NONE, 0},
    {"\"a b\"@[198.18.0.1]", ADDRESS_REASON_NONE, 0},
    {"j\xc3\xb6rg@b\xc3\xbc.example", ADDRESS_REASON_NONE, 0},
    {L64 "@b", ADDRESS_REASON_NONE, 0},
    {"a@b ", ADDRESS_REASON_BLANKS, 4},
    {" \r\n\ta@b", ADDRESS_REASON_BLANKS, 5},
    {"\"a\tb\"@c", ADDRESS_REASON_BLANKS, 3},
    {"\"a\\\tb\"@c", ADDRESS_REASON_BLANKS, 3},
    {"(x (y) \\) z)a@b", ADDRESS_REASON_COMMENT, 13},
    {"\"\\\xc3\xb6\"@b", ADDRESS_REASON_QUOTED_UTF8, 2},
    {"\"a\".b@c", ADDRESS_REASON_OLD_WORDS, 3},
    {"a.\"b\"@c", ADDRESS_REASON_OLD_WORDS, 5},
    {" \r\n \r\n a@b", ADDRESS_REASON_OLD_FOLD, 4},
    {"\"a\x01\"@b", ADDRESS_REASON_OLD_QTEXT, 2},
    {"\"\\\x01\"@b", ADDRESS_REASON_OLD_PAIR, 2},
    {"a .b@c", ADDRESS_REASON_OLD_INSIDE, 2},
    {"a@b.(x)c", ADDRESS_REASON_OLD_INSIDE, 7},
    {"(\x01)a@b", ADDRESS_REASON_OLD_CTEXT, 1},
    {"a @b", ADDRESS_REASON_OLD_AT, 2},
    {"a@(x)b", ADDRESS_REASON_OLD_AT, 5},
    {"a@[IPv6:1:2:3:4:5:6::8]", ADDRESS_REASON_IPV6_ONE, 23},
    {"a@b_c.d", ADDRESS_REASON_DOMAIN_ATEXT, 5},
    {L64 "x@b", ADDRESS_REASON_LOCAL_LONG, 67},
    {"a@" L64 ".b", ADDRESS_REASON_LABEL_LONG, 66},
    {"a@" D50 D50 D50 D50 D50 "." D50, ADDRESS_REASON_DOMAIN_LONG, 303},
    {L64 "@" D50 D50 D50 D50, ADDRESS_REASON_PATH_LONG, 265},
    {"a@[198.18.0]", ADDRESS_REASON_LITERAL_OTHER, 12},
    {"a@[x400:c=no]", ADDRESS_REASON_LITERAL_TAG, 13},
    {"a@[a\\]b]", ADDRESS_REASON_LITERAL_QUOTED, 4},
    {"", ADDRESS_REASON_AT_NONE, 0},
    {"a", ADDRESS_REASON_AT_NONE, 1},
    {"@b", ADDRESS_REASON_LOCAL_EMPTY, 0},
    {"a@", ADDRESS_REASON_DOMAIN_EMPTY, 2},
    {".a@b", ADDRESS_REASON_DOT_FIRST, 0},
    {"a@b.", ADDRESS_REASON_DOT_LAST, 4},
    {"a..b@c", ADDRESS_REASON_DOT_TWICE, 2},
    {"a@-b", ADDRESS_REASON_HYPHEN, 4},
    {"a@b\nc", ADDRESS_REASON_CHARACTER, 3},
    {"a@b\xff", ADDRESS_REASON_CHARACTER, 3},
    {"a@b\r", ADDRESS_REASON_CR, 3},
    {"\r\na@b", ADDRESS_REASON_FOLD, 2},
    {"(\\", ADDRESS_REASON_BACKSLASH, 2},
    {"\"a", ADDRESS_REASON_QUOTED_OPEN, 2},
    {"((a)", ADDRESS_REASON_COMMENT_OPEN, 4},
    {"a@[b", ADDRESS_REASON_LITERAL_OPEN, 4},
    {"\"a\"b@c", ADDRESS_REASON_QUOTED_BEHIND, 3},
    {"a b@c", ADDRESS_REASON_COMMENT_BEHIND, 2},
    {"a@[198.18.0.1]b", ADDRESS_REASON_LITERAL_BEHIND, 14},
};

static void each_reason_is_told(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = guard_copy(span_text(rows[i].text), i % 2);
        struct address_judgement j;

        address_judge(text, &j);
        if (!CHECK(j.reason == rows[i].reason && j.offset == rows[i].offset))
            printf("# %s: %s at %zu\n", rows[i].text, address_reason_name(j.reason), j.offset);
        guard_free(text);
    }
}

/* The judge and the reader of envelopes agree, also on every beginning of a row. */
static void envelope_is_what_the_reader_takes(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            struct span text = guard_copy(span_of(rows[i].text, len), true);
            struct address_judgement j;
            struct address a;
            bool read = address_mailbox(text, ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK;

            address_judge(text, &j);
            if (!CHECK(read == (j.grade == ADDRESS_GRADE_ENVELOPE)))
                printf("# %.*s\n", (int)len, rows[i].text);
            guard_free(text);
        }
}

static void names_are_told(void)
{
    CHECK_TEXT(span_text(address_grade_name(ADDRESS_GRADE_OBSOLETE)), "obsolete");
    CHECK_TEXT(span_text(address_reason_name(ADDRESS_REASON_OLD_FOLD)), "old_fold");
    CHECK(strstr(address_reason_what(ADDRESS_REASON_OLD_FOLD), "section 4.2") != NULL);
}

int main(void)
{
    check_begin();
    CHECK_CASE(each_reason_is_told);
    CHECK_CASE(envelope_is_what_the_reader_takes);
    CHECK_CASE(names_are_told);
    return check_end();
}
