/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_tree.h"

#include "proto/base/utf8.h"
#include "proto/mime/mime_word.h"

enum {
    HEAD_SIZE = 4,   /* version, flags, parts */
    FIXED_SIZE = 29, /* of a part, behind its length */
    OFFSET_SIZE = 5, /* bytes of an offset or a size: up to 1 TiB */
    INCOMPLETE = 1,  /* flags */
    UTF8 = 2,
    MESSAGE = 0x80, /* beside a part's kind: it has a message's own header */
    CUT = 0x80,     /* in a tag */
};

_Static_assert(MIME_TREE_TAGS < 32, "attributes are kept as bits of a uint32_t");

static void put_at(struct mime_tree *t, size_t at, uint64_t n, size_t bytes)
{
    struct writer w = writer_of(t->out.data + at, bytes);

    writer_uint(&w, n, bytes);
}

void mime_tree_init(struct mime_tree *t, void *memory, size_t size)
{
    memset(t, 0, sizeof(*t));
    t->out = writer_of(memory, size);
    writer_byte(&t->out, MIME_TREE_VERSION);
    writer_uint(&t->out, 0, 3);
    t->incomplete = t->out.full;
}

static size_t record(const struct mime_tree *t)
{
    return t->records[t->depth - 1];
}

/* Leaves the part under way out, and all later ones. */
static void give_up(struct mime_tree *t, size_t len)
{
    t->out.len = len;
    t->out.full = false;
    t->incomplete = true;
}

/* A part's first event, whichever it is. */
static void begin_record(struct mime_tree *t)
{
    size_t at = t->out.len;

    t->open = true;
    t->seen = 0;
    t->records[t->depth++] = at;
    if (t->incomplete)
        return;
    writer_uint(&t->out, FIXED_SIZE, 4);
    for (size_t i = 0; i < FIXED_SIZE; i++)
        writer_byte(&t->out, 0);
    if (t->out.full)
        give_up(t, at);
    else
        t->parts++;
}

static void put_blob(struct writer *w, struct span s, size_t length_size)
{
    size_t limit = length_size == 1 ? 0xff : 0xffff;

    s = span_head(s, limit);
    writer_uint(w, s.len, length_size);
    writer_span_put(w, s);
}

/* Appends an attribute to the part under way; the value lies in `value`. */
static void put_attribute(struct mime_tree *t, enum mime_tree_tag tag, const struct writer *value)
{
    size_t at = t->out.len;

    if (t->incomplete || (t->seen & 1ull << tag))
        return;
    t->seen |= 1ull << tag;
    writer_byte(&t->out, (uint8_t)(tag | (value->full ? CUT : 0)));
    put_blob(&t->out, writer_span(value), 2);
    if (t->out.full)
        give_up(t, at);
}

static void put_text(struct mime_tree *t, enum mime_tree_tag tag, struct span value)
{
    uint8_t text[MIME_TREE_VALUE_MAX];
    struct writer w = writer_of(text, sizeof(text));

    mime_word_unfold(value, &w);
    put_attribute(t, tag, &w);
}

static void put_type(struct mime_tree *t, enum mime_tree_tag tag, struct span value)
{
    uint8_t text[MIME_TREE_VALUE_MAX];
    struct writer w = writer_of(text, sizeof(text)), length;
    struct mime_content_type type;

    mime_content_type_parse(value, &type);
    /* Without both it is no Content-Type: PART_BEGIN says what is assumed instead. */
    if (tag == MIME_TREE_TYPE && (type.type.len == 0 || type.subtype.len == 0))
        return;
    put_blob(&w, type.type, 1);
    put_blob(&w, type.subtype, 1);
    for (size_t i = 0; i < type.count; i++) {
        size_t before = w.len;

        put_blob(&w, type.parameters[i].name, 1);
        length = writer_of(text + w.len, 2);
        writer_uint(&w, 0, 2);
        mime_parameter_value(&type.parameters[i], &w);
        if (w.full) {
            w.len = before;
            break;
        }
        writer_uint(&length, (uint64_t)(text + w.len - length.data - 2), 2);
    }
    put_attribute(t, tag, &w);
}

