/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_HEADER_H
#define PROTO_DKIM_DKIM_HEADER_H

#include "proto/base/span.h"

/*
 * Where the fields of a message's header lie, found once and then picked by name from the bottom
 * up, as signatures name them (RFC 6376 section 5.4.2).
 */

enum {
    DKIM_FIELDS_MAX = 2000, /* fields of a header; those behind are not seen */
    DKIM_FIELD_NONE = 0xffff,
};

struct dkim_field {
    uint32_t at, len;  /* in the header's bytes; with its folds, without its last CRLF */
    uint16_t name_len; /* blanks before the colon not counted; 0: it is no field */
    uint16_t name;     /* number among the names */
    uint16_t above;    /* the next one above it of the same name, or DKIM_FIELD_NONE */
};

struct dkim_header {
    struct span bytes; /* borrowed */
    bool cut;          /* there is more than was read */
    uint16_t count;
    uint16_t names;
    struct dkim_field fields[DKIM_FIELDS_MAX];
    uint32_t hashes[DKIM_FIELDS_MAX]; /* of the names */
    uint16_t last[DKIM_FIELDS_MAX];   /* of each name the lowest field */
};

/*
 * Reads a header: its lines, each with its CRLF, without the empty line. Borrows the bytes. Bound:
 * one pass, and a comparison of numbers for each pair of field and name.
 */
void dkim_header_read(struct dkim_header *h, struct span bytes);

static inline struct span dkim_header_field(const struct dkim_header *h, uint16_t field)
{
    return span_of(h->bytes.data + h->fields[field].at, h->fields[field].len);
}

static inline struct span dkim_header_name(const struct dkim_header *h, uint16_t field)
{
    return span_head(dkim_header_field(h, field), h->fields[field].name_len);
}

/* What stands behind the colon, with its blanks and folds. */
struct span dkim_header_value(const struct dkim_header *h, uint16_t field);
/* The lowest field of the name, in any case, or DKIM_FIELD_NONE. */
uint16_t dkim_header_last(const struct dkim_header *h, struct span name);
/* The highest one. */
uint16_t dkim_header_first(const struct dkim_header *h, struct span name);

/* Fields being picked: each is picked once. */
struct dkim_pick {
    const struct dkim_header *header;
    uint16_t own; /* never picked: the signature that picks */
    uint16_t next[DKIM_FIELDS_MAX];
};

void dkim_pick_init(struct dkim_pick *p, const struct dkim_header *header, uint16_t own);
/* The next field of the name, from the bottom up, or DKIM_FIELD_NONE. */
uint16_t dkim_pick_next(struct dkim_pick *p, struct span name);

#endif
