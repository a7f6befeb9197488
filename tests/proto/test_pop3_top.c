/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/pop3/pop3_top.h"
#include "tests/harness/check.h"

#include <stdio.h>

/* RFC 1939 section 7: the header, the blank line, and n lines of the body. */

static void check_top(const char *message, uint32_t lines, const char *expected)
{
    struct span whole = guard_copy(span_text(message), true);

    for (size_t cut = 0; cut <= whole.len; cut++) {
        struct pop3_top top;
        char text[256];
        struct writer out = writer_of(text, sizeof(text));

        pop3_top_init(&top, lines);
        writer_span_put(&out, pop3_top_take(&top, span_head(whole, cut)));
        if (!top.done)
            writer_span_put(&out, pop3_top_take(&top, span_skip(whole, cut)));
        if (!CHECK_TEXT(writer_span(&out), expected))
            printf("# cut at %zu\n", cut);
    }
    guard_free(whole);
}

static void so_many_lines_of_the_body(void)
{
    const char *text = "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\nthree";

    check_top(text, 0, "A: 1\r\nB: 2\r\n\r\n");
    check_top(text, 1, "A: 1\r\nB: 2\r\n\r\none\r\n");
    check_top(text, 2, "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n");
    check_top(text, 3, text);
    check_top(text, POP3_LINES_ALL - 1, text);
    check_top(text, POP3_LINES_ALL, text);
}

static void messages_of_any_form(void)
{
    check_top("\r\nbody\r\nmore\r\n", 1, "\r\nbody\r\n");
    check_top("A: 1\r\nB: 2\r\n", 0, "A: 1\r\nB: 2\r\n");
    check_top("A: 1\r\n\r\n\r\n\r\nx", 1, "A: 1\r\n\r\n\r\n");
    check_top("A: 1\n\r\nx\r\n\r\ny\r\n", 0, "A: 1\n\r\nx\r\n\r\n");
    check_top("\r\r\n\r\nx\r\n", 0, "\r\r\n\r\n");
    check_top("", 0, "");
}

int main(void)
{
    check_begin();
    CHECK_CASE(so_many_lines_of_the_body);
    CHECK_CASE(messages_of_any_form);
    return check_end();
}
