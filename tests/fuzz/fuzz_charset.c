/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/charset/charset.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A charset's name up to a line end, then text: what is written is well-formed, and at most three
 * times as long. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span s = span_of(data, size), name, text;
    ptrdiff_t end = span_find(s, '\n');
    struct writer w, again;
    bool wrong;

    if (end < 0 || size > 4096)
        return 0;
    name = span_head(s, (size_t)end);
    text = span_skip(s, (size_t)end + 1);
    w = writer_of(malloc(3 * size), 3 * size);
    again = writer_of(malloc(3 * size), 3 * size);
    if (charset_all.to_utf8(NULL, name, text, &w)) {
        mime_charset_clean(writer_span(&w), &again);
        wrong = w.full || w.len > 3 * text.len || !span_equal(writer_span(&w), writer_span(&again));
    } else {
        wrong = w.len != 0;
    }
    free(w.data);
    free(again.data);
    if (wrong)
        abort();
    return 0;
}
