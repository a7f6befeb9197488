/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_lines.h"

void api_lines_init(struct api_lines *l)
{
    l->skipping = false;
    l->count = 0;
    l->len = l->whole = 0;
}

static void give_batch(struct api_lines *l)
{
    size_t whole = l->whole;

    if (!whole)
        return;
    l->count = 0;
    l->whole = 0;
    l->batch(l->context, span_of(l->bytes, whole));
    memmove(l->bytes, l->bytes + whole, l->len - whole);
    l->len -= whole;
}

/* A batch ends where its last line does, so `bytes` begin with a line. */
static void make_room(struct api_lines *l)
{
    if (l->len < sizeof(l->bytes))
        return;
    if (l->whole) {
        give_batch(l);
        return;
    }
    l->too_long(l->context);
    l->skipping = true;
    l->len = 0;
}

static void end_line(struct api_lines *l)
{
    l->whole = l->len;
    if (++l->count == API_LINES_BATCH)
        give_batch(l);
}

/* The next octets up to the end of a line. */
static struct span take_piece(struct api_lines *l, struct span octets)
{
    ptrdiff_t end = span_find(octets, '\n');
    struct span piece = end < 0 ? octets : span_head(octets, (size_t)end + 1);
    size_t room;

    if (l->skipping) {
        l->skipping = end < 0;
        return span_skip(octets, piece.len);
    }
    make_room(l);
    room = sizeof(l->bytes) - l->len;
    if (l->skipping || piece.len > room)
        end = -1;
    piece = span_head(piece, l->skipping ? 0 : piece.len < room ? piece.len : room);
    memcpy(l->bytes + l->len, piece.data, piece.len);
    l->len += piece.len;
    if (end >= 0)
        end_line(l);
    return span_skip(octets, piece.len);
}

void api_lines_feed(struct api_lines *l, struct span octets)
{
    while (octets.len)
        octets = take_piece(l, octets);
}

void api_lines_end(struct api_lines *l)
{
    static const uint8_t lf = '\n';

    if (l->len > l->whole)
        api_lines_feed(l, span_of(&lf, 1));
    l->skipping = false;
    give_batch(l);
}
