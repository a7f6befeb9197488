/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_content_type.h"

#include <stdlib.h>

static void find(const struct mime_content_type *t, const char *name)
{
    uint8_t text[64], clean[64], flags = 0;
    struct writer w = writer_of(text, sizeof(text)), again = writer_of(clean, sizeof(clean));

    if (!mime_content_type_find(t, name, NULL, &w, &flags) && w.len)
        abort();
    mime_charset_clean(writer_span(&w), &again);
    if (!span_equal(writer_span(&w), writer_span(&again)))
        abort();
    w = writer_of(text, sizeof(text));
    mime_content_type_raw(t, name, &w);
}

/* A field's value: every span lies in it, every value found is well-formed UTF-8 within its writer.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mime_content_type t;

    mime_content_type_parse(span_of(data, size), &t);
    for (size_t i = 0; i < t.count; i++) {
        struct span spans[] = {t.parameters[i].name, t.parameters[i].value};

        for (size_t k = 0; k < 2; k++)
            if (spans[k].len &&
                (spans[k].data < data || spans[k].data + spans[k].len > data + size))
                abort();
    }
    find(&t, "name");
    find(&t, "filename");
    find(&t, "boundary");
    mime_encoding_of(span_of(data, size));
    return 0;
}
