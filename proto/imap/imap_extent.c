/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_extent.h"

#include "proto/base/ascii.h"

/* The n-th child of a part; false: it has no such. */
static bool find_child(struct span tree, uint16_t parent, unsigned n, struct mime_tree_part *out)
{
    struct mime_tree_read read;

    if (!mime_tree_read_init(&read, tree))
        return false;
    while (mime_tree_read_next(&read, out) == MIME_TREE_NEXT)
        if (out->index && out->parent == parent && --n == 0)
            return true;
    return false;
}

static bool find_root(struct span tree, struct mime_tree_part *out)
{
    struct mime_tree_read read;

    return mime_tree_read_init(&read, tree) && mime_tree_read_next(&read, out) == MIME_TREE_NEXT;
}

/*
 * One number further, the `first` or not. A message that is no multipart is its own part 1 (RFC
 * 9051 section 6.4.5.1); of a leaf within a multipart the same is taken, as other servers take it;
 * but not twice.
 */
static bool descend(struct span tree, unsigned n, bool first, struct mime_tree_part *part)
{
    bool enters = first;

    if (!first && part->kind == MIME_MESSAGE) {
        if (!find_child(tree, part->index, 1, part))
            return false;
        enters = true;
    }
    if (part->kind == MIME_MULTIPART)
        return find_child(tree, part->index, n, part);
    return n == 1 && (enters || !part->message);
}

/* HEADER and TEXT behind a number are those of the message in that part. */
static bool enter(struct span tree, const struct imap_section *s, struct mime_tree_part *part)
{
    if (s->depth == 0 || s->kind == IMAP_SECTION_ALL || s->kind == IMAP_SECTION_MIME)
        return true;
    return part->kind == MIME_MESSAGE && find_child(tree, part->index, 1, part);
}

static void set(const struct mime_tree_part *p, uint64_t prefix, bool header, struct imap_extent *e)
{
    *e = (struct imap_extent){.part = p->index, .encoding = p->encoding, .header = header};
    if (header) {
        /* The prefix stands before the root's header, and belongs to it. */
        e->offset = p->index ? p->header_offset + prefix : 0;
        e->len = p->body_offset + prefix - e->offset;
        return;
    }
    e->offset = p->body_offset + prefix;
    e->len = p->body_len;
    e->decoded = p->decoded;
    e->leaf = p->kind == MIME_LEAF;
}

bool imap_extent_find(struct span tree, uint64_t prefix, const struct imap_section *section,
                      struct imap_extent *extent_out)
{
    const struct imap_section *s = section;
    struct mime_tree_part part;

    if (s->nowhere || !find_root(tree, &part))
        return false;
    for (unsigned i = 0; i < s->depth; i++) {
        uint16_t before = part.index;

        if (!descend(tree, s->path[i], i == 0, &part))
            return false;
        if (part.index == before && part.kind == MIME_LEAF && i + 1 < s->depth)
            return false;
    }
    if (!enter(tree, s, &part))
        return false;
    set(&part, prefix, s->kind != IMAP_SECTION_ALL && s->kind != IMAP_SECTION_TEXT, extent_out);
    if (s->depth == 0 && s->kind == IMAP_SECTION_ALL) {
        extent_out->len += extent_out->offset;
        extent_out->offset = 0;
        extent_out->leaf = false;
    }
    return true;
}

uint64_t imap_extent_size(struct span tree, uint64_t prefix)
{
    struct mime_tree_part root;

    return find_root(tree, &root) ? prefix + root.body_offset + root.body_len : 0;
}

void imap_extent_cut(struct imap_extent *extent, uint64_t offset, uint64_t len)
{
    if (offset > extent->len)
        offset = extent->len;
    extent->offset += offset;
    extent->len -= offset;
    if (extent->len > len)
        extent->len = len;
}

enum fields_state { STATE_BEGIN, STATE_NAME, STATE_REST, STATE_END };

void imap_fields_init(struct imap_fields *f, const struct imap_section *section)
{
    memset(f, 0, offsetof(struct imap_fields, name));
    f->section = section;
}

static void give(struct imap_fields *f, struct span bytes, struct writer *out)
{
    f->len += bytes.len;
    if (out)
        writer_span_put(out, bytes);
}

/* The name of the field under way is whole, or longer than any that can be asked for. */
static void decide(struct imap_fields *f, bool colon, struct writer *out)
{
    struct span name = span_of(f->name, f->name_len);
    bool listed;

    if (colon)
        name.len--;
    listed = colon && imap_section_names_field(f->section, ascii_trim(name));
    f->keep = listed == (f->section->kind == IMAP_SECTION_FIELDS);
    f->state = STATE_REST;
    if (f->keep)
        give(f, span_of(f->name, f->name_len), out);
}

/* One byte of a line whose name is not yet known. */
static void take_name(struct imap_fields *f, uint8_t c, struct writer *out)
{
    f->name[f->name_len++] = c;
    if (c == '\n' && (f->name_len == 1 || (f->name_len == 2 && f->name[0] == '\r')))
        f->state = STATE_END;
    else if (c == ':' || c == '\n' || f->name_len == sizeof(f->name))
        decide(f, c == ':', out);
    if (c == '\n' && f->state == STATE_REST)
        f->state = STATE_BEGIN;
}

/* The rest of the line, given or not; returns how much it is. */
static size_t take_rest(struct imap_fields *f, struct span s, struct writer *out)
{
    ptrdiff_t end = span_find(s, '\n');
    size_t n = end < 0 ? s.len : (size_t)end + 1;

    if (f->keep)
        give(f, span_head(s, n), out);
    if (end >= 0)
        f->state = STATE_BEGIN;
    return n;
}

void imap_fields_feed(struct imap_fields *f, struct span header, struct writer *out)
{
    while (header.len && f->state != STATE_END) {
        size_t n = 1;

        if (f->state == STATE_BEGIN) {
            bool goes_on = ascii_blank(header.data[0]);

            f->state = goes_on ? STATE_REST : STATE_NAME;
            f->name_len = 0;
            n = 0;
        } else if (f->state == STATE_NAME) {
            take_name(f, header.data[0], out);
        } else {
            n = take_rest(f, header, out);
        }
        header = span_skip(header, n);
    }
}

void imap_fields_finish(struct imap_fields *f, struct writer *out)
{
    if (f->state == STATE_NAME && f->name_len)
        decide(f, false, out);
    give(f, span_text("\r\n"), out);
}
