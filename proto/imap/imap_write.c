/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_write.h"

#include "proto/base/utf8.h"
#include "proto/imap/imap_date.h"

enum { QUOTED_MAX = 2048 }; /* bytes that are quoted; what is longer is quicker read as a literal */

/* Without what `bad` replaces, a backslash before quotes and backslashes. */
static void put_quoted(struct writer *w, struct span text, bool eight_bit)
{
    writer_byte(w, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c == '"' || c == '\\')
            writer_byte(w, '\\');
        if (c == 0 || c == '\r' || c == '\n' || (c >= 0x80 && !eight_bit))
            c = '?';
        writer_byte(w, c);
    }
    writer_byte(w, '"');
}

void imap_write_quoted(struct writer *w, struct span text)
{
    put_quoted(w, text, false);
}

void imap_write_literal(struct writer *w, uint64_t octets)
{
    writer_byte(w, '{');
    writer_number(w, octets);
    writer_text(w, "}\r\n");
}

void imap_write_literal8(struct writer *w, uint64_t octets)
{
    writer_byte(w, '~');
    imap_write_literal(w, octets);
}

static void put_literal(struct writer *w, struct span text)
{
    size_t begin;

    imap_write_literal(w, text.len);
    begin = w->len;
    writer_span_put(w, text);
    for (size_t i = begin; i < w->len; i++)
        if (w->data[i] == 0)
            w->data[i] = '?';
}

void imap_write_string(struct writer *w, struct span text, bool utf8)
{
    bool eight_bit = utf8_needed(text);

    if (text.len > QUOTED_MAX || span_find(text, '\r') >= 0 || span_find(text, '\n') >= 0 ||
        (eight_bit && (!utf8 || !utf8_valid(text))))
        put_literal(w, text);
    else
        put_quoted(w, text, eight_bit);
}

void imap_write_nstring(struct writer *w, struct span text, bool utf8)
{
    if (text.data)
        imap_write_string(w, text, utf8);
    else
        writer_text(w, "NIL");
}

void imap_write_astring(struct writer *w, struct span text, bool utf8)
{
    bool atom = text.len && !span_equal_nocase(text, span_text("NIL"));

    for (size_t i = 0; i < text.len && atom; i++)
        atom = imap_is_atom_char(text.data[i]) || text.data[i] == ']';
    if (atom)
        writer_span_put(w, text);
    else
        imap_write_string(w, text, utf8);
}

void imap_write_flag(struct writer *w, struct span name, bool *first)
{
    if (!*first)
        writer_byte(w, ' ');
    *first = false;
    writer_span_put(w, name);
}

void imap_write_flags(struct writer *w, unsigned flags, bool *first)
{
    for (unsigned flag = 1; flag <= IMAP_FLAG_RECENT; flag <<= 1)
        if (flags & flag)
            imap_write_flag(w, span_text(imap_flag_name((enum imap_flag)flag)), first);
}

void imap_write_date_time(struct writer *w, int64_t seconds, int16_t zone)
{
    struct imap_date d = imap_date_of(seconds, zone);
    unsigned minutes = (unsigned)(zone < 0 ? -zone : zone);

    writer_printf(w, "\"%2d-%s-%04d %02d:%02d:%02d %c%02u%02u\"", d.day,
                  imap_date_month_name(d.month), d.year, d.hour, d.minute, d.second,
                  zone < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}
