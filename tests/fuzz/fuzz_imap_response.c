/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/imap/imap_response.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 18, LIMIT = 80 };

struct run {
    struct imap_response reader;
    uint8_t buffer[LIMIT];
    struct writer out;
    uint32_t depth;
    bool within, in_string;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Lists, strings and data begin and end by turns. */
static void hold_to_order(struct run *run, const struct imap_response_event *e)
{
    switch (e->kind) {
    case IMAP_RESPONSE_DATA:
    case IMAP_RESPONSE_STATUS:
    case IMAP_RESPONSE_CONTINUE:
        must(!run->within && !run->in_string);
        run->within = e->kind == IMAP_RESPONSE_DATA;
        run->depth = 0;
        break;
    case IMAP_RESPONSE_BYTES:
        must(run->in_string && e->text.len);
        break;
    case IMAP_RESPONSE_STRING_END:
        must(run->in_string);
        run->in_string = false;
        break;
    case IMAP_RESPONSE_BAD:
    case IMAP_RESPONSE_END:
        must(run->within || e->kind == IMAP_RESPONSE_BAD);
        run->within = run->in_string = false;
        break;
    default:
        must(run->within && !run->in_string);
        run->in_string = e->kind == IMAP_RESPONSE_STRING;
        if (e->kind == IMAP_RESPONSE_CLOSE)
            run->depth--;
        must(e->depth == run->depth);
        if (e->kind == IMAP_RESPONSE_OPEN)
            run->depth++;
    }
}

static void tell(struct run *run, const struct imap_response_event *e)
{
    struct writer *w = &run->out;

    hold_to_order(run, e);
    must(e->tag.len <= LIMIT && (e->kind == IMAP_RESPONSE_BYTES || e->text.len <= LIMIT));
    if (e->kind != IMAP_RESPONSE_BYTES) {
        writer_byte(w, (uint8_t)(1 + e->kind));
        writer_byte(w, (uint8_t)(e->fault + 8 * e->condition));
        writer_byte(w, (uint8_t)(e->numbered + 2 * e->literal + 4 * e->literal8 + 8 * e->cut));
        writer_uint(w, e->number + e->size, 8);
    }
    writer_span_put(w, e->tag);
    writer_span_put(w, e->name);
    writer_span_put(w, e->code);
    writer_span_put(w, e->arguments);
    writer_span_put(w, e->text);
    if (e->kind == IMAP_RESPONSE_DATA && e->number == 7)
        imap_response_pass(&run->reader);
    if (e->kind == IMAP_RESPONSE_STATUS && e->tag.len == 1)
        imap_response_found(&run->reader);
}

static void feed(struct run *run, struct span in)
{
    struct imap_response_event e;

    for (;;) {
        imap_response_next(&run->reader, &in, &e);
        if (e.kind == IMAP_RESPONSE_MORE)
            break;
        if (e.kind == IMAP_RESPONSE_BUFFER) {
            must(!run->reader.buffer);
            imap_response_attach(&run->reader, run->buffer);
        } else {
            tell(run, &e);
        }
    }
    must(in.len == 0);
    (void)imap_response_take_back(&run->reader);
}

/* Cuts are drawn from `seed`; 0 does not cut. Behind `gap` octets so many are missing. */
static struct span read_all(struct run *run, struct span in, uint32_t seed, size_t gap, uint8_t len,
                            uint8_t *out)
{
    imap_response_init(&run->reader, LIMIT);
    run->out = writer_of(out, OUT_MAX);
    run->depth = 0;
    run->within = run->in_string = false;
    for (size_t at = 0; at < in.len;) {
        size_t n = in.len - at;

        if (seed) {
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 16) % (seed >> 30 ? 5 : 90);
        }
        if (at < gap && at + n > gap)
            n = gap - at;
        if (at == gap && len && !imap_response_gap(&run->reader, len)) {
            run->within = run->in_string = false;
            run->depth = 0;
        }
        feed(run, span_head(span_skip(in, at), n));
        at += n;
    }
    return writer_span(&run->out);
}

/* However an input is cut, the events are the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole[OUT_MAX], cut[OUT_MAX];
    static struct run one, other;
    struct span in;

    if (size < 4 || size > 4096)
        return 0;
    in = span_of(data + 4, size - 4);
    must(span_equal(read_all(&one, in, 0, data[2], data[3], whole),
                    read_all(&other, in, 1u + data[0] + 256u * data[1], data[2], data[3], cut)));
    return 0;
}
