/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_EXTENT_H
#define PROTO_IMAP_IMAP_EXTENT_H

#include "proto/imap/imap_section.h"
#include "proto/mime/mime_tree.h"

/*
 * Where a section lies in a message, by its stored part tree: offsets count from the first byte of
 * the prefix that is put before the message's own header (its length is `prefix`; 0: none).
 */
struct imap_extent {
    uint64_t offset;
    uint64_t len;
    uint64_t decoded; /* of a leaf's body: bytes behind its transfer encoding */
    uint16_t part;    /* index in the tree */
    uint8_t encoding; /* enum mime_encoding, of a leaf's body */
    bool header;      /* a header; FIELDS and FIELDS_NOT are a choice of it: see below */
    bool leaf;        /* a body without parts: BINARY may decode it */
};

/*
 * False when there is no such part (or the tree is none): the answer is an empty string, or NIL;
 * RFC 9051 does not say, others answer with an empty string. One pass over
 * the tree a level; over its first part only, without a part's number.
 */
bool imap_extent_find(struct span tree, uint64_t prefix, const struct imap_section *section,
                      struct imap_extent *extent_out);
/* Octets of the whole message: RFC822.SIZE. 0 when the tree is none. */
uint64_t imap_extent_size(struct span tree, uint64_t prefix);
/* Cuts [offset, offset + len) out of it; what lies outside is left out (RFC 9051 section 6.4.5). */
void imap_extent_cut(struct imap_extent *extent, uint64_t offset, uint64_t len);

/*
 * HEADER.FIELDS and HEADER.FIELDS.NOT: the fields of a header that are named, or not, with a blank
 * line behind them. Fed with the header's bytes, in pieces; keeps at most a field's name.
 */
struct imap_fields {
    const struct imap_section *section;
    uint64_t len; /* octets given so far */
    uint16_t name_len;
    uint8_t state;
    bool keep; /* the field under way */
    uint8_t name[IMAP_FIELD_NAME_MAX + 2];
};

void imap_fields_init(struct imap_fields *f, const struct imap_section *section);
/* Writes what is chosen of `header` to `out`; NULL: only f->len counts it. */
void imap_fields_feed(struct imap_fields *f, struct span header, struct writer *out);
/* The header has ended: writes what is left and the blank line. */
void imap_fields_finish(struct imap_fields *f, struct writer *out);

#endif
