/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_tree.h"

#include <stdlib.h>

/* A span handed out must lie within the input. */
static void check_span_within(struct span s, const uint8_t *data, size_t size)
{
    if (s.len && (s.data < data || s.len > size || s.data > data + size - s.len))
        abort();
}

static void read_type(struct span attribute, const uint8_t *data, size_t size)
{
    struct mime_tree_type type;
    struct span name, value;

    if (!mime_tree_type_read(attribute, &type))
        return;
    check_span_within(type.type, data, size);
    check_span_within(type.subtype, data, size);
    while (mime_tree_type_next(&type, &name, &value)) {
        check_span_within(name, data, size);
        check_span_within(value, data, size);
    }
}

/* Any bytes as a stored tree: reading ends, and stays inside. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mime_tree_read read;
    struct mime_tree_part part;
    unsigned n = 0;

    if (!mime_tree_read_init(&read, span_of(data, size)))
        return 0;
    while (mime_tree_read_next(&read, &part) == MIME_TREE_NEXT) {
        if (part.index != n++ || (n > 1 && part.parent >= part.index))
            abort();
        for (int i = 0; i < MIME_TREE_TAGS; i++)
            check_span_within(part.attributes[i], data, size);
        read_type(part.attributes[MIME_TREE_TYPE], data, size);
        read_type(part.attributes[MIME_TREE_DISPOSITION], data, size);
    }
    if (n > read.parts)
        abort();
    return 0;
}
