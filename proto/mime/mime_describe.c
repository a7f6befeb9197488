/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_describe.h"

#include "proto/base/ascii.h"

#include "proto/mime/mime_body.h"

/* Where in r->text each of what r->part points to lies. */
enum {
    TYPE_AT = 0,
    SUBTYPE_AT = TYPE_AT + MIME_TOKEN_MAX,
    CHARSET_AT = SUBTYPE_AT + MIME_TOKEN_MAX,
    DISPOSITION_AT = CHARSET_AT + MIME_TOKEN_MAX,
    NAME_AT = DISPOSITION_AT + MIME_TOKEN_MAX,
    FILENAME_AT = NAME_AT + MIME_FILENAME_MAX,
    TEXT_END = FILENAME_AT + MIME_FILENAME_MAX,
};
_Static_assert(TEXT_END == sizeof(((struct mime_reader *)0)->text), "all have their place");

static struct mime_frame *top(struct mime_reader *r)
{
    return &r->frames[r->depth - 1];
}

static void note(struct mime_reader *r, enum mime_anomaly anomaly)
{
    r->anomalies |= 1ull << anomaly;
}

void mime_describe_begin(struct mime_reader *r)
{
    r->part_boundary = 0;
    r->names_len = 0;
    r->names_at = 0;
    r->part = (struct mime_part){
        .parent = top(r)->parent, .message = top(r)->message, .header_offset = r->offset};
}

/* Puts text into its place; cut, with an anomaly, at `limit` bytes. */
static struct span keep(struct mime_reader *r, size_t at, struct span text, size_t limit)
{
    struct span kept = span_of(r->text + at, text.len < limit ? text.len : limit);

    if (kept.len < text.len)
        note(r, MIME_ANOMALY_FILENAME_LONG);
    if (kept.len)
        memcpy(r->text + at, text.data, kept.len);
    return kept;
}

/* Keeps a parameter's decoded value. */
static struct span keep_parameter(struct mime_reader *r, size_t at,
                                  const struct mime_content_type *t, const char *name, size_t limit)
{
    struct writer w = writer_of(r->text + at, limit);
    uint8_t flags = 0;

    if (!mime_content_type_find(t, name, r->memory.charset, &w, &flags))
        return span_of(NULL, 0);
    if (flags & MIME_PARAMETER_CHARSET)
        note(r, MIME_ANOMALY_CHARSET_UNKNOWN);
    if (flags & MIME_PARAMETER_CUT)
        note(r, MIME_ANOMALY_FILENAME_LONG);
    return writer_span(&w);
}

static void note_flags(struct mime_reader *r, uint8_t flags)
{
    if (flags & MIME_PARAMETER_BAD)
        note(r, MIME_ANOMALY_PARAMETER_BAD);
    if (flags & MIME_PARAMETER_TWICE)
        note(r, MIME_ANOMALY_PARAMETER_TWICE);
    if (flags & MIME_PARAMETER_MANY)
        note(r, MIME_ANOMALY_PARAMETER_MANY);
}

/* ---- other spellings of the file name ---- */

static struct span name_at(const struct mime_reader *r, size_t at, size_t *next_out)
{
    size_t len = (size_t)r->names[at] << 8 | r->names[at + 1];

    *next_out = at + 2 + len;
    return span_of(r->names + at + 2, len);
}

static void add_name(struct mime_reader *r, struct span name)
{
    struct writer w = writer_of(r->names, sizeof(r->names));
    ptrdiff_t nul = span_find(name, 0);

    for (size_t at = 0; at < r->names_len;)
        if (span_equal(name_at(r, at, &at), name))
            return;
    if (name.len == 0)
        return;
    if (writer_room(&w) - r->names_len < name.len + 2) {
        note(r, MIME_ANOMALY_FILENAME_LONG);
        return;
    }
    w.len = r->names_len;
    writer_uint(&w, name.len, 2);
    writer_span_put(&w, name);
    r->names_len = (uint16_t)w.len;
    /* Some receivers end it at a NUL. */
    if (nul > 0)
        add_name(r, span_head(name, (size_t)nul));
}

static bool is_name(struct span name)
{
    ptrdiff_t mark = span_find(name, '*');
    struct span base = span_head(name, mark < 0 ? name.len : (size_t)mark);

    return span_equal_nocase(base, span_text("name")) ||
           span_equal_nocase(base, span_text("filename"));
}

