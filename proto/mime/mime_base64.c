/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_base64.h"

/* Above the 64 values: what a byte outside the alphabet is. */
enum { BLANK = 0x40, PAD = 0x41, BAD = 0x42 };

#define X BAD
#define S BLANK
static const uint8_t value_of[256] = {
    X,  X,  X,  X,  X,  X,  X,  X,  X,  S,  S,  X,  X,  S,   X,  X,  /* 00: TAB, LF, CR */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* 10 */
    S,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  62, X,  X,   X,  63, /* 20: SP + / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X,  X,  X,  PAD, X,  X,  /* 30: 0-9 = */
    X,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,  13, 14, /* 40: A-O */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X,  X,  X,   X,  X,  /* 50: P-Z */
    X,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,  39, 40, /* 60: a-o */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X,  X,  X,   X,  X,  /* 70: p-z */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* 80 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* 90 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* a0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* b0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* c0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* d0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* e0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,   X,  X,  /* f0 */
};
#undef X
#undef S

void mime_base64_init(struct mime_base64 *b)
{
    *b = (struct mime_base64){0};
}

/*
 * Whole groups while every byte is of the alphabet; stops at the first that is not, or when `out`
 * is short.
 */
static void groups(struct span *in, struct writer *out)
{
    const uint8_t *at = in->data, *end = in->data + in->len;
    uint8_t *to = out->data + out->len, *limit = out->data + out->cap;

    while (end - at >= 4 && limit - to >= 4) {
        uint32_t a = value_of[at[0]], b = value_of[at[1]], c = value_of[at[2]], d = value_of[at[3]];
        uint32_t v = a << 18 | b << 12 | c << 6 | d;

        if ((a | b | c | d) & 0x40)
            break;
        v = __builtin_bswap32(v << 8);
        /* Writes one byte more than it keeps; the room was checked. */
        memcpy(to, &v, 4);
        to += 3;
        at += 4;
    }
    out->len = (size_t)(to - out->data);
    *in = span_between(at, end);
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
    uint8_t value = value_of[c];

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
            groups(in, out);
        if (in->len == 0 || writer_room(out) < 3)
            break;
        c = in->data[0];
        doubt = b->stop ? doubtful(b, c) & b->stop : 0;
        if (doubt)
            return doubt;
        step(b, b->further && is_url(c) ? (c == '-' ? 62 : 63) : value_of[c], out);
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
