/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_structure.h"

#include "proto/base/ascii.h"
#include "proto/imap/imap_envelope.h"
#include "proto/imap/imap_parameter.h"
#include "proto/imap/imap_write.h"

/* What an open part still needs when its children have been written. */
struct open_part {
    struct mime_tree_part part;
    bool written; /* it has a child */
};

struct output {
    struct writer *w;
    bool extended, utf8;
    unsigned depth;
    struct open_part open[MIME_DEPTH_MAX];
};

static struct span attribute(const struct mime_tree_part *p, enum mime_tree_tag tag)
{
    if (!(p->present & 1u << tag))
        return span_of(NULL, 0);
    return p->attributes[tag].data ? p->attributes[tag] : span_text("");
}

static void put_string(struct output *o, struct span text)
{
    imap_write_string(o->w, text, o->utf8);
}

static void put_nstring(struct output *o, const struct mime_tree_part *p, enum mime_tree_tag tag)
{
    writer_byte(o->w, ' ');
    imap_write_nstring(o->w, attribute(p, tag), o->utf8);
}

static bool named(struct span type, const char *name)
{
    return span_equal_nocase(type, span_text(name));
}

/*
 * body-fld-param = "(" string SP string *(SP string SP string) ")" / nil
 *
 * Values in pieces are put together (imap_parameter.h). Text that names no charset is US-ASCII (RFC
 * 2046 section 4.1.2), and said to be.
 */
static void put_parameters(struct output *o, struct mime_tree_type *type, bool text)
{
    uint8_t bytes[MIME_TREE_VALUE_MAX * 3];
    const struct mime_tree_type all = *type;
    struct span name, value;
    bool any = false;

    writer_byte(o->w, ' ');
    while (mime_tree_type_next(type, &name, &value)) {
        struct writer joined = writer_of(bytes, sizeof(bytes));

        if (!imap_parameter_join(&all, &name, &value, &joined))
            continue;
        writer_byte(o->w, any ? ' ' : '(');
        any = true;
        text = text && !named(name, "charset") && !named(name, "charset*");
        put_string(o, name);
        writer_byte(o->w, ' ');
        put_string(o, value);
    }
    if (text)
        writer_text(o->w, any ? " \"charset\" \"us-ascii\"" : "(\"charset\" \"us-ascii\"");
    writer_text(o->w, any || text ? ")" : "NIL");
}

/* body-fld-dsp = "(" string SP body-fld-param ")" / nil */
static void put_disposition(struct output *o, const struct mime_tree_part *p)
{
    struct mime_tree_type type;

    writer_byte(o->w, ' ');
    if (!mime_tree_type_read(attribute(p, MIME_TREE_DISPOSITION), &type) || type.type.len == 0) {
        writer_text(o->w, "NIL");
        return;
    }
    writer_byte(o->w, '(');
    put_string(o, type.type);
    put_parameters(o, &type, false);
    writer_byte(o->w, ')');
}

/* body-fld-lang = nstring / "(" string *(SP string) ")" */
static void put_language(struct output *o, const struct mime_tree_part *p)
{
    struct span text = attribute(p, MIME_TREE_CONTENT_LANGUAGE);
    bool any = false;

    writer_byte(o->w, ' ');
    while (text.len) {
        ptrdiff_t comma = span_find(text, ',');
        size_t n = comma < 0 ? text.len : (size_t)comma;
        struct span tag = ascii_trim(span_head(text, n));

        text = span_skip(text, n + 1);
        if (tag.len == 0)
            continue;
        writer_byte(o->w, any ? ' ' : '(');
        any = true;
        put_string(o, tag);
    }
    writer_text(o->w, any ? ")" : "NIL");
}

/* What stands behind a part's own words in BODYSTRUCTURE, and ends it. */
static void put_end(struct output *o, const struct mime_tree_part *p)
{
    if (o->extended) {
        put_disposition(o, p);
        put_language(o, p);
        put_nstring(o, p, MIME_TREE_CONTENT_LOCATION);
    }
    writer_byte(o->w, ')');
}

static void put_number(struct output *o, uint64_t n)
{
    writer_byte(o->w, ' ');
    writer_number(o->w, n);
}

/* The token of Content-Transfer-Encoding, "7bit" without one. */
static void put_encoding(struct output *o, const struct mime_tree_part *p)
{
    struct span text = ascii_trim(attribute(p, MIME_TREE_CONTENT_TRANSFER_ENCODING));
    size_t n = 0;

    while (n < text.len && !ascii_folding(text.data[n]) && text.data[n] != ';' &&
           text.data[n] != '(')
        n++;
    writer_byte(o->w, ' ');
    put_string(o, n ? span_head(text, n) : span_text("7bit"));
}