static void add_names_of(struct mime_reader *r, const struct mime_content_type *t)
{
    static const char *const bases[] = {"name", "filename"};
    uint8_t text[MIME_FILENAME_MAX], raw[MIME_FILENAME_MAX], flags = 0;
    struct writer w, clean;

    for (size_t i = 0; i < 2; i++) {
        w = writer_of(text, sizeof(text));
        if (mime_content_type_find(t, bases[i], r->memory.charset, &w, &flags))
            add_name(r, writer_span(&w));
    }
    for (size_t i = 0; i < t->count; i++) {
        if (!is_name(t->parameters[i].name) || span_find(t->parameters[i].name, '*') >= 0)
            continue;
        w = writer_of(raw, sizeof(raw));
        clean = writer_of(text, sizeof(text));
        mime_parameter_value(&t->parameters[i], &w);
        mime_charset_clean(writer_span(&w), &clean);
        add_name(r, writer_span(&clean));
    }
}

/* All spellings that a field gives; the one that counts is left out when they are told. */
static void add_names(struct mime_reader *r, const struct mime_content_type *t, struct span value)
{
    struct mime_content_type other;
    size_t names = 0;

    for (size_t i = 0; i < t->count; i++)
        names += is_name(t->parameters[i].name);
    if (names == 0)
        return;
    add_names_of(r, t);
    if (names < 2 && !(t->flags & (MIME_PARAMETER_TWICE | MIME_PARAMETER_BAD)))
        return;
    mime_content_type_parse_other(value, &other);
    add_names_of(r, &other);
}

bool mime_describe_name(struct mime_reader *r, struct span *name_out)
{
    while (r->names_at < r->names_len) {
        size_t next;

        *name_out = name_at(r, r->names_at, &next);
        r->names_at = (uint16_t)next;
        if (!span_equal(*name_out, r->part.filename))
            return true;
    }
    return false;
}

/* ---- fields ---- */

/* The bytes of boundaries[] that open multiparts use. */
static size_t boundaries_used(const struct mime_reader *r)
{
    size_t used = 0;

    for (size_t i = 0; i + 1 < r->depth; i++)
        if (r->frames[i].kind == MIME_MULTIPART)
            used = (size_t)r->frames[i].boundary + r->frames[i].boundary_len;
    return used;
}

/* False when there is none, or it is too long for the writer. */
static bool boundary_of(const struct mime_content_type *t, struct writer *w)
{
    if (!mime_content_type_raw(t, "boundary", w) || w->full)
        return false;
    /*
     * Padding behind a delimiter is not compared (RFC 2046 section 5.1.1), so it cannot be part of
     * it.
     */
    while (w->len && ascii_blank(w->data[w->len - 1]))
        w->len--;
    return true;
}

static size_t boundary_room(const struct mime_reader *r)
{
    size_t room = sizeof(r->boundaries) - boundaries_used(r);

    return room < MIME_BOUNDARY_MAX ? room : MIME_BOUNDARY_MAX;
}

/*
 * Puts the boundary behind those in use; its frame takes it when the part turns out to be a
 * multipart.
 */
static void keep_boundary(struct mime_reader *r, const struct mime_content_type *t)
{
    struct writer w = writer_of(r->boundaries + boundaries_used(r), boundary_room(r));

    r->part_boundary = boundary_of(t, &w) ? (uint8_t)w.len : 0;
}

/* The type says otherwise than what was kept. */
static bool type_differs(const struct mime_reader *r, const struct mime_content_type *t)
{
    uint8_t text[MIME_BOUNDARY_MAX], flags = 0;
    struct writer w = writer_of(text, boundary_room(r)), charset = writer_of(text, MIME_TOKEN_MAX);
    struct span kept = span_of(r->boundaries + boundaries_used(r), r->part_boundary);
    bool known = t->type.len && t->subtype.len;

    if (known && (!span_equal_nocase(t->type, r->part.type) ||
                  !span_equal_nocase(t->subtype, r->part.subtype)))
        return true;
    if (!boundary_of(t, &w))
        w.len = 0;
    if (!span_equal(writer_span(&w), kept))
        return true;
    mime_content_type_find(t, "charset", r->memory.charset, &charset, &flags);
    return !span_equal_nocase(writer_span(&charset), r->part.charset);
}

static void read_type(struct mime_reader *r, const struct mime_content_type *t)
{
    note_flags(r, t->flags);
    if (t->type.len == 0 || t->subtype.len == 0) {
        note(r, MIME_ANOMALY_TYPE_BAD);
        /* Content-Type was there, so a multipart/digest's default does not apply. */
        r->part.type = span_text("text");
        r->part.subtype = span_text("plain");
    } else {
        r->part.type = keep(r, TYPE_AT, t->type, MIME_TOKEN_MAX);
        r->part.subtype = keep(r, SUBTYPE_AT, t->subtype, MIME_TOKEN_MAX);
    }
    r->part.charset = keep_parameter(r, CHARSET_AT, t, "charset", MIME_TOKEN_MAX);
    r->part.name = keep_parameter(r, NAME_AT, t, "name", MIME_FILENAME_MAX);
    keep_boundary(r, t);
}

