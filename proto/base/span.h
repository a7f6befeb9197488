/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_SPAN_H
#define PROTO_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A run of bytes that somebody else owns. Never NUL-terminated. `data` may be NULL only when `len`
 * is 0. How long the bytes stay valid is said by whoever hands the span out.
 */
struct span {
    const uint8_t *data;
    size_t len;
};

static inline struct span span_of(const void *data, size_t len)
{
    return (struct span){.data = data, .len = len};
}

/* The span of a C string, without its NUL. */
static inline struct span span_text(const char *text)
{
    return span_of(text, strlen(text));
}

/* The bytes between two pointers into the same run. */
static inline struct span span_between(const uint8_t *begin, const uint8_t *end)
{
    return span_of(begin, (size_t)(end - begin));
}

/* What is left behind the first `n` bytes; `n` beyond the end leaves an empty span. */
static inline struct span span_skip(struct span s, size_t n)
{
    return n >= s.len ? span_of(s.data ? s.data + s.len : NULL, 0) : span_of(s.data + n, s.len - n);
}

/* The first `n` bytes, or all of them. */
static inline struct span span_head(struct span s, size_t n)
{
    return span_of(s.data, n < s.len ? n : s.len);
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline uint8_t ascii_lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c | 0x20) : c;
}

/* Equal when ASCII letters are compared without case; other bytes compare as they are. */
static inline bool span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    return true;
}

/* The first occurrence of `byte`, or -1. */
static inline ptrdiff_t span_find(struct span s, uint8_t byte)
{
    const uint8_t *at = s.len ? memchr(s.data, byte, s.len) : NULL;

    return at ? at - s.data : -1;
}

#endif
