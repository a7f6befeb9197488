/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signatures and key records. The first octet: whether what was retired counts, and where the
 * message is cut; a line: the text of the key record; then the message. What is told must be
 * whole, and not depend on the cut; nothing that a fuzzer makes is signed by a key, unless its key
 * is in the record.
 */
#include <stdlib.h>

#include "proto/base/tag_list.h"
#include "proto/dkim/dkim_message.h"
#include "proto/dkim/dkim_set.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static struct dkim_message messages[2];
static struct dkim_set sets[2];
static uint8_t headers[2][65536];
static struct dkim_settings settings = {.now = 1700000000, .bits_least = 1024, .most = 8};

static void begin(int n)
{
    dkim_set_init(&sets[n], &messages[n].header, &settings);
    dkim_set_want(&sets[n], &messages[n].body);
}

static void pass(int n, struct span piece)
{
    if (dkim_message_header(&messages[n], &piece))
        begin(n);
    dkim_body_feed(&messages[n].body, piece);
}

static void read_message(int n, struct span text, size_t step, struct span record)
{
    uint8_t rdata[8192];
    struct writer w = writer_of(rdata, sizeof(rdata));
    struct span strings = span_of(NULL, 0);
    struct dns_answer a = {.outcome = DNS_ANSWER, .count = 1, .records = &strings};

    dkim_message_begin(&messages[n], headers[n], sizeof(headers[n]));
    for (; text.len; text = span_skip(text, step))
        pass(n, span_head(text, step));
    if (dkim_message_end(&messages[n]))
        begin(n);
    dkim_body_finish(&messages[n].body);
    do {
        struct span string = span_head(record, 255);

        writer_byte(&w, (uint8_t)string.len);
        writer_span_put(&w, string);
        record = span_skip(record, 255);
    } while (record.len);
    strings = writer_span(&w);
    for (uint32_t i = 0; i < sets[n].count; i++)
        if (dkim_set_asks(&sets[n], i))
            dkim_set_answer(&sets[n], i, &a);
    dkim_set_judge(&sets[n], &messages[n].body);
}

static void look_at(const struct dkim_check *c)
{
    const struct dkim_signature *s = &c->signature;

    MUST(c->decided && c->reason < DKIM_REASONS);
    MUST(s->b_at <= s->b_end && s->b_end <= s->field.len);
    MUST(s->identity_len <= DKIM_IDENTITY_MAX);
    MUST(c->question.name.len == 0 || c->question.name.wire[c->question.name.len - 1] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tag_list tags;
    struct span in = span_of(data, size), record;
    ptrdiff_t end;

    if (size < 1)
        return 0;
    if (!messages[0].body.passes[0].body) {
        dkim_message_init(&messages[0]);
        dkim_message_init(&messages[1]);
    }
    settings.legacy = data[0] & 1;
    in = span_skip(in, 1);
    end = span_find(in, '\n');
    record = span_head(in, end < 0 ? in.len : (size_t)end);
    in = span_skip(in, record.len + 1);
    tag_list_read(record, &tags);
    read_message(0, in, in.len + 1, record);
    read_message(1, in, 1 + data[0] / 2, record);
    MUST(sets[0].found == sets[1].found && sets[0].count == sets[1].count);
    for (uint32_t i = 0; i < sets[0].count; i++) {
        look_at(&sets[0].checks[i]);
        MUST(sets[0].checks[i].reason == sets[1].checks[i].reason);
        MUST(sets[0].checks[i].notes == sets[1].checks[i].notes);
    }
    dkim_set_fini(&sets[0]);
    dkim_set_fini(&sets[1]);
    return 0;
}
