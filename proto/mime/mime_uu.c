/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_uu.h"

#include "proto/mime/mime_scan.h"

static const char begin_word[] = "begin ";
enum { BEGIN_LEN = sizeof(begin_word) - 1, OCTAL_MIN = 3, OCTAL_MAX = 6 };

void mime_uu_init(struct mime_uu *u)
{
    u->len = 0;
    u->within = false;
    u->ended = false;
    u->mid_line = false;
    u->seen = false;
    u->bad = false;
}

static struct span without_end(struct span line)
{
    while (line.len && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    return line;
}

/* "begin" SP 3*6OCTAL SP name */
static bool begin_line(struct span line, struct span *name_out)
{
    size_t digits = 0;

    line = without_end(line);
    if (!span_equal(span_head(line, BEGIN_LEN), span_text(begin_word)))
        return false;
    line = span_skip(line, BEGIN_LEN);
    while (digits < line.len && line.data[digits] >= '0' && line.data[digits] <= '7')
        digits++;
    if (digits < OCTAL_MIN || digits > OCTAL_MAX || digits == line.len || line.data[digits] != ' ')
        return false;
    *name_out = span_skip(line, digits + 1);
    return true;
}

static bool end_line(struct span line)
{
    line = without_end(line);
    while (line.len && (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t'))
        line.len--;
    return span_equal(line, span_text("end"));
}

/* A line's blanks may have been cut from its end: they stand for zero. */
static uint32_t value_at(struct span line, size_t at)
{
    return at < line.len ? (uint32_t)(line.data[at] - ' ') & 0x3f : 0;
}

/* length = %x20-60   group = 4%x20-60 */
static void data_line(struct mime_uu *u, struct span line, struct writer *out)
{
    size_t bytes;

    line = without_end(line);
    if (line.len == 0)
        return;
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] < ' ' || line.data[i] > '`') {
            u->bad = true;
            return;
        }
    bytes = value_at(line, 0);
    line = span_skip(line, 1);
    /* One more character is a checksum that some writers put there. */
    if (line.len > (bytes + 2) / 3 * 4 + 1)
        u->bad = true;
    for (size_t at = 0; bytes > 0; at += 4) {
        uint32_t v = value_at(line, at) << 18 | value_at(line, at + 1) << 12 |
                     value_at(line, at + 2) << 6 | value_at(line, at + 3);

        for (int shift = 16; shift >= 0 && bytes > 0; shift -= 8, bytes--)
            writer_byte(out, (uint8_t)(v >> shift));
    }
}

/*
 * Puts bytes behind the line under way, up to its end. True when it is whole. What is too long is
 * left out within a file, and left in the input outside.
 */
static bool gather(struct mime_uu *u, struct span *in, bool finished)
{
    size_t room = (size_t)(MIME_UU_LINE - u->len);
    struct span may = u->within ? *in : span_head(*in, room);
    ptrdiff_t nl = span_find(may, '\n');
    struct span part = nl < 0 ? may : span_head(may, (size_t)nl + 1), kept = span_head(part, room);

    if (kept.len)
        memcpy(u->line + u->len, kept.data, kept.len);
    u->len = (uint16_t)(u->len + kept.len);
    *in = span_skip(*in, part.len);
    return nl >= 0 || (finished && u->len);
}

static enum mime_uu_status end(struct mime_uu *u)
{
    u->within = false;
    u->ended = false;
    return MIME_UU_END;
}

static enum mime_uu_status within(struct mime_uu *u, struct span *in, bool finished,
                                  struct writer *out)
{
    if (u->ended)
        return end(u);
    while (gather(u, in, finished)) {
        struct span line = span_of(u->line, u->len);

        if (end_line(line)) {
            u->len = 0;
            u->ended = true;
            /* What was decoded goes first. */
            return out->len ? MIME_UU_DATA : end(u);
        }
        data_line(u, line, out);
        u->len = 0;
        if (writer_room(out) < MIME_UU_ROOM)
            return MIME_UU_DATA;
    }
    if (out->len)
        return MIME_UU_DATA;
    if (!finished)
        return MIME_UU_MORE;
    u->bad = true;
    return end(u);
}

/* True when the line under way may still become a begin. */
static bool may_begin(const struct mime_uu *u)
{
    size_t len = u->len < BEGIN_LEN ? u->len : BEGIN_LEN;

    return memcmp(u->line, begin_word, len) == 0;
}

/* Passes over text up to the next line that may begin a file, as far as the input tells. */
static struct span pass(struct mime_uu *u, struct span *in)
{
    size_t len = 0;
    struct span text;

    do {
        struct span rest = span_skip(*in, len);
        size_t line = mime_scan_line(rest, begin_word[0]);

        len += line + (line < rest.len);
    } while (in->len - len >= BEGIN_LEN && memcmp(in->data + len, begin_word, BEGIN_LEN) != 0);
    text = span_head(*in, len);
    *in = span_skip(*in, len);
    u->mid_line = text.data[len - 1] != '\n';
    return text;
}

static enum mime_uu_status outside(struct mime_uu *u, struct span *in, bool finished,
                                   struct span *span_out)
{
    while (in->len || (finished && u->len)) {
        if (u->mid_line || (u->len == 0 && in->data[0] != begin_word[0])) {
            *span_out = pass(u, in);
            return MIME_UU_BESIDE;
        }
        if (!gather(u, in, finished) && may_begin(u) && u->len < MIME_UU_LINE)
            return MIME_UU_MORE;
        *span_out = span_of(u->line, u->len);
        u->mid_line = u->line[u->len - 1] != '\n';
        u->len = 0;
        if (begin_line(*span_out, span_out)) {
            u->within = true;
            u->seen = true;
            return MIME_UU_BEGIN;
        }
        return MIME_UU_BESIDE;
    }
    return MIME_UU_MORE;
}

enum mime_uu_status mime_uu_next(struct mime_uu *u, struct span *in, bool finished,
                                 struct writer *out, struct span *span_out)
{
    return u->within ? within(u, in, finished, out) : outside(u, in, finished, span_out);
}
