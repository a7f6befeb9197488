/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_cursor.h"
#include "proto/imap/imap_envelope.h"
#include "proto/imap/imap_extent.h"
#include "proto/imap/imap_structure.h"
#include "tests/proto/mime_tree_of.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IN_MAX = 4096, OUT_MAX = 1 << 19 };

static uint8_t out[OUT_MAX], scratch[OUT_MAX];

/* nstring, number or list, as a client would read it. */
static void read_value(struct imap_cursor *c)
{
    struct span s;
    uint64_t n;
    bool first = true;

    if (!imap_cursor_peek(c, '(')) {
        if (c->at < c->end && (uint8_t)(*c->at - '0') < 10)
            (void)imap_cursor_number64(c, &n);
        else
            (void)imap_cursor_nstring(c, &s);
        return;
    }
    (void)imap_cursor_open(c);
    /* Addresses, and the parts of a multipart, stand without a blank between them. */
    while (!c->bad && !imap_cursor_peek(c, ')')) {
        if (!first && !imap_cursor_peek(c, '('))
            (void)imap_cursor_space(c);
        first = false;
        read_value(c);
        if (imap_cursor_peek(c, ' ') && c->end - c->at > 1 && c->at[1] == '(')
            (void)imap_cursor_space(c);
    }
    (void)imap_cursor_byte(c, ')');
    c->depth--;
}

static void check(const struct writer *w, bool utf8)
{
    struct imap_cursor c = imap_cursor_of(writer_span(w), utf8, scratch, sizeof(scratch));

    if (w->full)
        return;
    read_value(&c);
    if (!imap_cursor_done(&c) && c.depth < IMAP_DEPTH_MAX)
        abort();
}

static void put_envelope(struct span tree, struct span prefix, bool utf8)
{
    static uint8_t unfolded[IN_MAX];
    struct writer w = writer_of(out, sizeof(out)), s = writer_of(unfolded, sizeof(unfolded));
    struct imap_envelope envelope;
    struct mime_tree_read read;
    struct mime_tree_part part;

    if (!mime_tree_read_init(&read, tree) || mime_tree_read_next(&read, &part) != MIME_TREE_NEXT)
        return;
    imap_envelope_read(&part, prefix, &s, &envelope);
    imap_envelope_put(&w, &envelope, utf8);
    check(&w, utf8);
}

/* Every section lies in the message; and the fields of a header are counted as they are given. */
static void find_sections(struct span tree, struct span message)
{
    struct imap_section section = {.depth = 3, .path = {1, 2, 1}};
    struct imap_extent e;

    for (unsigned i = 0; i < 6 * 4; i++) {
        section.kind = (uint8_t)(i % 6);
        section.depth = (uint8_t)(i / 6);
        section.fields = span_text("(from \"Content-Type\")");
        if (!imap_extent_find(tree, 5, &section, &e))
            continue;
        if (message.data && (e.offset > 5 + message.len || e.len > 5 + message.len - e.offset))
            abort();
    }
}

static void filter(struct span message, uint8_t kind)
{
    struct imap_section section = {.kind = kind, .fields = span_text("(from \"Content-Type\" to)")};
    struct writer w = writer_of(out, sizeof(out));
    struct imap_fields one, two;

    imap_fields_init(&one, &section);
    imap_fields_init(&two, &section);
    imap_fields_feed(&one, message, NULL);
    for (size_t i = 0; i < message.len; i++)
        imap_fields_feed(&two, span_of(message.data + i, 1), &w);
    imap_fields_finish(&one, NULL);
    imap_fields_finish(&two, &w);
    if (one.len != w.len || two.len != w.len)
        abort();
}

/* A message's tree, or any bytes as one: what is written can be read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct writer w = writer_of(out, sizeof(out));
    struct span in = span_of(data + 1, size - 1), tree;
    bool utf8;

    if (size < 1 || size > IN_MAX)
        return 0;
    utf8 = data[0] & 1;
    tree = data[0] & 2 ? in : mime_tree_of(in);
    if (imap_structure_put(&w, tree, data[0] & 4, utf8))
        check(&w, utf8);
    put_envelope(tree, data[0] & 8 ? in : span_text(""), utf8);
    find_sections(tree, data[0] & 2 ? span_of(NULL, 0) : in);
    filter(in, data[0] & 16 ? IMAP_SECTION_FIELDS : IMAP_SECTION_FIELDS_NOT);
    return 0;
}
