/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_list.h"
#include "proto/base/writer.h"
#include "tests/harness/check.h"

/* The addresses with "|" behind each; "!" where the rest is bad. */
static void check_list(const char *text, const char *expected)
{
    struct span whole = guard_copy(span_text(text), true), in = whole, mailbox;
    char memory[512];
    struct writer out = writer_of(memory, sizeof(memory));
    enum address_list_status status;

    while ((status = address_list_next(&in, &mailbox)) == ADDRESS_LIST_NEXT) {
        writer_span_put(&out, mailbox);
        writer_byte(&out, '|');
    }
    if (status == ADDRESS_LIST_BAD)
        writer_byte(&out, '!');
    CHECK_TEXT(writer_span(&out), expected);
    guard_free(whole);
}

static void addresses_are_taken_out_of_what_stands_around(void)
{
    check_list("a@b", "a@b|");
    check_list("a@b, c@d", "a@b|c@d|");
    check_list("Jane <a@b>, \"Doe, J.\" <c@d>", "a@b|c@d|");
    check_list(" a@b (a comment, (within) \\) it) ", "a@b|");
    check_list("(c) Jane (x)\r\n <\r\n a@b > (y)", "a@b|");
    check_list("\"quoted local\"@b", "\"quoted local\"@b|");
    check_list("<\"a>b\"@c>", "\"a>b\"@c|");
    check_list("=?utf-8?q?J=C3=B6?= <a@b>", "a@b|");
}

static void groups_are_their_members(void)
{
    check_list("Team: a@b, Jane <c@d>; , e@f", "a@b|c@d|e@f|");
    check_list("undisclosed:;", "");
    check_list(",, ,", "");
    check_list("", "");
}

static void what_can_be_read_in_two_ways_is_bad(void)
{
    check_list("<a@b> <c@d>", "!");
    check_list("<a@b> c@d", "!");
    check_list("x@y, <a@b", "x@y|!");
    check_list("\"open", "!");
    check_list("(open", "!");
    check_list("<a<b@c>", "!");
    check_list("a@b c@d", "a@b c@d|"); /* no good address, as address_mailbox() says */
    check_list("\"\\", "!");
}

int main(void)
{
    check_begin();
    CHECK_CASE(addresses_are_taken_out_of_what_stands_around);
    CHECK_CASE(groups_are_their_members);
    CHECK_CASE(what_can_be_read_in_two_ways_is_bad);
    return check_end();
}
