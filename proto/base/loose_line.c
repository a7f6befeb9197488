/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/loose_line.h"

void loose_line_init(struct loose_line *l, uint16_t limit)
{
    *l = (struct loose_line){.limit = limit};
}

static void start(struct loose_line *l)
{
    l->held = 0;
    l->cr = l->over = l->begun = l->odd = l->done = false;
}

uint8_t *loose_line_take_back(struct loose_line *l)
{
    uint8_t *buffer = l->buffer;

    if (l->done)
        start(l);
    if (l->held)
        return NULL;
    l->buffer = NULL;
    return buffer;
}

void loose_line_gap(struct loose_line *l)
{
    start(l);
    l->begun = l->skip = true;
}

static bool has_odd(struct span s)
{
    return span_find(s, '\r') >= 0 || span_find(s, 0) >= 0;
}

/* Adds to the line that is held. */
static void hold(struct loose_line *l, struct span bytes)
{
    size_t room = (size_t)(l->limit - l->held);

    if (bytes.len > room) {
        l->over = true;
        bytes.len = room;
    }
    if (bytes.len)
        memcpy(l->buffer + l->held, bytes.data, bytes.len);
    l->held = (uint16_t)(l->held + bytes.len);
}

/* Bytes of a line that does not end here. A CR at their end may turn out to be the line end's. */
static void keep(struct loose_line *l, struct span bytes)
{
    static const uint8_t cr = '\r';

    l->begun = true;
    if (l->skip || !bytes.len)
        return;
    if (l->cr) {
        hold(l, span_of(&cr, 1));
        l->odd = true;
    }
    l->cr = bytes.data[bytes.len - 1] == '\r';
    if (l->cr)
        bytes.len--;
    l->odd |= has_odd(bytes);
    hold(l, bytes);
}

/* The whole line lies in the input. */
static struct span in_place(struct loose_line *l, struct span line)
{
    l->bare_lf = line.len == 0 || line.data[line.len - 1] != '\r';
    if (!l->bare_lf)
        line.len--;
    l->inner = has_odd(line);
    l->cut = line.len > l->limit;
    return span_head(line, l->limit);
}

/* Its beginning is held. */
static struct span from_buffer(struct loose_line *l, struct span rest)
{
    keep(l, rest);
    l->bare_lf = !l->cr;
    l->inner = l->odd;
    l->cut = l->over;
    l->done = true;
    l->begun = false;
    return span_of(l->buffer, l->held);
}

enum loose_status loose_line_feed(struct loose_line *l, struct span *in, struct span *line_out)
{
    if (l->done)
        start(l);
    while (in->len) {
        ptrdiff_t end = span_find(*in, '\n');
        struct span piece = end < 0 ? *in : span_head(*in, (size_t)end);
        bool held = l->begun;

        if (!l->buffer && !l->skip && (held || end < 0))
            return LOOSE_BUFFER;
        *in = span_skip(*in, piece.len + (end >= 0));
        if (end < 0) {
            keep(l, piece);
        } else if (l->skip) {
            l->skip = false;
            start(l);
        } else {
            *line_out = held ? from_buffer(l, piece) : in_place(l, piece);
            return LOOSE_LINE;
        }
    }
    return LOOSE_MORE;
}
