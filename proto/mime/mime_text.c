/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_text.h"

static bool starts(struct span s, const char *word)
{
    return span_equal_nocase(span_head(s, strlen(word)), span_text(word));
}

static enum mime_text_kind kind_of(struct span charset)
{
    static const char *const singles[] = {"iso-8859", "windows-125", "latin", "koi8"};

    if (charset.len == 0 || starts(charset, "utf-8") || starts(charset, "utf8") ||
        starts(charset, "us-ascii") || span_equal_nocase(charset, span_text("ascii")))
        return MIME_TEXT_NONE;
    if (starts(charset, "utf-16") || starts(charset, "utf16") || starts(charset, "unicode"))
        return MIME_TEXT_UNITS;
    for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++)
        if (starts(charset, singles[i]))
            return MIME_TEXT_SINGLE;
    return MIME_TEXT_LINES;
}

void mime_text_begin(struct mime_text *t, const struct mime_part *part,
                     const struct mime_charset *charsets)
{
    struct writer none = writer_of(t->line, sizeof(t->line));

    t->charsets = charsets;
    t->kind = MIME_TEXT_NONE;
    t->begun = false;
    t->len = 0;
    if (part->kind != MIME_LEAF || !span_equal_nocase(part->type, span_text("text")))
        return;
    t->kind = (uint8_t)kind_of(part->charset);
    if (t->kind == MIME_TEXT_NONE)
        return;
    if (part->charset.len > MIME_TEXT_CHARSET ||
        !mime_charset_to_utf8(charsets, part->charset, span_of(t->line, 0), &none)) {
        t->kind = MIME_TEXT_UNKNOWN;
        return;
    }
    memcpy(t->charset, part->charset.data, part->charset.len);
    t->charset_len = (uint8_t)part->charset.len;
}

static void convert(const struct mime_text *t, struct span text, struct writer *out)
{
    mime_charset_to_utf8(t->charsets, span_of(t->charset, t->charset_len), text, out);
}

static size_t ascii_run(struct span s)
{
    size_t i = 0;
    uint64_t word;

    for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
        memcpy(&word, s.data + i, sizeof(word));
        if (word & 0x8080808080808080ull)
            break;
    }
    while (i < s.len && s.data[i] < 0x80)
        i++;
    return i;
}

static void single(struct mime_text *t, struct span *in, struct writer *out, struct span *text_out)
{
    size_t plain = ascii_run(*in), len = 0;

    if (plain) {
        *text_out = span_head(*in, plain);
        *in = span_skip(*in, plain);
        return;
    }
    while (len < in->len && len < MIME_TEXT_LINE && in->data[len] >= 0x80)
        len++;
    convert(t, span_head(*in, len), out);
    *text_out = writer_span(out);
    *in = span_skip(*in, len);
}

/* A byte order mark says which of both it is; without one it is big-endian (RFC 2781 section 4.3).
 */
static void settle_units(struct mime_text *t)
{
    static const uint8_t little[] = {0xff, 0xfe};
    bool named = t->charset_len > 6 && (ascii_lower(t->charset[t->charset_len - 2]) == 'l' ||
                                        ascii_lower(t->charset[t->charset_len - 2]) == 'b');
    bool marked = t->len >= 2 && span_equal(span_of(t->line, 2), span_of(little, 2));

    if (!named) {
        memcpy(t->charset, marked ? "utf-16le" : "utf-16be", 8);
        t->charset_len = 8;
    }
}

/* Whole units, and both of a pair, if there is more to come. */
static size_t units_len(const struct mime_text *t, bool finished)
{
    bool is_little = ascii_lower(t->charset[t->charset_len - 2]) == 'l';
    size_t len = t->len & ~(size_t)1;

    if (finished)
        return t->len;
    if (len >= 2 && (t->line[is_little ? len - 1 : len - 2] & 0xfc) == 0xd8)
        len -= 2;
    return len;
}

/* Converts what is kept, but for a piece of a character at its end. */
static void put_line(struct mime_text *t, bool finished, struct writer *out)
{
    size_t len = t->len;

    if (t->kind == MIME_TEXT_UNITS) {
        if (!t->begun)
            settle_units(t);
        t->begun = true;
        len = units_len(t, finished);
    }
    convert(t, span_of(t->line, len), out);
    memmove(t->line, t->line + len, t->len - len);
    t->len = (uint16_t)(t->len - len);
}

static bool lines(struct mime_text *t, struct span *in, bool finished, struct writer *out)
{
    while (in->len || (finished && t->len)) {
        struct span part = span_head(*in, (size_t)(MIME_TEXT_LINE - t->len));
        ptrdiff_t nl = t->kind == MIME_TEXT_LINES ? span_find(part, '\n') : -1;

        if (nl >= 0)
            part.len = (size_t)nl + 1;
        if (part.len)
            memcpy(t->line + t->len, part.data, part.len);
        t->len = (uint16_t)(t->len + part.len);
        *in = span_skip(*in, part.len);
        if (nl < 0 && t->len < MIME_TEXT_LINE && !(finished && in->len == 0))
            continue;
        put_line(t, finished && in->len == 0, out);
        if (out->len)
            return true;
    }
    return false;
}

bool mime_text_next(struct mime_text *t, struct span *in, bool finished, struct writer *out,
                    struct span *text_out)
{
    if (t->kind == MIME_TEXT_NONE || t->kind == MIME_TEXT_UNKNOWN)
        return false;
    if (t->kind == MIME_TEXT_SINGLE) {
        if (in->len)
            single(t, in, out, text_out);
        return text_out->len > 0;
    }
    if (!lines(t, in, finished, out))
        return false;
    *text_out = writer_span(out);
    return true;
}
