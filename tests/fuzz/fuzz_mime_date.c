/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_date.h"
#include "proto/mime/mime_id.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* A date that is read can be written, and is within its bounds; ids lie in the value, one behind
 * the other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value = span_of(data, size), id;
    const uint8_t *at = data;
    uint8_t text[MIME_DATE_TEXT];
    struct writer w = writer_of(text, sizeof(text));
    struct mime_date date;

    if (mime_date_parse(value, &date)) {
        MUST(date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= 31);
        MUST(date.hour < 24 && date.minute < 60 && date.second <= 60);
        mime_date_put(&w, &date);
        MUST(!w.full && w.len == MIME_DATE_TEXT - 1);
    }
    for (bool first = true; mime_id_next(&value, first, &id); first = false) {
        MUST(id.len && id.data >= at && id.data + id.len <= data + size);
        at = id.data + id.len;
    }
    return 0;
}
