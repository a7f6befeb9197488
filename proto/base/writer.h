/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_WRITER_H
#define PROTO_BASE_WRITER_H

#include "proto/base/span.h"

/*
 * A bounded writer into memory of the caller's. What does not fit is left out whole, sets `full`,
 * and every later write is left out too: so the text is always a prefix of what was meant, cut at a
 * write's border.
 */
struct writer {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool full;
};

static inline struct writer writer_of(void *data, size_t cap)
{
    return (struct writer){.data = data, .cap = cap};
}

static inline struct span writer_span(const struct writer *w)
{
    return span_of(w->data, w->len);
}

static inline size_t writer_room(const struct writer *w)
{
    return w->full ? 0 : w->cap - w->len;
}

static inline void writer_span_put(struct writer *w, struct span s)
{
    if (writer_room(w) < s.len) {
        w->full = true;
        return;
    }
    if (s.len)
        memcpy(w->data + w->len, s.data, s.len);
    w->len += s.len;
}

static inline void writer_text(struct writer *w, const char *text)
{
    writer_span_put(w, span_text(text));
}

static inline void writer_byte(struct writer *w, uint8_t byte)
{
    if (writer_room(w) == 0)
        w->full = true;
    else
        w->data[w->len++] = byte;
}

/* Decimal. */
void writer_number(struct writer *w, uint64_t n);
/* The last `width` (at most 20) digits, zeros in front. */
void writer_digits(struct writer *w, uint64_t n, size_t width);
/* The same in hexadecimal, small letters, at most 16. */
void writer_hex(struct writer *w, uint64_t n, size_t width);
/* `bytes` (1 to 8) big-endian bytes. */
static inline void writer_uint(struct writer *w, uint64_t n, size_t bytes)
{
    if (writer_room(w) < bytes) {
        w->full = true;
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        w->data[w->len + i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
    w->len += bytes;
}
/* A 32-bit length and the bytes; the counterpart of cursor_blob(). */
void writer_blob(struct writer *w, struct span s);
/* printf into the room that is left; all or nothing like every other write. */
__attribute__((format(printf, 2, 3))) void writer_printf(struct writer *w, const char *format, ...);

#endif
