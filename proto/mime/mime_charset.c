/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_charset.h"

/* 0x80 to 0x9f of windows-1252; 0xfffd where it has none. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
};

enum builtin { UTF_8, US_ASCII, ISO_8859_1, WINDOWS_1252, OTHER };

static enum builtin builtin_of(struct span charset)
{
    static const struct {
        const char *name;
        enum builtin is;
    } names[] = {
        {"utf-8", UTF_8},          {"utf8", UTF_8},          {"us-ascii", US_ASCII},
        {"ascii", US_ASCII},       {"latin1", ISO_8859_1},   {"iso-8859-1", ISO_8859_1},
        {"iso8859-1", ISO_8859_1}, {"cp1252", WINDOWS_1252}, {"windows-1252", WINDOWS_1252},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equal_nocase(charset, span_text(names[i].name)))
            return names[i].is;
    return OTHER;
}

/* Only the plane that the built-in charsets reach. */
static void put_char(struct writer *out, uint32_t c)
{
    uint8_t bytes[3] = {(uint8_t)(0xe0 | c >> 12), (uint8_t)(0x80 | (c >> 6 & 0x3f)),
                        (uint8_t)(0x80 | (c & 0x3f))};

    if (c < 0x80) {
        writer_byte(out, (uint8_t)c);
    } else if (c < 0x800) {
        bytes[1] = (uint8_t)(0xc0 | c >> 6);
        writer_span_put(out, span_of(bytes + 1, 2));
    } else {
        writer_span_put(out, span_of(bytes, 3));
    }
}

/* Length of the well-formed sequence at the begin of `s` (RFC 3629 section 4), or 0. */
static size_t sequence(struct span s)
{
    uint8_t c = s.data[0], low = 0x80, high = 0xbf;
    size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (len > s.len)
        return 0;
    if (c == 0xe0)
        low = 0xa0;
    else if (c == 0xed)
        high = 0x9f;
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < len; i++) {
        if (s.data[i] < low || s.data[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return len;
}

static size_t ascii_run(struct span s)
{
    size_t i = 0;

    while (i < s.len && s.data[i] < 0x80)
        i++;
    return i;
}

void mime_charset_clean(struct span text, struct writer *out)
{
    while (text.len && !out->full) {
        size_t n = ascii_run(text);

        if (n > writer_room(out)) {
            writer_span_put(out, span_head(text, writer_room(out)));
            out->full = true;
            return;
        }
        if (n == 0)
            n = sequence(text);
        if (n)
            writer_span_put(out, span_head(text, n));
        else
            put_char(out, 0xfffd);
        text = span_skip(text, n ? n : 1);
    }
}

static uint32_t single_byte(enum builtin charset, uint8_t c)
{
    if (c < 0x80)
        return c;
    if (charset == US_ASCII)
        return 0xfffd;
    return charset == WINDOWS_1252 && c < 0xa0 ? windows_1252[c - 0x80] : c;
}

bool mime_charset_to_utf8(const struct mime_charset *other, struct span charset, struct span text,
                          struct writer *out)
{
    enum builtin is = builtin_of(charset);

    if (is == OTHER)
        return other && other->to_utf8 && other->to_utf8(other->context, charset, text, out);
    if (is == UTF_8) {
        mime_charset_clean(text, out);
        return true;
    }
    for (size_t i = 0; i < text.len && !out->full; i++)
        put_char(out, single_byte(is, text.data[i]));
    return true;
}
