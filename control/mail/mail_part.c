/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_part.h"

#include "control/mail/mail_binary.h"

#include <stdlib.h>

#include "proto/imap/imap_envelope.h"
#include "proto/imap/imap_structure.h"

enum { SCRATCH = 64 * 1024, FIELDS_MORE = 8 };

void mail_part_free(struct mail_part *part)
{
    free(part->text);
    free(part->decode);
    *part = (struct mail_part){0};
}

/* The fields of the header at `extent` that are wanted, to `out`. False: the store has failed. */
static bool choose(const struct mail_source *source, const struct imap_extent *extent,
                   struct imap_fields *fields, struct writer *out)
{
    uint64_t at = extent->offset, end = extent->offset + extent->len;

    while (at < end) {
        struct span bytes;
        void *pin = NULL;

        if (mail_source_read(source, at, &bytes, &pin) != STORE_OK || bytes.len == 0)
            return false;
        bytes = span_head(bytes, end - at);
        imap_fields_feed(fields, bytes, out);
        at += bytes.len;
        if (pin)
            store_unpin(source->store, &pin, 1);
    }
    imap_fields_finish(fields, out);
    return true;
}

static void find_fields(const struct mail_source *source, const struct imap_section *section,
                        const struct imap_extent *extent, struct mail_part *part)
{
    /* No more than the header, and the blank line that it may lack. */
    size_t most = extent->len + FIELDS_MORE;
    struct imap_fields fields;
    struct writer out;

    part->text = malloc(most);
    out = writer_of(part->text, part->text ? most : 0);
    imap_fields_init(&fields, section);
    part->found = choose(source, extent, &fields, &out) && !out.full;
    part->len = out.len;
}

/* A literal has no NUL (RFC 9051 section 4.3): in its place goes 0x80. Who wants it whole asks for
 * BINARY. */
static void replace_nul(const struct mail_source *source, const struct imap_fetch_item *item,
                        struct mail_part *part)
{
    struct imap_extent extent = {.offset = part->at, .len = part->len};

    for (uint64_t i = 0; part->text && i < part->len; i++)
        if (part->text[i] == 0)
            part->text[i] = 0x80;
    if (part->text)
        return;
    if (item->partial)
        imap_extent_cut(&extent, item->offset, item->len);
    part->decode = malloc(sizeof(*part->decode));
    part->failed = !part->decode;
    if (part->decode)
        mail_decode_init(part->decode, source, extent.offset, extent.offset + extent.len,
                         MAIL_DECODE_NO_NUL);
}

static bool is_binary(const struct imap_fetch_item *item)
{
    return item->kind == IMAP_FETCH_BINARY || item->kind == IMAP_FETCH_BINARY_SIZE;
}

void mail_part_find(const struct mail_source *source, const struct imap_fetch_item *item,
                    struct mail_part *part_out)
{
    struct imap_extent extent;

    *part_out = (struct mail_part){0};
    if (!imap_extent_find(source->tree, source->prefix.len, &item->section, &extent))
        return;
    part_out->found = true;
    part_out->at = extent.offset;
    part_out->len = extent.len;
    if (item->section.kind == IMAP_SECTION_FIELDS || item->section.kind == IMAP_SECTION_FIELDS_NOT)
        find_fields(source, &item->section, &extent, part_out);
    part_out->binary = is_binary(item);
    if (part_out->binary)
        part_out->failed = !mail_binary_begin(part_out, source, item, &extent);
    else if (mail_binary_in(source->tree))
        replace_nul(source, item, part_out);
}

void mail_part_envelope(const struct mail_source *source, bool utf8, struct writer *w)
{
    uint8_t *text = malloc(SCRATCH);
    struct writer scratch = writer_of(text, text ? SCRATCH : 0);
    struct imap_envelope envelope;
    struct mime_tree_read tree;
    struct mime_tree_part root;

    if (!text || !mime_tree_read_init(&tree, source->tree) ||
        mime_tree_read_next(&tree, &root) != MIME_TREE_NEXT) {
        free(text);
        writer_text(w, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
        return;
    }
    imap_envelope_read(&root, source->prefix, &scratch, &envelope);
    imap_envelope_put(w, &envelope, utf8);
    free(text);
}

void mail_part_structure(const struct mail_source *source, bool extended, bool utf8,
                         struct writer *w)
{
    if (!imap_structure_put(w, source->tree, extended, utf8))
        writer_text(w, "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0)");
}
