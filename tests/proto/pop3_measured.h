/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PROTO_POP3_MEASURED_H
#define TESTS_PROTO_POP3_MEASURED_H

#include "proto/pop3/pop3_convert.h"

/* The length of a converted message, measured as a mailbox is opened: what the converter need not
 * see is skipped. `memory`: POP3_CONVERT_MEMORY bytes. */
static inline uint64_t pop3_measured(struct span message, struct span tree, uint64_t prefix,
                                     unsigned forms, uint8_t *memory)
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

#endif
