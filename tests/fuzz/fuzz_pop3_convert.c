/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_convert.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IN_MAX = 8192, OUT_MAX = 1 << 20 };

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static uint8_t memory[POP3_CONVERT_MEMORY];

static struct span tree_of(struct span message)
{
    static struct mime_reader reader;
    static uint8_t bytes[65536], field[16384], scratch[4096];
    struct mime_memory lent = {.field = field, .scratch = scratch, .scratch_size = sizeof(scratch)};
    struct mime_limits limits = MIME_LIMITS_DEFAULT;
    struct mime_tree tree;
    struct mime_event event;

    MUST(mime_reader_init(&reader, &lent, &limits));
    mime_tree_init(&tree, bytes, sizeof(bytes));
    for (int round = 0; round < 2; round++) {
        while (mime_reader_next(&reader, &message, &event) == MIME_EVENT)
            mime_tree_feed(&tree, &event);
        mime_reader_finish(&reader);
    }
    return mime_tree_finish(&tree);
}

static void convert(struct span message, struct span tree, uint64_t prefix, unsigned forms,
                    size_t cut, struct writer *out)
{
    struct pop3_convert c;
    struct writer some;

    pop3_convert_init(&c, tree, prefix, message.len, forms, memory);
    do {
        struct span in = span_head(span_skip(message, c.offset), cut);

        MUST(OUT_MAX - out->len > 4096);
        some = writer_of(out->data + out->len, POP3_CONVERT_ROOM_MIN + cut % 4000);
        if (pop3_convert_feed(&c, &in, &some) == POP3_CONVERT_DONE)
            cut = 0;
        out->len += some.len;
    } while (cut);
    MUST(c.offset == message.len);
}

static uint64_t measured(struct span message, struct span tree, uint64_t prefix, unsigned forms)
{
    static uint8_t text[4096];
    struct pop3_convert c;
    uint64_t length = 0, wanted = 0;

    pop3_convert_init(&c, tree, prefix, message.len, forms, memory);
    for (;;) {
        struct writer out = writer_of(text, sizeof(text));
        struct span in;

        if (pop3_convert_skip(&c, &length, &wanted))
            continue;
        in = span_head(span_skip(message, c.offset), wanted);
        if (pop3_convert_feed(&c, &in, &out) == POP3_CONVERT_DONE)
            return length + out.len;
        length += out.len;
    }
}

/* First bytes: forms and whether the tree is the message's own or is the input too; length of the
 * prefix, which is the seed of the cuts as well. The result does not depend on the cuts, and its
 * length is known before. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole_bytes[OUT_MAX], cut_bytes[OUT_MAX];
    struct writer whole = writer_of(whole_bytes, OUT_MAX), cut = writer_of(cut_bytes, OUT_MAX);
    struct span message, tree;
    unsigned forms;
    uint64_t prefix;

    if (size < 2 || size > IN_MAX)
        return 0;
    message = span_of(data + 2, size - 2);
    forms = data[0] & (POP3_FORM_UTF8 | POP3_FORM_BINARY);
    prefix = data[1] < message.len ? data[1] : 0;
    tree = data[0] & 0x80 ? message : tree_of(span_skip(message, prefix));
    convert(message, tree, prefix, forms, IN_MAX, &whole);
    convert(message, tree, prefix, forms, 1 + data[1] % 50u, &cut);
    MUST(span_equal(writer_span(&whole), writer_span(&cut)));
    MUST(measured(message, tree, prefix, forms) == whole.len);
    return 0;
}
