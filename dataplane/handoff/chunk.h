/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_CHUNK_H
#define DATAPLANE_HANDOFF_CHUNK_H

#include "proto/base/span.h"

/*
 * Worker-owned memory for what outlives a turn: out-of-order data, unread bytes, unfinished lines,
 * bodies that are kept. A pool hands out the chunk that came back last, so that its lines are still
 * in cache. Only the owning worker takes and gives; control borrows whole chunks through jobs and
 * never gives them back itself.
 */
enum chunk_class {
    CHUNK_SMALL,  /* 512 bytes */
    CHUNK_MEDIUM, /* 4 KiB */
    CHUNK_LARGE,  /* 64 KiB */
    CHUNK_CLASSES,
};

struct chunk {
    struct chunk *next; /* for the holder's lists */
    uint32_t len;       /* bytes in use, from data[0] */
    uint32_t start;     /* for readers: bytes already consumed */
    uint32_t cap;       /* size of data[] */
    uint8_t class;      /* enum chunk_class */
    uint8_t data[] __attribute__((aligned(8)));
};

enum {
    CHUNK_HEADER = 24,
    CHUNK_RESERVE = 32,
    CHUNK_LARGE_DATA = 65536 - CHUNK_HEADER, /* what one row of a stored body holds */
};
_Static_assert(offsetof(struct chunk, data) == CHUNK_HEADER, "the header fits");

struct chunk_pool;

/* At most limits[class] chunks of each class; the memory is mapped at once and touched on first
 * use. NULL: no memory. */
struct chunk_pool *chunk_pool_new(const uint32_t limits[CHUNK_CLASSES]);
/* All of it is taken now, before the first chunk is. False: there is not so much memory. */
bool chunk_pool_prefault(struct chunk_pool *pool);
/* All chunks must have come back. */
void chunk_pool_free(struct chunk_pool *pool);
/*
 * An empty chunk (len, start 0, next NULL), or NULL when the class is used up but for its reserve,
 * one in CHUNK_RESERVE. O(1).
 */
struct chunk *chunk_take(struct chunk_pool *pool, enum chunk_class class);
/* The same, the reserve included: for what is to be sent. Peers that fill the pool must not cost
 * others their replies. */
struct chunk *chunk_take_reserved(struct chunk_pool *pool, enum chunk_class class);
/* Takes the chunk and the list that hangs from its `next`. */
void chunk_give(struct chunk_pool *pool, struct chunk *chunk);
/* What chunk_take() gives at most. */
uint32_t chunk_limit(const struct chunk_pool *pool, enum chunk_class class);
/* Chunks out at the moment, and the most that ever were. */
uint32_t chunk_used(const struct chunk_pool *pool, enum chunk_class class);
uint32_t chunk_peak(const struct chunk_pool *pool, enum chunk_class class);

static inline struct span chunk_unread(const struct chunk *c)
{
    return span_of(c->data + c->start, c->len - c->start);
}

static inline uint32_t chunk_room(const struct chunk *c)
{
    return c->cap - c->len;
}

#endif