static void feed_field(struct mime_tree *t, const struct mime_event *event)
{
    switch (event->field.id) {
    case MIME_FIELD_CONTENT_TYPE:
        put_type(t, MIME_TREE_TYPE, event->field.value);
        return;
    case MIME_FIELD_CONTENT_DISPOSITION:
        put_type(t, MIME_TREE_DISPOSITION, event->field.value);
        return;
#define ATTRIBUTE(NAME)                                                                            \
    case MIME_FIELD_##NAME:                                                                        \
        if (event->field.message)                                                                  \
            put_text(t, MIME_TREE_##NAME, event->field.value);                                     \
        return;
        MIME_TREE_ENVELOPE(ATTRIBUTE)
#undef ATTRIBUTE
#define ATTRIBUTE(NAME)                                                                            \
    case MIME_FIELD_##NAME:                                                                        \
        put_text(t, MIME_TREE_##NAME, event->field.value);                                         \
        return;
        MIME_TREE_PART(ATTRIBUTE)
#undef ATTRIBUTE
    default:
        return;
    }
}

static void feed_begin(struct mime_tree *t, const struct mime_part *part)
{
    uint8_t text[2 * MIME_TOKEN_MAX + MIME_FILENAME_MAX];
    struct writer w = writer_of(text, sizeof(text));
    size_t at = record(t) + 4;

    put_blob(&w, part->type, 1);
    put_blob(&w, part->subtype, 1);
    put_attribute(t, MIME_TREE_TYPE, &w);
    if (part->filename.len) {
        w = writer_of(text, sizeof(text));
        writer_span_put(&w, part->filename);
        put_attribute(t, MIME_TREE_FILENAME, &w);
    }
    t->open = false;
    if (at + FIXED_SIZE > t->out.len)
        return;
    put_at(t, record(t), t->out.len - at, 4);
    put_at(t, at, part->kind | (part->message ? MESSAGE : 0u), 1);
    put_at(t, at + 1, part->encoding, 1);
    put_at(t, at + 2, part->parent, 2);
    put_at(t, at + 4, part->header_offset, OFFSET_SIZE);
    put_at(t, at + 9, part->body_offset, OFFSET_SIZE);
}

static void feed_end(struct mime_tree *t, const struct mime_event *event)
{
    size_t at = record(t) + 4 + 14;

    t->depth--;
    if (at + 3 * OFFSET_SIZE > t->out.len)
        return;
    put_at(t, at, event->end.body_len, OFFSET_SIZE);
    put_at(t, at + 5, event->end.lines, OFFSET_SIZE);
    put_at(t, at + 10, event->end.decoded, OFFSET_SIZE);
}

void mime_tree_feed(struct mime_tree *t, const struct mime_event *event)
{
    bool header = event->kind == MIME_FIELD || event->kind == MIME_HEADER_END;

    if (header && !t->open)
        begin_record(t);
    if (event->kind == MIME_FIELD)
        t->utf8 = t->utf8 || utf8_needed(event->field.raw);
    if (event->kind == MIME_FIELD)
        feed_field(t, event);
    else if (event->kind == MIME_PART_BEGIN)
        feed_begin(t, event->begin);
    else if (event->kind == MIME_PART_END)
        feed_end(t, event);
}

struct span mime_tree_finish(struct mime_tree *t)
{
    if (t->out.len >= HEAD_SIZE) {
        put_at(t, 1, (t->incomplete ? INCOMPLETE : 0u) | (t->utf8 ? UTF8 : 0u), 1);
        put_at(t, 2, t->parts, 2);
    }
    return writer_span(&t->out);
}

bool mime_tree_utf8(struct span tree)
{
    return tree.len >= 2 && tree.data[0] == MIME_TREE_VERSION && (tree.data[1] & UTF8);
}

void mime_tree_put_begin(struct writer *w)
{
    writer_byte(w, MIME_TREE_VERSION);
    writer_uint(w, 0, HEAD_SIZE - 1);
}

void mime_tree_put_part(struct writer *w, const struct mime_tree_part *part)
{
    size_t at = w->len;
    struct writer length;

    writer_uint(w, 0, 4);
    writer_byte(w, (uint8_t)(part->kind | (part->message ? MESSAGE : 0u)));
    writer_byte(w, part->encoding);
    writer_uint(w, part->parent, 2);
    writer_uint(w, part->header_offset, OFFSET_SIZE);
    writer_uint(w, part->body_offset, OFFSET_SIZE);
    writer_uint(w, part->body_len, OFFSET_SIZE);
    writer_uint(w, part->lines, OFFSET_SIZE);
    writer_uint(w, part->decoded, OFFSET_SIZE);
    for (unsigned tag = 0; tag < MIME_TREE_TAGS; tag++) {
        if (!(part->present & 1u << tag))
            continue;
        writer_byte(w, (uint8_t)(tag | (part->cut & 1u << tag ? CUT : 0)));
        put_blob(w, part->attributes[tag], 2);
    }
    if (w->full)
        return;
    length = writer_of(w->data + at, 4);
    writer_uint(&length, w->len - at - 4, 4);
}

void mime_tree_put_end(struct writer *w, uint16_t parts, bool utf8)
{
    struct writer head = writer_of(w->data + 1, HEAD_SIZE - 1);

    if (w->full)
        return;
    writer_byte(&head, utf8 ? UTF8 : 0);
    writer_uint(&head, parts, 2);
}

/* A cursor needs an address even over nothing. */
static struct cursor cursor_over(struct span s)
{
    return cursor_of(s.data ? s : span_text(""));
}

bool mime_tree_read_init(struct mime_tree_read *read, struct span tree)
{
    uint8_t version;

    *read = (struct mime_tree_read){.at = cursor_over(tree)};
    version = cursor_u8(&read->at);
    read->incomplete = cursor_u8(&read->at) & INCOMPLETE;
    read->parts = cursor_u16(&read->at);
    return !read->at.bad && version == MIME_TREE_VERSION;
}

static struct span read_blob(struct cursor *c, size_t length_size)
{
    return cursor_take(c, cursor_uint(c, length_size));
}

static bool read_attributes(struct cursor *c, struct mime_tree_part *part_out)
{
    while (cursor_left(c) && !c->bad) {
        uint8_t tag = cursor_u8(c), plain = tag & (uint8_t)~CUT;
        struct span value = read_blob(c, 2);

        /* A tag of a later version is passed over. */
        if (c->bad || plain >= MIME_TREE_TAGS)
            continue;
        part_out->attributes[plain] = value;
        part_out->present |= 1u << plain;
        if (tag & CUT)
            part_out->cut |= 1u << plain;
    }
    return !c->bad;
}

enum mime_tree_status mime_tree_read_next(struct mime_tree_read *read,
                                          struct mime_tree_part *part_out)
{
    struct cursor c;

    if (read->next == read->parts)
        return cursor_left(&read->at) ? MIME_TREE_BAD : MIME_TREE_DONE;
    c = cursor_over(cursor_blob(&read->at));
    memset(part_out, 0, sizeof(*part_out));
    part_out->index = read->next++;
    part_out->kind = cursor_u8(&c);
    part_out->message = part_out->kind & MESSAGE;
    part_out->kind &= (uint8_t)~MESSAGE;
    part_out->encoding = cursor_u8(&c);
    part_out->parent = cursor_u16(&c);
    part_out->header_offset = cursor_uint(&c, OFFSET_SIZE);
    part_out->body_offset = cursor_uint(&c, OFFSET_SIZE);
    part_out->body_len = cursor_uint(&c, OFFSET_SIZE);
    part_out->lines = cursor_uint(&c, OFFSET_SIZE);
    part_out->decoded = cursor_uint(&c, OFFSET_SIZE);
    part_out->header_len = part_out->body_offset - part_out->header_offset;
    if (read->at.bad || c.bad || part_out->kind > MIME_MESSAGE ||
        part_out->encoding > MIME_ENCODING_UU || part_out->body_offset < part_out->header_offset ||
        !read_attributes(&c, part_out))
        return MIME_TREE_BAD;
    if (part_out->index == 0)
        return part_out->parent == MIME_PART_NONE ? MIME_TREE_NEXT : MIME_TREE_BAD;
    return part_out->parent < part_out->index ? MIME_TREE_NEXT : MIME_TREE_BAD;
}

bool mime_tree_type_read(struct span attribute, struct mime_tree_type *type_out)
{
    struct cursor c = cursor_over(attribute);

    type_out->type = read_blob(&c, 1);
    type_out->subtype = read_blob(&c, 1);
    type_out->parameters = c;
    return !c.bad;
}

bool mime_tree_type_next(struct mime_tree_type *type, struct span *name_out, struct span *value_out)
{
    struct cursor *c = &type->parameters;

    if (c->bad || cursor_left(c) == 0)
        return false;
    *name_out = read_blob(c, 1);
    *value_out = read_blob(c, 2);
    return !c->bad;
}
