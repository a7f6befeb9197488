/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_SORT_H
#define PROTO_IMAP_IMAP_SORT_H

#include "proto/imap/imap_search.h"
#include "proto/mime/mime_charset.h"

/* SORT (RFC 5256 section 3, RFC 5957). */
enum imap_sort_key {
    IMAP_SORT_ARRIVAL, /* number: the internal date */
    IMAP_SORT_CC,      /* text: the local part of the first address */
    IMAP_SORT_DATE,    /* number: imap_sort_date() */
    IMAP_SORT_FROM,
    IMAP_SORT_SIZE,    /* number */
    IMAP_SORT_SUBJECT, /* text: the base subject */
    IMAP_SORT_TO,
    IMAP_SORT_DISPLAYFROM, /* text: the name, else the address (RFC 5957 section 3) */
    IMAP_SORT_DISPLAYTO,
    IMAP_SORT_KEYS
};

enum { IMAP_SORT_MAX = IMAP_SORT_KEYS }; /* criteria; a key that comes again decides nothing */

struct imap_sort {
    uint8_t count;
    uint8_t keys[IMAP_SORT_MAX]; /* enum imap_sort_key */
    bool reverse[IMAP_SORT_MAX];
};

/*
 * sort = ["RETURN" SP "(" ... ")" SP] sort-criteria SP charset 1*(SP search-key)
 * sort-criteria = "(" ["REVERSE" SP] sort-key *(SP ["REVERSE" SP] sort-key) ")"
 */
bool imap_sort_parse(struct imap_cursor *c, struct imap_sort *sort_out, struct imap_search *search);

/* What one message is compared by, one for each criterion. */
union imap_sort_value {
    int64_t number;
    struct span text; /* as octets compare it: RFC 5051 */
};

/* Does `a` stand before `b`? Where nothing decides, the sequence number does (RFC 5256 section 3):
 * an order that is stable (proto/base/index_sort.h). */
bool imap_sort_before(const struct imap_sort *sort, const union imap_sort_value *a,
                      const union imap_sort_value *b);

/*
 * The sent date (RFC 5256 section 2.2) in seconds since 1970-01-01 UTC: that of the Date field's
 * value, else `internal`.
 */
int64_t imap_sort_date(struct span value, int64_t internal);
/*
 * What CC, FROM, TO compare of a field's value: writes the local part (a group's name) of the first
 * address; nothing without one. `display`: DISPLAYFROM and DISPLAYTO: the name, decoded, else
 * "local@domain". Bounded by the writer; 8 KiB of stack.
 */
void imap_sort_address(struct span value, bool display, const struct mime_charset *charsets,
                       struct writer *out);

#endif
