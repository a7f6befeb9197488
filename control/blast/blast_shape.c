/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_shape.h"

#include <string.h>

#include "proto/base/base64.h"

enum { ENCODED_LINE = 57, LETTERS = 56, SOFT = 72, SUBJECT = 24, LEAST = 120 };

static const uint8_t shares[BLAST_SHAPES] = {
    [BLAST_SHAPE_plain] = 40,  [BLAST_SHAPE_alternative] = 30, [BLAST_SHAPE_mixed] = 12,
    [BLAST_SHAPE_related] = 8, [BLAST_SHAPE_nested] = 6,       [BLAST_SHAPE_forward] = 4,
};

enum blast_shape blast_shape_choose(struct chance *c)
{
    uint64_t percent = chance_below(c, 100);
    uint32_t i = 0;

    while (percent >= shares[i])
        percent -= shares[i++];
    return (enum blast_shape)i;
}

struct making {
    struct writer *w;
    struct chance *chance;
    const struct blast_shape_options *o;
    size_t until;    /* of the message, its parts' ends included */
    uint32_t inside; /* multiparts begun */
};

/* What is kept for the lines that close what is open. */
static size_t room_until(const struct making *m, size_t until)
{
    return until < m->until ? until : m->until - (m->inside ? 40 : 0);
}

/* ---- encodings ---- */

/* qp-line = *(qp-segment transport-padding CRLF) qp-part              ; RFC 2045 section 6.7 */
static void put_quoted(struct writer *w, struct span line)
{
    size_t column = 0;

    for (size_t i = 0; i < line.len; i++) {
        uint8_t byte = line.data[i];
        bool plain = byte >= ' ' && byte < 127 && byte != '=';

        if (column >= SOFT) {
            writer_text(w, "=\r\n");
            column = 0;
        }
        column += plain ? 1 : 3;
        if (plain)
            writer_byte(w, byte);
        else
            writer_printf(w, "=%02X", byte);
    }
    writer_text(w, "\r\n");
}

static void put_base64(struct writer *w, struct span bytes)
{
    for (; bytes.len; bytes = span_skip(bytes, ENCODED_LINE)) {
        base64_put(w, span_head(bytes, ENCODED_LINE));
        writer_text(w, "\r\n");
    }
}

static bool is_ascii(const struct blast_writing *how)
{
    return how->spam || strcmp(how->charset, "us-ascii") == 0;
}

/* Scripts of which nearly every byte would be quoted go in base64. */
static const char *encoding_of(const struct blast_writing *how)
{
    if (is_ascii(how))
        return "7bit";
    return how->language <= 3 ? "quoted-printable" : "base64";
}

/* ---- texts ---- */

static void put_line(struct making *m, struct writer *w, bool html)
{
    writer_text(w, html ? "<p>" : "");
    blast_language_line(w, m->chance, &m->o->writing, LETTERS);
    writer_text(w, html ? "</p>" : "");
}

/* Whole characters lie in each piece: a line at a time is encoded, nine of them in base64. */
static void put_lines(struct making *m, size_t until, bool html)
{
    bool base64 = encoding_of(&m->o->writing)[0] == 'b',
         quoted = !base64 && !is_ascii(&m->o->writing);
    uint8_t bytes[ENCODED_LINE * 80];
    struct writer lines = writer_of(bytes, sizeof(bytes));

    until = room_until(m, until);
    do {
        lines.len = 0;
        do {
            put_line(m, &lines, html);
            writer_text(&lines, base64 ? "\r\n" : "");
        } while (base64 && lines.len < ENCODED_LINE * 70 &&
                 m->w->len + lines.len * 78 / ENCODED_LINE + 700 < until);
        /* A multiple of three, so that the pieces of base64 are one. */
        while (base64 && lines.len % ENCODED_LINE)
            writer_byte(&lines, ' ');
        if (base64) {
            put_base64(m->w, writer_span(&lines));
        } else if (quoted) {
            put_quoted(m->w, writer_span(&lines));
        } else {
            writer_span_put(m->w, writer_span(&lines));
            writer_text(m->w, "\r\n");
        }
    } while (m->w->len + (quoted ? 300 : base64 ? 900 : 110) < until);
}

static void put_text(struct making *m, size_t until, bool html)
{
    const struct blast_writing *how = &m->o->writing;

    writer_printf(m->w,
                  "Content-Type: text/%s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
                  html ? "html" : "plain", how->spam ? "us-ascii" : how->charset, encoding_of(how));
    put_lines(m, until, html);
}

/* ---- files ---- */

