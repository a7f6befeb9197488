/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory_arena.h"

#include <stddef.h>
#include <sys/mman.h>

#include "dataplane/handoff/hidden.h"

enum { OPEN = 1 << 20 }; /* what a lane adds to the live pieces of its segment until it leaves it */

bool memory_arena_init(struct memory_arena *arena, uint64_t bytes)
{
    /* Segment 0 is never used, so that 0 names no piece. */
    arena->count = (uint32_t)(bytes / MEMORY_SEGMENT) + 1;
    arena->base = hidden_new((uint64_t)arena->count * MEMORY_SEGMENT);
    arena->segments = hidden_new(arena->count * sizeof(*arena->segments));
    if (!arena->base || !arena->segments) {
        memory_arena_fini(arena);
        return false;
    }
    /* Touched page by page it would cost a fault for each message. */
    madvise(arena->base, (uint64_t)arena->count * MEMORY_SEGMENT, MADV_HUGEPAGE);
    atomic_store(&arena->fresh, 1);
    atomic_store(&arena->free, 0);
    return true;
}

void memory_arena_fini(struct memory_arena *arena)
{
    hidden_free(arena->base, (uint64_t)arena->count * MEMORY_SEGMENT);
    hidden_free(arena->segments, arena->count * sizeof(*arena->segments));
}

static uint64_t head_of(uint64_t before, uint32_t first)
{
    return ((before >> 32) + 1) << 32 | first;
}

/* The count in the head keeps a thread that was held up from taking what came back meanwhile for
 * what it saw. */
static uint32_t pop(struct memory_arena *a)
{
    uint64_t head = atomic_load_explicit(&a->free, memory_order_acquire);

    while ((uint32_t)head) {
        uint32_t next =
            atomic_load_explicit(&a->segments[(uint32_t)head].next, memory_order_relaxed);

        if (atomic_compare_exchange_weak_explicit(&a->free, &head, head_of(head, next),
                                                  memory_order_acquire, memory_order_acquire))
            return (uint32_t)head;
    }
    return 0;
}

static void push(struct memory_arena *a, uint32_t segment)
{
    uint64_t head = atomic_load_explicit(&a->free, memory_order_relaxed);

    do {
        atomic_store_explicit(&a->segments[segment].next, (uint32_t)head, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&a->free, &head, head_of(head, segment),
                                                    memory_order_release, memory_order_relaxed));
}

static uint32_t take_fresh(struct memory_arena *a)
{
    uint32_t fresh = atomic_load_explicit(&a->fresh, memory_order_relaxed);

    while (fresh < a->count)
        if (atomic_compare_exchange_weak_explicit(&a->fresh, &fresh, fresh + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return fresh;
    return 0;
}

static void let_go(struct memory_arena *a, uint32_t segment, uint32_t n)
{
    if (atomic_fetch_sub_explicit(&a->segments[segment].live, n, memory_order_acq_rel) == n)
        push(a, segment);
}

static bool open_segment(struct memory_arena *a, struct memory_lane *lane)
{
    uint32_t segment = pop(a);

    if (!segment)
        segment = take_fresh(a);
    if (!segment)
        return false;
    if (lane->segment)
        let_go(a, lane->segment, OPEN - lane->given);
    atomic_store_explicit(&a->segments[segment].live, OPEN, memory_order_relaxed);
    *lane = (struct memory_lane){.at = a->base + (uint64_t)segment * MEMORY_SEGMENT,
                                 .room = MEMORY_SEGMENT,
                                 .segment = segment};
    return true;
}

static void *cut(struct memory_lane *lane, uint32_t bytes)
{
    void *piece = lane->at;

    lane->at += bytes;
    lane->room -= bytes;
    lane->given++;
    return piece;
}

static uint64_t rounded(uint64_t bytes)
{
    return (bytes + MEMORY_ALIGN - 1) & ~(uint64_t)(MEMORY_ALIGN - 1);
}

void *memory_arena_take(struct memory_arena *arena, struct memory_lane *lane, uint64_t bytes)
{
    bytes = rounded(bytes);
    if (bytes > MEMORY_SEGMENT || (lane->room < bytes && !open_segment(arena, lane)))
        return NULL;
    return cut(lane, (uint32_t)bytes);
}

void *memory_arena_take_some(struct memory_arena *arena, struct memory_lane *lane, uint32_t least,
                             uint64_t bytes, uint32_t *bytes_out)
{
    uint64_t whole = rounded(bytes);

    if (lane->room < whole && lane->room < least && !open_segment(arena, lane))
        return NULL;
    if (whole > lane->room)
        whole = bytes = lane->room;
    *bytes_out = (uint32_t)bytes;
    return cut(lane, (uint32_t)whole);
}

void memory_arena_give(struct memory_arena *arena, void *piece)
{
    let_go(arena, (uint32_t)((uint64_t)((uint8_t *)piece - arena->base) / MEMORY_SEGMENT), 1);
}
