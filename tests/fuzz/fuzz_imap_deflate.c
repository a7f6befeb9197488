/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_deflate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do                                                                                             \
        if (!(condition))                                                                          \
            abort();                                                                               \
    while (0)

enum { OUT_MAX = 1 << 18 };

static uint8_t reading[IMAP_INFLATE_MEMORY] __attribute__((aligned(16)));
static uint8_t writing[IMAP_DEFLATE_MEMORY] __attribute__((aligned(16)));
static uint8_t history[IMAP_INFLATE_HISTORY];

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* It may rest wherever it says that it can. */
static void rest(struct imap_inflate *i)
{
    struct writer w = writer_of(history, sizeof(history));

    if (!imap_inflate_rests(i, &w))
        return;
    memset(reading, 0xa5, sizeof(reading));
    MUST(imap_inflate_init(i, reading, writer_span(&w)));
}

/* With a seed: cut, with little room, and with rests. False: it is none. */
static bool inflate_all(struct span in, uint32_t seed, struct writer *out)
{
    struct imap_inflate i;

    MUST(imap_inflate_init(&i, reading, span_of(NULL, 0)));
    while (in.len) {
        struct span piece = span_head(in, seed ? 1 + next(&seed) % 50 : in.len);
        enum imap_inflate_status status;

        in = span_skip(in, piece.len);
        do {
            size_t room = seed ? 1 + next(&seed) % 500 : OUT_MAX;
            struct writer part = writer_of(out->data + out->len,
                                           room < writer_room(out) ? room : writer_room(out));

            status = imap_inflate_feed(&i, &piece, &part);
            MUST(part.len <= part.cap);
            out->len += part.len;
            if (status == IMAP_INFLATE_BAD)
                return false;
            if (writer_room(out) == 0)
                return true;
        } while (status == IMAP_INFLATE_ROOM);
        MUST(piece.len == 0);
        if (seed)
            rest(&i);
    }
    return true;
}

/* What we compress, with new states in between, is what comes out of it. */
static void there_and_back(struct span text, uint32_t seed)
{
    static uint8_t packed_bytes[OUT_MAX], out_bytes[OUT_MAX];
    struct writer packed = writer_of(packed_bytes, OUT_MAX), out = writer_of(out_bytes, OUT_MAX);
    struct span all = text;
    struct imap_deflate d;

    MUST(imap_deflate_init(&d, writing));
    while (all.len) {
        struct span piece = span_head(all, 1 + next(&seed) % 300);
        bool flush = next(&seed) % 2, done = false;

        all = span_skip(all, piece.len);
        while (!done) {
            struct writer part = writer_of(packed.data + packed.len, 1 + next(&seed) % 100);

            MUST(part.cap <= writer_room(&packed));
            done = imap_deflate_feed(&d, &piece, flush || all.len == 0, &part);
            packed.len += part.len;
        }
        if (flush && next(&seed) % 2)
            MUST(imap_deflate_init(&d, writing));
    }
    MUST(inflate_all(writer_span(&packed), seed | 1, &out));
    MUST(span_equal(writer_span(&out), text));
}

/* First byte: seed of the cuts. What comes out does not depend on them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole_bytes[OUT_MAX], cut_bytes[OUT_MAX];
    struct writer whole = writer_of(whole_bytes, OUT_MAX), cut = writer_of(cut_bytes, OUT_MAX);
    bool good, same;

    if (size < 2 || size > 4096)
        return 0;
    good = inflate_all(span_of(data + 1, size - 1), 0, &whole);
    same = inflate_all(span_of(data + 1, size - 1), 1u + data[0], &cut);
    if (whole.len < OUT_MAX && cut.len < OUT_MAX)
        MUST(good == same && span_equal(writer_span(&whole), writer_span(&cut)));
    there_and_back(span_of(data + 1, size - 1), 1u + data[0]);
    return 0;
}
