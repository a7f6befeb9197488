/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/imap/imap_response.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a server says, read whole, in pieces and octet by octet: the same must come out. */
enum { OUT_MAX = 1 << 18 };

struct target {
    struct imap_response response;
    uint8_t buffer[IMAP_RESPONSE_WORD_MAX];
    struct writer out;
    enum imap_response_kind last;
    bool broken;
};

/* Runs that were cut are put together. */
static void tell(struct target *t, const struct imap_response_event *e)
{
    bool runs = e->kind == IMAP_RESPONSE_BYTES || e->kind == IMAP_RESPONSE_TEXT;

    if (runs && !e->text.len)
        abort();
    if (!runs || t->last != e->kind)
        writer_byte(&t->out, (uint8_t)e->kind);
    t->last = e->kind;
    if (runs) {
        writer_span_put(&t->out, e->text);
        return;
    }
    writer_byte(&t->out, (uint8_t)(e->form << 4 | e->status));
    writer_byte(&t->out, (uint8_t)(e->numbered << 2 | e->literal << 1 | e->literal8));
    writer_byte(&t->out, (uint8_t)e->fault);
    writer_uint(&t->out, e->number, 8);
    writer_uint(&t->out, e->size, 8);
    writer_blob(&t->out, e->tag);
    writer_blob(&t->out, e->name);
    writer_blob(&t->out, e->text);
}

static bool act(struct target *t, const struct imap_response_event *e)
{
    if (e->kind == IMAP_RESPONSE_MORE)
        return false;
    if (e->kind == IMAP_RESPONSE_BUFFER) {
        imap_response_attach(&t->response, t->buffer);
        return true;
    }
    tell(t, e);
    t->broken = e->kind == IMAP_RESPONSE_BROKEN;
    return !t->broken;
}

static void play(struct target *t, struct span in, size_t step, uint8_t *room)
{
    t->broken = false;
    t->last = IMAP_RESPONSE_MORE;
    t->out = writer_of(room, OUT_MAX);
    imap_response_init(&t->response);
    while (in.len && !t->broken) {
        struct span piece = span_head(in, step);
        struct imap_response_event e;

        in = span_skip(in, piece.len);
        do
            imap_response_next(&t->response, &piece, &e);
        while (act(t, &e));
        if (!t->broken && piece.len)
            abort();
        imap_response_take_back(&t->response);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t one_room[OUT_MAX], other_room[OUT_MAX];
    static struct target one, other;
    struct span in = span_skip(span_of(data, size), 1);
    size_t step[] = {1, size ? 1 + (size_t)data[0] : 1};

    play(&one, in, in.len, one_room);
    for (int i = 0; i < 2; i++) {
        play(&other, in, step[i], other_room);
        if (!one.out.full && !other.out.full &&
            !span_equal(writer_span(&one.out), writer_span(&other.out)))
            abort();
    }
    return 0;
}