static void put_file(struct making *m, size_t until, bool image)
{
    static const char png[] = "\x89PNG\r\n\x1a\n";
    uint8_t raw[ENCODED_LINE];

    writer_printf(m->w,
                  "Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n"
                  "Content-Disposition: %s; filename=\"%s\"\r\n%s\r\n",
                  image ? "image/png" : "application/octet-stream", image ? "inline" : "attachment",
                  image ? "picture.png" : "data.bin",
                  image ? "Content-ID: <picture@blast.example.test>\r\n" : "");
    until = room_until(m, until);
    for (bool first = true; first || m->w->len + 78 < until; first = false) {
        for (size_t i = 0; i < sizeof(raw); i++)
            raw[i] = (uint8_t)chance_next(m->chance);
        if (first && image)
            memcpy(raw, png, sizeof(png) - 1);
        put_base64(m->w, span_of(raw, sizeof(raw)));
    }
}

/* ---- structure ---- */

static void begin(struct making *m, const char *kind)
{
    m->inside++;
    writer_printf(m->w, "Content-Type: multipart/%s; boundary=\"=_blast-%u\"\r\n\r\n", kind,
                  m->inside);
}

static void next_part(struct making *m)
{
    writer_printf(m->w, "--=_blast-%u\r\n", m->inside);
}

static void end(struct making *m)
{
    writer_printf(m->w, "--=_blast-%u--\r\n", m->inside--);
}

/* So many percent of what is left. */
static size_t part(const struct making *m, size_t until, uint32_t percent)
{
    size_t left = until > m->w->len ? until - m->w->len : 0;

    return m->w->len + LEAST + left * percent / 100;
}

static void put_alternative(struct making *m, size_t until)
{
    begin(m, "alternative");
    next_part(m);
    put_text(m, part(m, until, 40), false);
    next_part(m);
    put_text(m, until, true);
    end(m);
}

static void put_related(struct making *m, size_t until)
{
    begin(m, "related");
    next_part(m);
    put_text(m, part(m, until, 30), true);
    next_part(m);
    put_file(m, until, true);
    end(m);
}

static void put_nested(struct making *m, size_t until)
{
    begin(m, "mixed");
    next_part(m);
    begin(m, "alternative");
    next_part(m);
    put_text(m, part(m, until, 10), false);
    next_part(m);
    put_related(m, part(m, until, 30));
    end(m);
    for (int i = 0; i < 2; i++) {
        next_part(m);
        put_file(m, i ? until : part(m, until, 40), false);
    }
    end(m);
}

/*
 * encoded-word = "=?" charset "?B?" base64 "?="                 ; RFC 2047 section 2, at most 75
 */
static void put_subject(struct making *m)
{
    uint8_t bytes[BLAST_LANGUAGE_LINE];
    struct writer subject = writer_of(bytes, sizeof(bytes));
    const struct blast_writing *how = &m->o->writing;

    writer_text(m->w, "Subject: ");
    blast_language_line(&subject, m->chance, how, is_ascii(how) ? SUBJECT : SUBJECT / 3);
    if (is_ascii(how)) {
        writer_span_put(m->w, writer_span(&subject));
    } else {
        writer_printf(m->w, "=?%s?B?", how->charset);
        base64_put(m->w, writer_span(&subject));
        writer_text(m->w, "?=");
    }
    writer_text(m->w, "\r\n");
}

static void put_header(struct making *m)
{
    writer_printf(m->w, "From: %s\r\nTo: %s\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n",
                  m->o->from, m->o->to);
    put_subject(m);
    writer_text(m->w, "MIME-Version: 1.0\r\n");
}

static void put_forward(struct making *m, size_t until)
{
    begin(m, "mixed");
    next_part(m);
    put_text(m, part(m, until, 20), false);
    next_part(m);
    writer_text(m->w, "Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n");
    put_header(m);
    put_text(m, until, false);
    end(m);
}

void blast_shape_put(struct writer *w, struct chance *chance, const struct blast_shape_options *o,
                     size_t size)
{
    struct making m = {.w = w, .chance = chance, .o = o, .until = w->len + size};

    put_header(&m);
    switch (o->shape) {
    case BLAST_SHAPE_alternative:
        put_alternative(&m, m.until);
        break;
    case BLAST_SHAPE_mixed:
        begin(&m, "mixed");
        next_part(&m);
        put_text(&m, part(&m, m.until, 15), false);
        next_part(&m);
        put_file(&m, m.until, false);
        end(&m);
        break;
    case BLAST_SHAPE_related:
        put_related(&m, m.until);
        break;
    case BLAST_SHAPE_nested:
        put_nested(&m, m.until);
        break;
    case BLAST_SHAPE_forward:
        put_forward(&m, m.until);
        break;
    default:
        put_text(&m, m.until, false);
        break;
    }
}
