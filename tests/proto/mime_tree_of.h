/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PROTO_MIME_TREE_OF_H
#define TESTS_PROTO_MIME_TREE_OF_H

#include <stdlib.h>

#include "proto/mime/mime_tree.h"

/* The part tree of a whole message, as it is stored, in `memory`. */
static inline struct span mime_tree_in(struct span message, uint8_t *memory, size_t size)
{
    static struct mime_reader reader;
    static uint8_t field[16384], scratch[4096];
    struct mime_memory lent = {.field = field, .scratch = scratch, .scratch_size = sizeof(scratch)};
    struct mime_limits limits = MIME_LIMITS_DEFAULT;
    struct mime_tree tree;
    struct mime_event event;

    if (!mime_reader_init(&reader, &lent, &limits))
        abort();
    mime_tree_init(&tree, memory, size);
    for (int round = 0; round < 2; round++) {
        while (mime_reader_next(&reader, &message, &event) == MIME_EVENT)
            mime_tree_feed(&tree, &event);
        mime_reader_finish(&reader);
    }
    return mime_tree_finish(&tree);
}

/* The same, valid until the next call. */
static inline struct span mime_tree_of(struct span message)
{
    static uint8_t memory[65536];

    return mime_tree_in(message, memory, sizeof(memory));
}

#endif
