/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/pop3/pop3_stuff.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 15 };

static void stuff_all(struct span in, size_t step, struct writer *out)
{
    struct pop3_stuff stuff = {0};

    while (in.len) {
        struct span part = span_head(in, step), piece;

        in = span_skip(in, step);
        while (pop3_stuff_next(&stuff, &part, &piece))
            writer_span_put(out, piece);
    }
    writer_span_put(out, pop3_stuff_end(&stuff));
}

/* The end is found once and last by a client that looks for CRLF.CRLF; the cut changes nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole_bytes[OUT_MAX], cut_bytes[OUT_MAX];
    struct writer whole = writer_of(whole_bytes, OUT_MAX), cut = writer_of(cut_bytes, OUT_MAX);
    const uint8_t *end;

    if (size < 1 || size > OUT_MAX / 4)
        return 0;
    stuff_all(span_of(data + 1, size - 1), size, &whole);
    stuff_all(span_of(data + 1, size - 1), 1 + data[0] % 16u, &cut);
    if (!span_equal(writer_span(&whole), writer_span(&cut)))
        abort();
    end = memmem(whole_bytes, whole.len, "\r\n.\r\n", 5);
    if (end ? end != whole_bytes + whole.len - 5 : size != 1)
        abort();
    return 0;
}
