/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/imap/imap_reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 16 };

static const struct imap_reader_limits limits = {
    .line = 80, .literal = 40, .command = 128, .append = 60, .nonsync = 50};

struct run {
    struct imap_reader reader;
    uint8_t buffers[2][512];
    bool second;
    struct writer out;
};

/* A buffer as large as was asked for, and no larger than was agreed. */
static void lend(struct run *run)
{
    struct imap_reader *r = &run->reader;

    if (r->wanted <= r->size || r->wanted > limits.command)
        abort();
    run->second = !run->second;
    (void)imap_reader_attach(r, run->buffers[run->second], r->wanted);
}

static void tell(struct run *run, const struct imap_reader_event *e)
{
    struct writer *w = &run->out;

    if (e->kind != IMAP_READER_DATA)
        writer_byte(w, (uint8_t)(1 + e->kind));
    writer_byte(w, (uint8_t)(e->refusal + 2 * e->sync + 4 * e->literal8 + 8 * e->nul));
    writer_span_put(w, e->bytes);
    writer_span_put(w, e->command.tag);
    writer_span_put(w, e->command.name);
    writer_uint(w, e->size, 8);
    if (e->kind == IMAP_READER_COMMAND && e->command.verb == IMAP_VERB_NONE)
        abort();
    if (e->kind == IMAP_READER_COMMAND && e->command.verb == IMAP_VERB_IDLE)
        imap_reader_expect_line(&run->reader);
    if (e->kind == IMAP_READER_APPEND && e->size % 7)
        imap_reader_accept(&run->reader);
    else if (e->kind == IMAP_READER_APPEND)
        imap_reader_refuse(&run->reader);
}

static void feed(struct run *run, struct span in)
{
    struct imap_reader_event e;

    for (;;) {
        imap_reader_next(&run->reader, &in, &e);
        if (e.kind == IMAP_READER_MORE)
            break;
        if (e.kind == IMAP_READER_BUFFER)
            lend(run);
        else if (e.kind == IMAP_READER_DATA)
            writer_span_put(&run->out, e.bytes);
        else
            tell(run, &e);
    }
    if (in.len)
        abort();
}

/* Cuts are drawn from `seed`; 0 does not cut. */
static struct span read_all(struct run *run, struct span in, uint32_t seed, uint8_t *out)
{
    imap_reader_init(&run->reader, &limits);
    run->out = writer_of(out, OUT_MAX);
    while (in.len) {
        size_t n = in.len;

        if (seed) {
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 16) % (seed >> 30 ? 5 : 90);
        }
        feed(run, span_head(in, n));
        in = span_skip(in, n);
    }
    return writer_span(&run->out);
}

/* However an input is cut, the events are the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole[OUT_MAX], cut[OUT_MAX];
    static struct run one, other;

    if (size < 2 || size > OUT_MAX / 32)
        return 0;
    if (!span_equal(
            read_all(&one, span_of(data + 2, size - 2), 0, whole),
            read_all(&other, span_of(data + 2, size - 2), 1u + data[0] + 256u * data[1], cut)))
        abort();
    return 0;
}
