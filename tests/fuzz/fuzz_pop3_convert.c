/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "proto/pop3/pop3_convert.h"
#include "tests/proto/mime_tree_of.h"
#include "tests/proto/pop3_measured.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IN_MAX = 8192, OUT_MAX = 1 << 20 };

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static uint8_t memory[POP3_CONVERT_MEMORY];

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
    tree = data[0] & 0x80 ? message : mime_tree_of(span_skip(message, prefix));
    convert(message, tree, prefix, forms, IN_MAX, &whole);
    convert(message, tree, prefix, forms, 1 + data[1] % 50u, &cut);
    MUST(span_equal(writer_span(&whole), writer_span(&cut)));
    MUST(pop3_measured(message, tree, prefix, forms, memory) == whole.len);
    return 0;
}
