/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"

#include <stdarg.h>
#include <stdio.h>

void writer_number(struct writer *w, uint64_t n)
{
    uint8_t digits[20];
    size_t at = sizeof(digits);

    if (n < 10) {
        writer_byte(w, (uint8_t)('0' + n));
        return;
    }
    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n);
    writer_span_put(w, span_of(digits + at, sizeof(digits) - at));
}

void writer_digits(struct writer *w, uint64_t n, size_t width)
{
    if (writer_room(w) < width) {
        w->full = true;
        return;
    }
    w->len += width;
    for (uint8_t *at = w->data + w->len; width; width--, n /= 10)
        *--at = (uint8_t)('0' + n % 10);
}

void writer_hex(struct writer *w, uint64_t n, size_t width)
{
    if (writer_room(w) < width) {
        w->full = true;
        return;
    }
    w->len += width;
    for (uint8_t *at = w->data + w->len; width; width--, n >>= 4)
        *--at = (uint8_t) "0123456789abcdef"[n & 15];
}

void writer_blob(struct writer *w, struct span s)
{
    if (writer_room(w) < s.len + 4) {
        w->full = true;
        return;
    }
    writer_uint(w, s.len, 4);
    writer_span_put(w, s);
}

void writer_printf(struct writer *w, const char *format, ...)
{
    size_t room = writer_room(w);
    va_list args;
    int n;

    va_start(args, format);
    /* vsnprintf writes a NUL behind the text, so a text that fills the room exactly counts as too
     * long. */
    n = vsnprintf(room ? (char *)w->data + w->len : NULL, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room)
        w->full = true;
    else
        w->len += (size_t)n;
}
