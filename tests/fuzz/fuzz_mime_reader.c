/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/proto/mime_trace.h"

/*
 * Input: two bytes that say how to cut, then a message. It is read twice, cut differently, with a field buffer kept and
 * lent: the traces and the stored trees must be equal, and the tree must read back with as many parts. Small limits,
 * so that they are met.
 */
enum { TRACE_MAX = 1 << 20, TREE_MAX = 1 << 16 };

static struct span read_it(struct span message, size_t first, size_t step, bool lend, struct writer *trace,
                           uint8_t *tree_memory)
{
    struct mime_tree tree;
    struct mime_trace t = {
        .limits = {.field = MIME_FIELD_MIN, .header = 600, .parts = 12, .depth = 5},
        .first = first,
        .step = step,
        .out = trace,
        .tree = &tree,
        .lend = lend,
    };

    mime_tree_init(&tree, tree_memory, TREE_MAX);
    mime_trace_run(&t, message);
    return mime_tree_finish(&tree);
}

static void check_tree(struct span encoded)
{
    struct mime_tree_read read;
    struct mime_tree_part part;

    if (!mime_tree_read_init(&read, encoded) || read.parts == 0)
        abort();
    for (unsigned i = 0; i < read.parts; i++)
        if (mime_tree_read_next(&read, &part) != MIME_TREE_NEXT)
            abort();
    if (mime_tree_read_next(&read, &part) != MIME_TREE_DONE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t traces[2][TRACE_MAX], trees[2][TREE_MAX];
    struct writer a = writer_of(traces[0], TRACE_MAX), b = writer_of(traces[1], TRACE_MAX);
    struct span whole, cut, message;

    if (size < 2)
        return 0;
    message = span_of(data + 2, size - 2);
    whole = read_it(message, message.len + 1, 1, false, &a, trees[0]);
    cut = read_it(message, data[0], 1u + data[1] % 64, true, &b, trees[1]);
    if (!a.full && !b.full && !span_equal(writer_span(&a), writer_span(&b)))
        abort();
    if (!span_equal(whole, cut))
        abort();
    check_tree(whole);
    return 0;
}
