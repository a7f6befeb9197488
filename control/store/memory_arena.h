/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_MEMORY_ARENA_H
#define CONTROL_STORE_MEMORY_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The memory of a store in memory: one mapping, cut into segments. Each thread that puts something
 * in has a lane, which takes segments for itself and hands out pieces from their front to their
 * end. Whoever gives back the last piece of a segment that its lane has left gives back the
 * segment. No lock, no system call; a segment costs a few atomic operations, a piece one when it
 * ends.
 */
enum {
    MEMORY_SEGMENT = 65536,
    MEMORY_ALIGN = 64, /* of pieces */
};

struct memory_segment {
    _Atomic uint32_t live; /* pieces; while a lane is on it many more */
    _Atomic uint32_t next; /* in the list of those that are free */
};

struct memory_arena {
    uint8_t *base;
    struct memory_segment *segments;
    uint32_t count;
    _Atomic uint32_t fresh; /* from here on none was ever used */
    _Atomic uint64_t free
        __attribute__((aligned(64))); /* {number of changes, first segment or 0} */
};

struct memory_lane {
    uint8_t *at;
    uint32_t room;    /* bytes from there to the segment's end */
    uint32_t segment; /* 0: none */
    uint32_t given;   /* pieces of it */
};

/* False: no memory. `bytes` is rounded to whole segments; at most 256 GiB. */
bool memory_arena_init(struct memory_arena *arena, uint64_t bytes);
void memory_arena_fini(struct memory_arena *arena);
/* Any thread that owns the lane. NULL: the arena is full, or `bytes` is more than a segment. */
void *memory_arena_take(struct memory_arena *arena, struct memory_lane *lane, uint64_t bytes);
/* The same of as many bytes as lie in one piece, but no fewer than `least` or all of them. */
void *memory_arena_take_some(struct memory_arena *arena, struct memory_lane *lane, uint32_t least,
                             uint64_t bytes, uint32_t *bytes_out);
/* Any thread. */
void memory_arena_give(struct memory_arena *arena, void *piece);

/* A piece as a number that is never 0. */
static inline uint32_t memory_arena_ref(const struct memory_arena *arena, const void *piece)
{
    return (uint32_t)((uint64_t)((const uint8_t *)piece - arena->base) / MEMORY_ALIGN);
}

static inline void *memory_arena_at(const struct memory_arena *arena, uint32_t ref)
{
    return arena->base + (uint64_t)ref * MEMORY_ALIGN;
}

#endif
