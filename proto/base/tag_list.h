/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_TAG_LIST_H
#define PROTO_BASE_TAG_LIST_H

#include "proto/base/span.h"

/*
 * Lists of tags (RFC 6376 section 3.2), as signatures, key records, DMARC records and ARC have
 * them:
 *
 *   tag-list = tag-spec *( ";" tag-spec ) [ ";" ]
 *   tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
 *
 * Values may have UTF-8 (RFC 8616 section 3). Nothing is copied: names and values point into the
 * text.
 */

enum { TAG_LIST_MAX = 48 }; /* tags of a list */

struct tag {
    struct span name;
    struct span value; /* without the blanks and folds around it */
    struct span room;  /* all that stands between "=" and ";", or the end */
};

enum tag_list_status {
    TAG_LIST_GOOD,
    TAG_LIST_SYNTAX, /* not of the grammar */
    TAG_LIST_TWICE,  /* a name stands twice: the list counts for nothing */
    TAG_LIST_MANY,   /* more than TAG_LIST_MAX */
};

struct tag_list {
    uint32_t count;
    struct tag tags[TAG_LIST_MAX]; /* in the order of the text */
};

/* Reads all of the text; on any other status than TAG_LIST_GOOD the list is not to be used. Bound:
 * one pass, and TAG_LIST_MAX^2 comparisons of names. */
enum tag_list_status tag_list_read(struct span text, struct tag_list *list_out);
/* The tag of this name, which counts case, or NULL. */
const struct tag *tag_list_find(const struct tag_list *list, const char *name);
/* A number of 1 to `digits` decimal digits and nothing else. What no uint64_t holds becomes
 * UINT64_MAX. */
bool tag_number(struct span value, size_t digits, uint64_t *number_out);
/*
 * Takes the next piece of a list whose pieces a colon divides, folds and blanks around each. False:
 * there is no more; `more` is true before the first call. An empty piece is a piece.
 */
bool tag_piece(struct span *value, bool *more, struct span *piece_out);
/* True when the list has this piece, letters in either case. */
bool tag_has_piece(struct span value, const char *piece);

#endif
