/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_header.h"

#include "proto/base/ascii.h"

/* FNV-1a of the name in small letters: only spares comparisons. */
static uint32_t hash_of(struct span name)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ ascii_lower(name.data[i])) * 16777619u;
    return hash;
}

static uint16_t find_name(const struct dkim_header *h, struct span name, uint32_t hash)
{
    for (uint16_t i = 0; i < h->names; i++)
        if (h->hashes[i] == hash && span_equal_nocase(dkim_header_name(h, h->last[i]), name))
            return i;
    return DKIM_FIELD_NONE;
}

/* Bytes of the first line, with its CRLF. */
static size_t line_of(struct span in)
{
    size_t at = 0;

    for (;;) {
        ptrdiff_t end = span_find(span_skip(in, at), '\n');

        if (end < 0)
            return in.len;
        at += (size_t)end + 1;
        if (at >= 2 && in.data[at - 2] == '\r')
            return at;
    }
}

/* field-name = 1*ftext, blanks before the colon are obsolete (RFC 5322 sections 2.2 and 4.5). */
static uint16_t name_len(struct span field)
{
    size_t n = 0, colon;

    while (n < field.len && field.data[n] > ' ' && field.data[n] < 0x7f && field.data[n] != ':')
        n++;
    colon = n;
    while (colon < field.len && ascii_blank(field.data[colon]))
        colon++;
    return colon < field.len && field.data[colon] == ':' && n < UINT16_MAX ? (uint16_t)n : 0;
}

static void add(struct dkim_header *h, size_t at, size_t len)
{
    struct dkim_field *f = &h->fields[h->count];
    struct span bytes = span_of(h->bytes.data + at, len), name;
    uint32_t hash;

    if (len >= 2 && bytes.data[len - 1] == '\n' && bytes.data[len - 2] == '\r')
        bytes.len -= 2;
    *f = (struct dkim_field){.at = (uint32_t)at,
                             .len = (uint32_t)bytes.len,
                             .name_len = name_len(bytes),
                             .above = DKIM_FIELD_NONE};
    name = span_head(bytes, f->name_len);
    hash = hash_of(name);
    f->name = find_name(h, name, hash);
    if (f->name == DKIM_FIELD_NONE) {
        f->name = h->names++;
        h->hashes[f->name] = hash;
    } else {
        f->above = h->last[f->name];
    }
    h->last[f->name] = h->count++;
}

void dkim_header_read(struct dkim_header *h, struct span bytes)
{
    size_t at = 0;

    h->bytes = bytes;
    h->cut = bytes.len > UINT32_MAX;
    h->count = h->names = 0;
    while (at < bytes.len && !h->cut) {
        size_t len = line_of(span_skip(bytes, at));

        while (at + len < bytes.len && ascii_blank(bytes.data[at + len]))
            len += line_of(span_skip(bytes, at + len));
        h->cut = h->count == DKIM_FIELDS_MAX;
        if (!h->cut)
            add(h, at, len);
        at += len;
    }
}

struct span dkim_header_value(const struct dkim_header *h, uint16_t field)
{
    struct span bytes = dkim_header_field(h, field);
    ptrdiff_t colon = span_find(bytes, ':');

    return span_skip(bytes, colon < 0 ? bytes.len : (size_t)colon + 1);
}

uint16_t dkim_header_last(const struct dkim_header *h, struct span name)
{
    uint16_t found = find_name(h, name, hash_of(name));

    return found == DKIM_FIELD_NONE ? found : h->last[found];
}

uint16_t dkim_header_first(const struct dkim_header *h, struct span name)
{
    uint16_t field = dkim_header_last(h, name);

    while (field != DKIM_FIELD_NONE && h->fields[field].above != DKIM_FIELD_NONE)
        field = h->fields[field].above;
    return field;
}

void dkim_pick_init(struct dkim_pick *p, const struct dkim_header *header, uint16_t own)
{
    p->header = header;
    p->own = own;
    memcpy(p->next, header->last, header->names * sizeof(p->next[0]));
}

uint16_t dkim_pick_next(struct dkim_pick *p, struct span name)
{
    const struct dkim_header *h = p->header;
    uint16_t number = find_name(h, name, hash_of(name)), field;

    if (number == DKIM_FIELD_NONE)
        return number;
    field = p->next[number];
    if (field != DKIM_FIELD_NONE && field == p->own)
        field = h->fields[field].above;
    if (field != DKIM_FIELD_NONE)
        p->next[number] = h->fields[field].above;
    return field;
}