/*
 * body-type-1part up to its octets: media-type SP body-fld-param SP id SP desc SP enc SP octets.
 * Says whether it is text. What says that it is a message or a multipart, and was not read as one,
 * is bytes: a client would look for a structure in it.
 */
static bool put_fields(struct output *o, const struct mime_tree_part *p)
{
    struct mime_tree_type type;
    bool opaque, text;

    (void)mime_tree_type_read(attribute(p, MIME_TREE_TYPE), &type);
    opaque = type.type.len == 0 ||
             (p->kind == MIME_LEAF &&
              (named(type.type, "multipart") ||
               (named(type.type, "message") &&
                (named(type.subtype, "rfc822") || named(type.subtype, "global")))));
    text = !opaque && named(type.type, "text");
    writer_byte(o->w, '(');
    put_string(o, opaque ? span_text("application") : type.type);
    writer_byte(o->w, ' ');
    put_string(o, opaque ? span_text("octet-stream") : type.subtype);
    put_parameters(o, &type, text);
    put_nstring(o, p, MIME_TREE_CONTENT_ID);
    put_nstring(o, p, MIME_TREE_CONTENT_DESCRIPTION);
    put_encoding(o, p);
    put_number(o, p->body_len);
    return text;
}

static void put_leaf(struct output *o, const struct mime_tree_part *p)
{
    if (put_fields(o, p))
        put_number(o, p->lines);
    if (o->extended)
        put_nstring(o, p, MIME_TREE_CONTENT_MD5);
    put_end(o, p);
}

/* For a multipart without a part, or a message whose inside was not kept: something must stand. */
static const char empty_body[] =
    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)";

static void close_multipart(struct output *o, const struct open_part *open)
{
    struct mime_tree_type type;

    if (!open->written)
        writer_text(o->w, empty_body);
    (void)mime_tree_type_read(attribute(&open->part, MIME_TREE_TYPE), &type);
    writer_byte(o->w, ' ');
    put_string(o, type.subtype);
    if (o->extended)
        put_parameters(o, &type, false);
    put_end(o, &open->part);
}

static void close_message(struct output *o, const struct open_part *open)
{
    if (!open->written) {
        writer_text(o->w, " (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ");
        writer_text(o->w, empty_body);
    }
    put_number(o, open->part.lines);
    if (o->extended)
        put_nstring(o, &open->part, MIME_TREE_CONTENT_MD5);
    put_end(o, &open->part);
}

/* Ends the open parts that are not the parent of what comes next. */
static void close_to(struct output *o, uint16_t parent)
{
    while (o->depth && o->open[o->depth - 1].part.index != parent) {
        const struct open_part *open = &o->open[--o->depth];

        if (open->part.kind == MIME_MULTIPART)
            close_multipart(o, open);
        else
            close_message(o, open);
    }
}

/* False when its parent is none of the open ones, or it is too deep. */
static bool put_part(struct output *o, const struct mime_tree_part *p)
{
    struct open_part *parent;

    close_to(o, p->parent);
    if (p->index && o->depth == 0)
        return false;
    parent = o->depth ? &o->open[o->depth - 1] : NULL;
    if (parent && parent->part.kind == MIME_MESSAGE) {
        struct imap_envelope envelope;

        if (parent->written)
            return false;
        imap_envelope_read(p, span_of(NULL, 0), NULL, &envelope);
        writer_byte(o->w, ' ');
        imap_envelope_put(o->w, &envelope, o->utf8);
        writer_byte(o->w, ' ');
    }
    if (parent)
        parent->written = true;
    if (p->kind == MIME_LEAF) {
        put_leaf(o, p);
        return true;
    }
    if (o->depth == MIME_DEPTH_MAX)
        return false;
    if (p->kind == MIME_MULTIPART)
        writer_byte(o->w, '(');
    else
        (void)put_fields(o, p);
    o->open[o->depth++] = (struct open_part){.part = *p};
    return true;
}

bool imap_structure_put(struct writer *w, struct span tree, bool extended, bool utf8)
{
    struct output o = {.w = w, .extended = extended, .utf8 = utf8};
    enum mime_tree_status status;
    struct mime_tree_part part;
    struct mime_tree_read read;

    if (!mime_tree_read_init(&read, tree) || read.parts == 0)
        return false;
    while ((status = mime_tree_read_next(&read, &part)) == MIME_TREE_NEXT)
        if (!put_part(&o, &part))
            return false;
    close_to(&o, MIME_PART_NONE);
    return status == MIME_TREE_DONE;
}
