/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_SET_H
#define PROTO_IMAP_IMAP_SET_H

#include "proto/imap/imap_cursor.h"

/* Sequence sets (RFC 9051 section 9: sequence-set), of sequence numbers or UIDs. */

struct imap_range {
    uint32_t low, high; /* both within; before imap_set_resolve() 0 stands for "*" */
};

/* The ranges lie in memory of the caller's, 8 bytes each. */
struct imap_set {
    struct imap_range *ranges;
    uint32_t count;
    uint32_t cap;
    bool saved; /* "$": the result of the last search (RFC 5182); no ranges */
};

struct imap_set imap_set_of(struct imap_range *ranges, uint32_t cap);
/*
 * sequence-set = (seq-number / seq-range) ["," sequence-set] / "$"
 *
 * Sets set->count; bad in the cursor when it is none, or has more ranges than there is room for.
 */
bool imap_set_parse(struct imap_cursor *c, struct imap_set *set);
/*
 * "*" becomes `largest` (the number in the mailbox, 0: it is empty, then it names nothing), ranges
 * get ascending and disjoint, neighbours one. Needed before all below. Bound: n log n, in place.
 */
void imap_set_resolve(struct imap_set *set, uint32_t largest);
/* log n */
bool imap_set_contains(const struct imap_set *set, uint32_t n);
/* The smallest member that is at least `from`; 0: none. log n. */
uint32_t imap_set_next(const struct imap_set *set, uint32_t from);
/* How many numbers are in it. */
uint64_t imap_set_size(const struct imap_set *set);
/* Adds numbers behind all that are in it (what a search saves); false when there is no room. */
bool imap_set_append(struct imap_set *set, uint32_t low, uint32_t high);

/*
 * Writes numbers as a set, "1:3,7". Give them one by one; neighbours are put together. Each call
 * writes at most IMAP_SET_PUT_MAX bytes: who writes piecewise makes room before.
 */
enum { IMAP_SET_PUT_MAX = 22 };
struct imap_set_writer {
    struct writer *out;
    uint32_t low, high; /* the range under way; 0: none yet */
    bool behind;        /* a comma is due before the next */
};

struct imap_set_writer imap_set_writer_of(struct writer *out);
void imap_set_writer_put(struct imap_set_writer *w, uint32_t n);
/* A whole range at once. */
void imap_set_writer_range(struct imap_set_writer *w, uint32_t low, uint32_t high);
void imap_set_writer_end(struct imap_set_writer *w);

#endif
