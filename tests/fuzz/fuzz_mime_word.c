/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_word.h"

#include <stdlib.h>

enum { TEXT_MAX = 1 << 16 };

/*
 * A header field's value: the text is well-formed UTF-8, without line ends unless encoded, and
 * bounded by its writer.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t text[TEXT_MAX], clean[TEXT_MAX];
    struct span value = span_of(data, size);
    struct writer w = writer_of(text, sizeof(text)), again = writer_of(clean, sizeof(clean));
    struct writer little = writer_of(clean, 16);

    mime_word_decode(value, NULL, &w);
    mime_charset_clean(writer_span(&w), &again);
    if (!w.full && !span_equal(writer_span(&w), writer_span(&again)))
        abort();
    mime_word_decode(value, NULL, &little);
    if (!span_equal(writer_span(&little), span_head(writer_span(&w), little.len)))
        abort();
    w = writer_of(text, sizeof(text));
    mime_word_unfold(value, &w);
    if (w.len > size || span_find(writer_span(&w), '\n') >= 0)
        abort();
    return 0;
}
