/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_CURSOR_H
#define PROTO_BASE_CURSOR_H

#include <endian.h>

#include "proto/base/span.h"

/*
 * A bounded reader over a span with a sticky error: reading past the end sets `bad`, yields zeros
 * or empty spans, and stays bad. So a parser may read a whole structure and ask once. Integers are
 * big-endian.
 */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline struct cursor cursor_of(struct span s)
{
    /* Even adding 0 to NULL is undefined. */
    return (struct cursor){.at = s.data, .end = s.len ? s.data + s.len : s.data};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* The next `n` bytes, or an empty span and `bad`. Borrows from the span that is read. */
static inline struct span cursor_take(struct cursor *c, size_t n)
{
    if (c->bad || cursor_left(c) < n) {
        c->bad = true;
        return span_of(NULL, 0);
    }
    c->at += n;
    return span_of(c->at - n, n);
}

static inline uint64_t cursor_uint(struct cursor *c, size_t bytes)
{
    struct span s = cursor_take(c, bytes);
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++)
        v = v << 8 | s.data[i];
    return v;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)cursor_uint(c, 1);
}

/* One load each: headers of every packet are read with these. */
static inline uint16_t cursor_u16(struct cursor *c)
{
    uint16_t v = 0;
    struct span s = cursor_take(c, sizeof(v));

    if (s.len)
        memcpy(&v, s.data, sizeof(v));
    return be16toh(v);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    uint32_t v = 0;
    struct span s = cursor_take(c, sizeof(v));

    if (s.len)
        memcpy(&v, s.data, sizeof(v));
    return be32toh(v);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    uint64_t v = 0;
    struct span s = cursor_take(c, sizeof(v));

    if (s.len)
        memcpy(&v, s.data, sizeof(v));
    return be64toh(v);
}

/* A span written as a 32-bit length and its bytes. */
static inline struct span cursor_blob(struct cursor *c)
{
    return cursor_take(c, cursor_u32(c));
}

#endif