static void read_disposition(struct mime_reader *r, const struct mime_content_type *t)
{
    note_flags(r, t->flags);
    r->part.disposition = keep(r, DISPOSITION_AT, t->type, MIME_TOKEN_MAX);
    r->part.filename = keep_parameter(r, FILENAME_AT, t, "filename", MIME_FILENAME_MAX);
}

/* A parameter may be read otherwise: its grammar is broken, or it stands in two forms. */
static bool ambiguous(const struct mime_content_type *t)
{
    if (t->flags & (MIME_PARAMETER_BAD | MIME_PARAMETER_TWICE | MIME_PARAMETER_MANY))
        return true;
    for (size_t i = 0; i < t->count; i++)
        if (span_find(t->parameters[i].name, '*') >= 0)
            return true;
    return false;
}

static bool once(enum mime_field id)
{
    static const bool rows[MIME_FIELDS] = {
#define FIELD(NAME, name, once_) [MIME_FIELD_##NAME] = once_,
#include "proto/mime/mime_field.def"
#undef FIELD
    };

    return rows[id];
}

static void parse(const struct mime_reader *r, struct span value, struct mime_content_type *t_out)
{
    if (mime_reader_other(r, MIME_DOUBT_HEADER))
        mime_content_type_parse_other(value, t_out);
    else
        mime_content_type_parse(value, t_out);
}

/* True when another receiver makes something else of it. */
static bool take_type(struct mime_reader *r, struct span value, bool twice)
{
    struct mime_content_type t, other;

    parse(r, value, &t);
    add_names(r, &t, value);
    if (twice && !mime_reader_other(r, MIME_DOUBT_HEADER))
        return type_differs(r, &t);
    read_type(r, &t);
    if (!mime_reader_asks(r, MIME_DOUBT_HEADER) || !ambiguous(&t))
        return false;
    mime_content_type_parse_other(value, &other);
    return type_differs(r, &other);
}

static bool take_encoding(struct mime_reader *r, struct span value, bool twice)
{
    enum mime_encoding encoding = mime_encoding_of(value), within = encoding;

    if (encoding == MIME_ENCODING_UNKNOWN)
        within = mime_encoding_within(value);
    if (mime_reader_other(r, MIME_DOUBT_HEADER))
        encoding = within;
    else if (twice)
        return within != (enum mime_encoding)r->part.encoding;
    r->part.encoding = (uint8_t)encoding;
    return within != encoding;
}

/* A file's name is read in all its spellings anyway. */
static bool take_disposition(struct mime_reader *r, struct span value, bool twice)
{
    struct mime_content_type t;

    parse(r, value, &t);
    add_names(r, &t, value);
    if (!twice || mime_reader_other(r, MIME_DOUBT_HEADER))
        read_disposition(r, &t);
    return false;
}

static bool take_field(struct mime_reader *r, enum mime_field id, struct span value, bool twice)
{
    switch (id) {
    case MIME_FIELD_CONTENT_TYPE:
        return take_type(r, value, twice);
    case MIME_FIELD_CONTENT_TRANSFER_ENCODING:
        return take_encoding(r, value, twice);
    case MIME_FIELD_CONTENT_DISPOSITION:
        return take_disposition(r, value, twice);
    default:
        return false;
    }
}

static bool describes(enum mime_field id)
{
    return id == MIME_FIELD_CONTENT_TYPE || id == MIME_FIELD_CONTENT_TRANSFER_ENCODING;
}

void mime_describe_field(struct mime_reader *r, enum mime_field id, struct span value, bool blank)
{
    bool twice = once(id) && (r->fields_seen & 1ull << id);
    bool doubt;

    r->field_again = twice;
    if (blank && describes(id) && mime_reader_other(r, MIME_DOUBT_HEADER))
        return;
    if (twice)
        note(r, MIME_ANOMALY_FIELD_TWICE);
    r->fields_seen |= 1ull << id;
    doubt = take_field(r, id, value, twice);
    if ((doubt || (blank && describes(id))) && mime_reader_asks(r, MIME_DOUBT_HEADER))
        r->doubt = MIME_DOUBT_HEADER;
}

void mime_describe_again(struct mime_reader *r, enum mime_field id, struct span value, bool blank)
{
    if (!blank) {
        take_field(r, id, value, r->field_again);
        return;
    }
    if (r->field_again)
        return;
    r->fields_seen &= ~(1ull << id);
    if (id == MIME_FIELD_CONTENT_TRANSFER_ENCODING) {
        r->part.encoding = MIME_ENCODING_7BIT;
        return;
    }
    r->part_boundary = 0;
    r->part.type = r->part.subtype = r->part.charset = r->part.name = span_of(NULL, 0);
}

/* ---- the header's end ---- */

static bool is(struct span token, const char *word)
{
    return span_equal_nocase(token, span_text(word));
}

