/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_base64.h"

#include "proto/mime/mime_base64_run.h"

enum { BLANK = MIME_BASE64_BLANK, PAD = MIME_BASE64_PAD, BAD = MIME_BASE64_OTHER };

void mime_base64_init(struct mime_base64 *b)
{
    *b = (struct mime_base64){0};
}

static void put_group(struct mime_base64 *b, unsigned bytes, struct writer *out)
{
    uint32_t v = b->bits << (6 * (4 - b->count));

    for (unsigned i = 0; i < bytes; i++)
        writer_byte(out, (uint8_t)(v >> (16 - 8 * i)));
    b->bits = 0;
    b->count = 0;
    b->pads = 0;
}

static void pad(struct mime_base64 *b, struct writer *out)
{
    if (b->count < 2) {
        b->flags |= MIME_BASE64_BAD;
        return;
    }
    b->pads++;
    if (b->count + b->pads < 4)
        return;
    put_group(b, b->count - 1u, out);
    b->ended = !b->further;
}

static bool is_url(uint8_t c)
{
    return c == '-' || c == '_';
}

/* What a byte makes doubtful: one MIME_BASE64_* flag, or 0. */
static uint8_t doubtful(const struct mime_base64 *b, uint8_t c)
{
    uint8_t value = mime_base64_value[c];

    if (value == BLANK || b->further)
        return value != BAD || (b->further && is_url(c)) ? 0 : MIME_BASE64_BAD;
    if (b->ended)
        return value < 64 ? MIME_BASE64_BEHIND : value == BAD ? MIME_BASE64_BAD : 0;
    return is_url(c) ? MIME_BASE64_URL : value == BAD ? MIME_BASE64_BAD : 0;
}

static void step(struct mime_base64 *b, uint8_t value, struct writer *out)
{
    if (value == BLANK)
        return;
    if (b->ended) {
        if (value < 64)
            b->flags |= MIME_BASE64_BEHIND;
        else
            b->flags |= MIME_BASE64_BAD;
    } else if (value == PAD) {
        pad(b, out);
    } else if (value == BAD) {
        b->flags |= MIME_BASE64_BAD;
    } else {
        /* A lone '=' before another character is no padding. */
        if (b->pads)
            b->flags |= MIME_BASE64_BAD;
        b->pads = 0;
        b->bits = b->bits << 6 | value;
        if (++b->count == 4)
            put_group(b, 3, out);
    }
}

uint8_t mime_base64_feed(struct mime_base64 *b, struct span *in, struct writer *out)
{
    while (in->len && writer_room(out) >= 3) {
        uint8_t c, doubt;

        if (b->count == 0 && !b->ended)
            mime_base64_run(in, out);
        if (in->len == 0 || writer_room(out) < 3)
            break;
        c = in->data[0];
        doubt = b->stop ? doubtful(b, c) & b->stop : 0;
        if (doubt)
            return doubt;
        step(b, b->further && is_url(c) ? (c == '-' ? 62 : 63) : mime_base64_value[c], out);
        *in = span_skip(*in, 1);
    }
    return 0;
}

void mime_base64_finish(struct mime_base64 *b, struct writer *out)
{
    if (b->count == 0)
        return;
    b->flags |= MIME_BASE64_CUT;
    put_group(b, b->count - 1u, out);
}
