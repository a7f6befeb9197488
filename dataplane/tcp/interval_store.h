/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_INTERVAL_STORE_H
#define DATAPLANE_TCP_INTERVAL_STORE_H

#include "dataplane/tcp/overlap.h"
#include "proto/base/span.h"

/*
 * Runs of bytes by sequence number, sorted, none over another, in blocks of one size: what an
 * observer holds of a stream or of a fragmented datagram. Where new bytes lie over old ones the
 * policy says which stay; where they differ the loser is told.
 *
 * A store owns the blocks of all its lists. A list may span less than 2^31 numbers.
 */
enum { INTERVAL_BLOCK = 2048, INTERVAL_DATA = INTERVAL_BLOCK - 40 };

struct interval {
    struct interval *next;
    uint32_t seq;
    uint32_t origin, origin_end; /* the segment that brought it, as it was before any cut */
    uint32_t after;              /* the holder's: what it depends on */
    uint16_t at, len;            /* in data[] */
    uint16_t cut;                /* bytes of the segment behind it that the capture cut off */
    uint8_t doubt;               /* the holder's: 0 for none; bytes in doubt lose to others */
    uint8_t ttl;                 /* the holder's */
    uint64_t time;               /* the holder's */
    uint8_t data[INTERVAL_DATA];
};
_Static_assert(sizeof(struct interval) == INTERVAL_BLOCK, "a block has one size");

struct interval_list {
    struct interval *first, *last;
    uint32_t blocks;
};

struct interval_store;

/* The bytes that were not kept, at `seq`, and the doubt that they were in. */
typedef void interval_differ(void *context, uint32_t seq, struct span lost, uint8_t doubt);
/* Whether new bytes of [seq, end) win over the old ones of `old`. */
typedef bool interval_wins(enum overlap_policy policy, uint32_t seq, uint32_t end,
                           const struct interval *old);

/* Receivers of TCP segments, and of IP fragments (which drop the datagram under "linux"; the caller
 * sees to that). */
bool interval_wins_tcp(enum overlap_policy policy, uint32_t seq, uint32_t end,
                       const struct interval *old);
bool interval_wins_ip(enum overlap_policy policy, uint32_t seq, uint32_t end,
                      const struct interval *old);

/* At most `memory` bytes of blocks, taken at once and touched on first use. NULL: no memory. */
struct interval_store *interval_store_new(uint64_t memory, enum overlap_policy policy,
                                          interval_wins *wins);
void interval_store_free(struct interval_store *store);
/* Bytes of blocks in use. */
uint64_t interval_store_used(const struct interval_store *store);

/* What is added. */
struct interval_piece {
    struct span bytes; /* not empty */
    uint32_t seq;
    uint32_t after;
    uint16_t cut;
    uint8_t doubt, ttl;
    uint64_t time;
};

/*
 * Adds the piece. What lies below `fixed` is compared but never changed, nor added. False: no block
 * was free, or the list has `blocks_max`; what found room stands. Bound: one pass over the list.
 */
bool interval_add(struct interval_store *store, struct interval_list *list,
                  const struct interval_piece *piece, uint32_t fixed, uint32_t blocks_max,
                  interval_differ *differ, void *context);
/* The same for bytes behind all that is there: O(1). */
bool interval_append(struct interval_store *store, struct interval_list *list,
                     const struct interval_piece *piece, uint32_t blocks_max);
/* Removes the first. */
void interval_drop_first(struct interval_store *store, struct interval_list *list);
/* Removes the one behind `before`; NULL: the first. */
void interval_drop(struct interval_store *store, struct interval_list *list,
                   struct interval *before);
void interval_drop_all(struct interval_store *store, struct interval_list *list);

static inline uint32_t interval_end(const struct interval *i)
{
    return i->seq + i->len;
}

static inline struct span interval_bytes(const struct interval *i)
{
    return span_of(i->data + i->at, i->len);
}

#endif
