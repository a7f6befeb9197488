/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_section.h"

#include "proto/imap/imap_write.h"

static const char *const kinds[] = {
    [IMAP_SECTION_ALL] = "",
    [IMAP_SECTION_HEADER] = "HEADER",
    [IMAP_SECTION_FIELDS] = "HEADER.FIELDS",
    [IMAP_SECTION_FIELDS_NOT] = "HEADER.FIELDS.NOT",
    [IMAP_SECTION_TEXT] = "TEXT",
    [IMAP_SECTION_MIME] = "MIME",
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static bool header_list(struct imap_cursor *c, struct span *list_out)
{
    const uint8_t *begin;
    size_t used = c->scratch.len;
    bool first = true;
    struct span name;

    if (!imap_cursor_space(c))
        return false;
    begin = c->at;
    if (!imap_cursor_open(c))
        return false;
    while (imap_cursor_item(c, &first))
        if (imap_cursor_astring(c, &name) && (name.len == 0 || name.len > IMAP_FIELD_NAME_MAX))
            return imap_cursor_fail(c);
    if (first)
        return imap_cursor_fail(c);
    c->scratch.len = used;
    *list_out = span_between(begin, c->at);
    return !c->bad;
}

/* section-text or section-msgtext, whichever is allowed */
static bool section_text(struct imap_cursor *c, struct imap_section *s)
{
    const uint8_t *begin = c->at;
    struct span name;

    while (c->at < c->end && ((uint8_t)(ascii_lower(*c->at) - 'a') < 26 || *c->at == '.'))
        c->at++;
    name = span_between(begin, c->at);
    for (unsigned k = IMAP_SECTION_HEADER; k < KINDS; k++)
        if (span_equal_nocase(name, span_text(kinds[k])))
            s->kind = (uint8_t)k;
    if (s->kind == IMAP_SECTION_ALL || (s->kind == IMAP_SECTION_MIME && s->depth == 0))
        return imap_cursor_fail(c);
    if (s->kind == IMAP_SECTION_FIELDS || s->kind == IMAP_SECTION_FIELDS_NOT)
        return header_list(c, &s->fields);
    return true;
}

static bool at_digit(const struct imap_cursor *c)
{
    return !c->bad && c->at < c->end && (uint8_t)(*c->at - '0') < 10;
}

/* section-part = nz-number *("." nz-number) */
bool imap_section_parse(struct imap_cursor *c, bool part, struct imap_section *section_out)
{
    struct imap_section *s = section_out;
    uint32_t number;

    memset(s, 0, sizeof(*s));
    if (imap_cursor_peek(c, ']'))
        return true;
    while (at_digit(c)) {
        if (!imap_cursor_nz_number(c, &number))
            return false;
        if (s->depth == IMAP_SECTION_DEPTH)
            s->nowhere = true;
        else
            s->path[s->depth++] = number < UINT16_MAX ? (uint16_t)number : UINT16_MAX;
        if (!imap_cursor_take_byte(c, '.'))
            return !c->bad;
    }
    return part ? imap_cursor_fail(c) : section_text(c, s);
}

void imap_section_fields_init(struct imap_section_fields *f, const struct imap_section *section)
{
    f->first = true;
    f->at = imap_cursor_of(section->fields, true, f->scratch, sizeof(f->scratch));
    (void)imap_cursor_open(&f->at);
}

bool imap_section_fields_next(struct imap_section_fields *f, struct span *name_out)
{
    f->at.scratch.len = 0;
    return imap_cursor_item(&f->at, &f->first) && imap_cursor_astring(&f->at, name_out);
}

bool imap_section_names_field(const struct imap_section *section, struct span name)
{
    struct imap_section_fields f;
    struct span one;

    imap_section_fields_init(&f, section);
    while (imap_section_fields_next(&f, &one))
        if (span_equal_nocase(one, name))
            return true;
    return false;
}

static void put_fields(struct writer *w, const struct imap_section *section)
{
    struct imap_section_fields f;
    const char *before = " (";
    struct span name;

    imap_section_fields_init(&f, section);
    while (imap_section_fields_next(&f, &name)) {
        writer_text(w, before);
        imap_write_astring(w, name, false);
        before = " ";
    }
    writer_byte(w, ')');
}

void imap_section_put(struct writer *w, const struct imap_section *section)
{
    for (unsigned i = 0; i < section->depth; i++) {
        if (i)
            writer_byte(w, '.');
        writer_number(w, section->path[i]);
    }
    if (section->depth && section->kind != IMAP_SECTION_ALL)
        writer_byte(w, '.');
    writer_text(w, kinds[section->kind]);
    if (section->kind == IMAP_SECTION_FIELDS || section->kind == IMAP_SECTION_FIELDS_NOT)
        put_fields(w, section);
}
