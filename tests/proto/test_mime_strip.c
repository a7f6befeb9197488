/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/mime/mime_strip.h"
#include "tests/harness/check.h"

#include <stdio.h>

static const char *const names[] = {"bcc", "x-originating-ip", NULL};

static void pass(struct mime_strip *s, struct span in, struct writer *out)
{
    while (in.len)
        writer_span_put(out, mime_strip_take(s, &in));
}

/* Cut in two at every place, and byte by byte: always the same is left. */
static void check_strip(const char *message, const char *expected)
{
    struct span whole = guard_copy(span_text(message), true);

    for (size_t cut = 0; cut <= whole.len + 1; cut++) {
        struct mime_strip s;
        char text[512];
        struct writer out = writer_of(text, sizeof(text));

        mime_strip_init(&s, names);
        if (cut > whole.len)
            for (size_t i = 0; i < whole.len; i++)
                pass(&s, span_of(whole.data + i, 1), &out);
        pass(&s, cut > whole.len ? span_of(NULL, 0) : span_head(whole, cut), &out);
        pass(&s, cut > whole.len ? span_of(NULL, 0) : span_skip(whole, cut), &out);
        writer_span_put(&out, mime_strip_finish(&s));
        if (!CHECK_TEXT(writer_span(&out), expected))
            printf("# cut at %zu\n", cut);
    }
    guard_free(whole);
}

static void named_fields_go_with_their_folds(void)
{
    check_strip("A: 1\r\nBcc: x,\r\n\ty\r\n z\r\nB: 2\r\n\r\nBcc: body\r\n",
                "A: 1\r\nB: 2\r\n\r\nBcc: body\r\n");
    check_strip("BCC:x\r\nbcc \t: y\r\nBcc: z\r\n\r\nb", "\r\nb");
    check_strip("X-Originating-IP: 1\r\n 2\r\nX-Originating: 3\r\n\r\n",
                "X-Originating: 3\r\n\r\n");
}

static void others_stay_as_they_are(void)
{
    check_strip("Bccx: 1\r\nBc: 2\r\nBcc\r\nB cc: 3\r\nX-Bcc: 4\r\n\r\nb",
                "Bccx: 1\r\nBc: 2\r\nBcc\r\nB cc: 3\r\n"
                "X-Bcc: 4\r\n\r\nb");
    check_strip("Bcc                                       : many blanks\r\nA: 1\r\n\r\n",
                "Bcc                                       : many blanks\r\nA: 1\r\n\r\n");
    check_strip(" A: begins with a blank\r\nBcc: x\r\n", " A: begins with a blank\r\n");
    check_strip("", "");
    check_strip("Bcc", "Bcc");
    check_strip("\r\nBcc: x", "\r\nBcc: x");
    check_strip("A: 1\nBcc: 2\n\nBcc: 3", "A: 1\n\nBcc: 3");
    check_strip(":\r\nBcc: 1\r\n:2\r\n\r\n", ":\r\n:2\r\n\r\n");
}

int main(void)
{
    check_begin();
    CHECK_CASE(named_fields_go_with_their_folds);
    CHECK_CASE(others_stay_as_they_are);
    return check_end();
}
