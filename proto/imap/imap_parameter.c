/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_parameter.h"

enum { SECTIONS = 100 };

/* A name taken apart: initial-section, other-sections (RFC 2231 section 7). */
struct piece {
    struct span base;
    int section; /* -1: it is no piece */
    bool extended;
};

static struct piece read_name(struct span name)
{
    struct piece whole = {.base = name, .section = -1}, p = whole;
    ptrdiff_t star = span_find(name, '*');
    struct span digits = span_skip(name, star < 0 ? name.len : (size_t)star + 1);

    p.base = span_head(name, star < 0 ? name.len : (size_t)star);
    p.extended = digits.len && digits.data[digits.len - 1] == '*';
    digits.len -= p.extended;
    /* No zeros in front: each section has one name. */
    if (digits.len == 0 || digits.len > 2 || (digits.len == 2 && digits.data[0] == '0'))
        return whole;
    p.section = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if ((uint8_t)(digits.data[i] - '0') > 9)
            return whole;
        p.section = 10 * p.section + (digits.data[i] - '0');
    }
    return p;
}

static bool find_piece(const struct mime_tree_type *all, struct span base, int section,
                       struct piece *piece_out, struct span *value_out)
{
    struct mime_tree_type left = *all;
    struct span name;

    while (mime_tree_type_next(&left, &name, value_out)) {
        *piece_out = read_name(name);
        if (piece_out->section == section && span_equal_nocase(piece_out->base, base))
            return true;
    }
    return false;
}

/* attribute-char = <any CHAR except SPACE, CTLs, "*", "'", "%", or tspecials> */
static bool is_plain(uint8_t c)
{
    return c > ' ' && c < 0x7f && !strchr("*'%()<>@,;:\\\"/[]?=", c);
}

/* A piece without escapes among those that have some. */
static void put_escaped(struct writer *w, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_plain(text.data[i]))
            writer_byte(w, text.data[i]);
        else
            writer_printf(w, "%%%02X", text.data[i]);
}

bool imap_parameter_join(const struct mime_tree_type *all, struct span *name, struct span *value,
                         struct writer *out)
{
    const struct piece first = read_name(*name);
    struct piece p;
    struct span text;
    size_t begin = out->len;

    if (first.section < 0)
        return true;
    /* What follows a first one is told with it; without that one they stand as they came. */
    if (first.section > 0) {
        for (int i = 0; i < first.section; i++)
            if (!find_piece(all, first.base, i, &p, &text))
                return true;
        return false;
    }
    writer_span_put(out, first.base);
    if (first.extended)
        writer_byte(out, '*');
    *name = span_of(out->data + begin, out->len - begin);
    begin = out->len;
    for (int i = 0; i < SECTIONS && find_piece(all, first.base, i, &p, &text); i++)
        if (first.extended && !p.extended)
            put_escaped(out, text);
        else
            writer_span_put(out, text);
    *value = span_of(out->data + begin, out->len - begin);
    return true;
}