static bool encoded(const struct mime_part *p)
{
    return p->encoding == MIME_ENCODING_QP || p->encoding == MIME_ENCODING_BASE64 ||
           p->encoding == MIME_ENCODING_UU;
}

static enum mime_part_kind multipart(struct mime_reader *r)
{
    struct mime_frame *f = top(r);
    struct span boundary;

    if (r->part_boundary == 0) {
        note(r, MIME_ANOMALY_BOUNDARY_NONE);
        return MIME_LEAF;
    }
    f->boundary = (uint16_t)boundaries_used(r);
    f->boundary_len = r->part_boundary;
    boundary = span_of(r->boundaries + f->boundary, f->boundary_len);
    if (boundary.len > 70)
        note(r, MIME_ANOMALY_BOUNDARY_LONG);
    for (size_t i = 0; i + 1 < r->depth; i++) {
        const struct mime_frame *outer = &r->frames[i];

        if (outer->kind == MIME_MULTIPART &&
            span_equal(boundary, span_of(r->boundaries + outer->boundary, outer->boundary_len)))
            note(r, MIME_ANOMALY_BOUNDARY_SAME);
    }
    if (encoded(&r->part)) {
        note(r, MIME_ANOMALY_ENCODING_COMPOSITE);
        if (mime_reader_other(r, MIME_DOUBT_HEADER))
            return MIME_LEAF;
        r->part.encoding = MIME_ENCODING_BINARY;
    }
    f->digest = is(r->part.subtype, "digest");
    r->boundaries_open++;
    return MIME_MULTIPART;
}

/*
 * An encoded message (RFC 2045 section 6.4 forbids it for message/rfc822; RFC 6532 section 3.5
 * allows it for message/global) is given decoded; who reads it may read on within.
 */
static enum mime_part_kind message(struct mime_reader *r)
{
    if (!encoded(&r->part))
        return MIME_MESSAGE;
    if (!is(r->part.subtype, "global"))
        note(r, MIME_ANOMALY_ENCODING_COMPOSITE);
    return MIME_LEAF;
}

static enum mime_part_kind kind_of(struct mime_reader *r)
{
    bool is_multipart = is(r->part.type, "multipart");
    bool is_message = is(r->part.type, "message") &&
                      (is(r->part.subtype, "rfc822") || is(r->part.subtype, "global") ||
                       is(r->part.subtype, "external-body"));

    if (is(r->part.type, "message") && is(r->part.subtype, "partial"))
        note(r, MIME_ANOMALY_MESSAGE_PARTIAL);
    if (is(r->part.type, "message") && is(r->part.subtype, "external-body"))
        note(r, MIME_ANOMALY_MESSAGE_EXTERNAL);
    if (!is_multipart && !is_message)
        return MIME_LEAF;
    if (r->depth >= r->limits.depth) {
        note(r, MIME_ANOMALY_DEPTH);
        return MIME_LEAF;
    }
    return is_multipart ? multipart(r) : message(r);
}

bool mime_describe_asks(struct mime_reader *r)
{
    if (!is(r->part.type, "multipart") || !encoded(&r->part) || r->part_boundary == 0 ||
        r->depth >= r->limits.depth || !mime_reader_asks(r, MIME_DOUBT_HEADER))
        return false;
    r->doubt = MIME_DOUBT_HEADER;
    return true;
}

void mime_describe_settle(struct mime_reader *r)
{
    bool digest = r->depth > 1 && r->frames[r->depth - 2].digest;
    struct mime_part *p = &r->part;

    if (p->type.len == 0) {
        p->type = span_text(digest ? "message" : "text");
        p->subtype = span_text(digest ? "rfc822" : "plain");
    }
    if (p->encoding == MIME_ENCODING_UNKNOWN)
        note(r, MIME_ANOMALY_ENCODING_UNKNOWN);
    if (p->filename.len && p->name.len && !span_equal(p->filename, p->name))
        note(r, MIME_ANOMALY_FILENAME_TWO);
    if (p->filename.len == 0)
        p->filename = p->name;
    p->kind = top(r)->kind = (uint8_t)kind_of(r);
    p->body_offset = r->offset;
}

static void rebase(struct span *s, struct mime_reader *copy, const struct mime_reader *from)
{
    uintptr_t at = (uintptr_t)s->data, text = (uintptr_t)from->text;

    if (at >= text && at < text + sizeof(from->text))
        s->data = copy->text + (at - text);
}

void mime_describe_rebase(struct mime_reader *copy, const struct mime_reader *from)
{
    struct mime_part *p = &copy->part;
    struct span *spans[] = {&p->type,        &p->subtype,  &p->charset,
                            &p->disposition, &p->filename, &p->name};

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        rebase(spans[i], copy, from);
}
