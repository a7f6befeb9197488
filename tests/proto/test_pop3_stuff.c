/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/pop3/pop3_stuff.h"
#include "tests/harness/check.h"

static void feed(struct pop3_stuff *stuff, struct span in, struct writer *out)
{
    struct span piece;

    while (pop3_stuff_next(stuff, &in, &piece)) {
        CHECK(piece.len > 0);
        writer_span_put(out, piece);
    }
}

static void check_stuffs(const char *message, const char *expected)
{
    struct span whole = guard_copy(span_text(message), true);
    char text[256];

    for (size_t cut = 0; cut <= whole.len; cut++) {
        struct writer out = writer_of(text, sizeof(text));
        struct pop3_stuff stuff = {0};

        feed(&stuff, span_head(whole, cut), &out);
        feed(&stuff, span_skip(whole, cut), &out);
        writer_span_put(&out, pop3_stuff_end(&stuff));
        CHECK_TEXT(writer_span(&out), expected);
    }
    for (size_t step = 1; step < 4; step++) {
        struct writer out = writer_of(text, sizeof(text));
        struct pop3_stuff stuff = {0};

        for (size_t at = 0; at < whole.len; at += step)
            feed(&stuff, span_head(span_skip(whole, at), step), &out);
        writer_span_put(&out, pop3_stuff_end(&stuff));
        CHECK_TEXT(writer_span(&out), expected);
    }
    guard_free(whole);
}

static void dots_at_line_starts_are_doubled(void)
{
    check_stuffs("a\r\n.\r\n..b\r\nc.\r\n", "a\r\n..\r\n...b\r\nc.\r\n.\r\n");
    check_stuffs(".\r\n", "..\r\n.\r\n");
    check_stuffs(".", "..\r\n.\r\n");
}

static void a_missing_line_end_is_supplied(void)
{
    check_stuffs("", ".\r\n");
    check_stuffs("a", "a\r\n.\r\n");
    check_stuffs("a\r", "a\r\r\n.\r\n");
    check_stuffs("a\n", "a\n\r\n.\r\n");
    check_stuffs("a\r\n", "a\r\n.\r\n");
}

static void only_crlf_makes_a_line(void)
{
    check_stuffs("a\n.b\r.c\r\r\n.\r\n", "a\n.b\r.c\r\r\n..\r\n.\r\n");
    check_stuffs("\n.\r\n", "\n.\r\n.\r\n");
}

int main(void)
{
    check_begin();
    CHECK_CASE(dots_at_line_starts_are_doubled);
    CHECK_CASE(a_missing_line_end_is_supplied);
    CHECK_CASE(only_crlf_makes_a_line);
    return check_end();
}
