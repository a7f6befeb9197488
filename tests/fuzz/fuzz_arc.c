/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chains of ARC. A line: the text of the key record; then the message. However odd, the chain is
 * decided, and passes only when every seal of it is good.
 */
#include <stdlib.h>

#include "proto/arc/arc_chain.h"
#include "proto/dkim/dkim_message.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static struct dkim_message message;
static struct arc_chain chain;
static uint8_t header[65536];

static void begin(void)
{
    static const struct dkim_settings settings = {.now = 1700000000, .bits_least = 1024};

    arc_chain_init(&chain, &message.header, &settings);
    arc_chain_want(&chain, &message.body);
}

static void answer(struct span record)
{
    uint8_t rdata[8192];
    struct writer w = writer_of(rdata, sizeof(rdata));
    struct span strings;
    struct dns_answer a = {.outcome = DNS_ANSWER, .count = 1, .records = &strings};

    do {
        struct span string = span_head(record, 255);

        writer_byte(&w, (uint8_t)string.len);
        writer_span_put(&w, string);
        record = span_skip(record, 255);
    } while (record.len);
    strings = writer_span(&w);
    for (uint32_t i = 0; i < chain.check_count; i++)
        if (arc_chain_asks(&chain, i))
            arc_chain_answer(&chain, i, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size), record;
    ptrdiff_t end = span_find(in, '\n');

    if (!message.body.passes[0].body)
        dkim_message_init(&message);
    record = span_head(in, end < 0 ? in.len : (size_t)end);
    in = span_skip(in, record.len + 1);
    dkim_message_begin(&message, header, sizeof(header));
    if (dkim_message_header(&message, &in))
        begin();
    dkim_body_feed(&message.body, in);
    if (dkim_message_end(&message))
        begin();
    dkim_body_finish(&message.body);
    answer(record);
    arc_chain_judge(&chain, &message.body);
    MUST(chain.decided && chain.reason < ARC_REASONS && chain.count <= ARC_SETS_MAX);
    MUST(chain.blamed <= ARC_SETS_MAX);
    if (arc_chain_result(&chain) == ARC_RESULT_PASS)
        for (uint32_t i = 0; i < chain.check_count; i++)
            MUST(chain.checks[i].decided && chain.checks[i].reason == DKIM_GOOD);
    arc_chain_fini(&chain);
    return 0;
}
