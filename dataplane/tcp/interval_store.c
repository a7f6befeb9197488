/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/interval_store.h"

#include <stdlib.h>

#include "dataplane/tcp/tcp_sequence.h"

struct interval_store {
    struct interval *blocks;
    struct interval *free; /* given back, the latest first: it is still in cache */
    uint32_t fresh;        /* blocks from here on were never used */
    uint32_t count;
    uint32_t used;
    enum overlap_policy policy;
    interval_wins *wins;
};

/*
 * Linux keeps segments whole, sorted by their start, and reads each byte from the one that starts
 * first; of two with the same start the longer stays. BSD cuts the front off what is new where it
 * lies over an earlier start, and the front off what is old behind that.
 */
bool interval_wins_tcp(enum overlap_policy policy, uint32_t seq, uint32_t end,
                       const struct interval *old)
{
    switch (policy) {
    case OVERLAP_LAST:
        return true;
    case OVERLAP_LINUX:
        return seq_lt(seq, old->origin) || (seq == old->origin && seq_lt(old->origin_end, end));
    case OVERLAP_BSD:
    case OVERLAP_WINDOWS:
        return seq_lt(seq, old->seq);
    default:
        return false;
    }
}

bool interval_wins_ip(enum overlap_policy policy, uint32_t seq, uint32_t end,
                      const struct interval *old)
{
    switch (policy) {
    case OVERLAP_LAST:
        return true;
    case OVERLAP_BSD:
        return seq_lt(seq, old->seq);
    case OVERLAP_WINDOWS: /* only what covers the old one on both sides */
        return seq_lt(seq, old->origin) && seq_lt(old->origin_end, end);
    default:
        return false;
    }
}

struct interval_store *interval_store_new(uint64_t memory, enum overlap_policy policy,
                                          interval_wins *wins)
{
    struct interval_store *store = calloc(1, sizeof(*store));
    uint64_t count = memory / INTERVAL_BLOCK;

    if (!store)
        return NULL;
    store->count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    store->blocks = malloc((size_t)store->count * INTERVAL_BLOCK);
    store->policy = policy;
    store->wins = wins;
    if (!store->blocks && store->count) {
        free(store);
        return NULL;
    }
    return store;
}

void interval_store_free(struct interval_store *store)
{
    if (!store)
        return;
    free(store->blocks);
    free(store);
}

uint64_t interval_store_used(const struct interval_store *store)
{
    return (uint64_t)store->used * INTERVAL_BLOCK;
}

static struct interval *block_take(struct interval_store *store)
{
    struct interval *i = store->free;

    if (i)
        store->free = i->next;
    else if (store->fresh < store->count)
        i = &store->blocks[store->fresh++];
    if (i)
        store->used++;
    return i;
}

static void block_give(struct interval_store *store, struct interval *i)
{
    i->next = store->free;
    store->free = i;
    store->used--;
}

void interval_drop(struct interval_store *store, struct interval_list *list,
                   struct interval *before)
{
    struct interval *i = before ? before->next : list->first;

    if (before)
        before->next = i->next;
    else
        list->first = i->next;
    if (list->last == i)
        list->last = before;
    list->blocks--;
    block_give(store, i);
}

void interval_drop_first(struct interval_store *store, struct interval_list *list)
{
    interval_drop(store, list, NULL);
}

void interval_drop_all(struct interval_store *store, struct interval_list *list)
{
    while (list->first)
        interval_drop_first(store, list);
}

/* Links a block behind `before`, NULL for the front. */
static void link_behind(struct interval_list *list, struct interval *before, struct interval *i)
{
    i->next = before ? before->next : list->first;
    if (before)
        before->next = i;
    else
        list->first = i;
    if (!i->next)
        list->last = i;
    list->blocks++;
}

/* One addition under way. */
struct adding {
    struct interval_store *store;
    struct interval_list *list;
    const struct interval_piece *piece;
    uint32_t end;
    uint32_t blocks_max;
    interval_differ *differ;
    void *context;
};

/* Left to the library, which copies a segment in a few steps: a compiler that knows the most there
 * can be writes a string instruction, whose start alone takes longer. */
static void copy(uint8_t *to, const uint8_t *from, size_t len)
{
    __asm__("" : "+r"(len));
    memcpy(to, from, len);
}

/* Copies [from, to) of the piece behind *before, which moves to the last block of it. */
static bool place(struct adding *a, struct interval **before, uint32_t from, uint32_t to)
{
    const struct interval_piece *p = a->piece;

    while (from != to) {
        uint32_t len = to - from < INTERVAL_DATA ? to - from : INTERVAL_DATA;
        struct interval *i = a->list->blocks < a->blocks_max ? block_take(a->store) : NULL;

        if (!i)
            return false;
        i->seq = from;
        i->origin = p->seq;
        i->origin_end = a->end;
        i->after = p->after;
        i->at = 0;
        i->len = (uint16_t)len;
        i->cut = from + len == a->end ? p->cut : 0;
        i->doubt = p->doubt;
        i->ttl = p->ttl;
        i->time = p->time;
        copy(i->data, p->bytes.data + (from - p->seq), len);
        link_behind(a->list, *before, i);
        *before = i;
        from += len;
    }
    return true;
}

bool interval_append(struct interval_store *store, struct interval_list *list,
                     const struct interval_piece *piece, uint32_t blocks_max)
{
    struct adding a = {.store = store,
                       .list = list,
                       .piece = piece,
                       .end = piece->seq + (uint32_t)piece->bytes.len,
                       .blocks_max = blocks_max};
    struct interval *before = list->last;

    return place(&a, &before, piece->seq, a.end);
}

static bool new_wins(const struct adding *a, const struct interval *old, uint32_t fixed)
{
    if (seq_lt(old->seq, fixed))
        return false;
    if (!a->piece->doubt != !old->doubt)
        return old->doubt;
    return a->store->wins(a->store->policy, a->piece->seq, a->end, old);
}

static void compare(const struct adding *a, const struct interval *old, uint32_t from, uint32_t to,
                    bool wins)
{
    struct span was = span_of(old->data + old->at + (from - old->seq), to - from);
    struct span is = span_of(a->piece->bytes.data + (from - a->piece->seq), to - from);

    if (memcmp(was.data, is.data, was.len) != 0)
        a->differ(a->context, from, wins ? was : is, wins ? old->doubt : a->piece->doubt);
}

/*
 * Cuts [from, to) out of `old`, which begins at or before `from` and ends at or behind `to`.
 * *before is the one in front of it, and then the one in front of the hole. False: it had to be
 * split and there was no block.
 */
static bool cut_out(struct adding *a, struct interval *old, struct interval **before, uint32_t from,
                    uint32_t to)
{
    uint32_t end = interval_end(old);
    struct interval *tail;

    if (from == old->seq && to == end) {
        interval_drop(a->store, a->list, *before);
        return true;
    }
    if (from == old->seq) {
        old->at = (uint16_t)(old->at + (to - from));
        old->len = (uint16_t)(end - to);
        old->seq = to;
        return true;
    }
    if (to != end) {
        tail = a->list->blocks < a->blocks_max ? block_take(a->store) : NULL;
        if (!tail)
            return false;
        *tail = *old;
        tail->at = (uint16_t)(old->at + (to - old->seq));
        tail->len = (uint16_t)(end - to);
        tail->seq = to;
        link_behind(a->list, old, tail);
    }
    old->len = (uint16_t)(from - old->seq);
    old->cut = 0;
    *before = old;
    return true;
}

bool interval_add(struct interval_store *store, struct interval_list *list,
                  const struct interval_piece *piece, uint32_t fixed, uint32_t blocks_max,
                  interval_differ *differ, void *context)
{
    struct adding a = {store,      list,   piece,  piece->seq + (uint32_t)piece->bytes.len,
                       blocks_max, differ, context};
    struct interval *before = NULL, *i = list->first;
    uint32_t at = piece->seq;

    if (!list->last || seq_le(interval_end(list->last), at)) {
        before = list->last;
        i = NULL;
    }
    for (; i && seq_le(interval_end(i), at); i = i->next)
        before = i;
    while (at != a.end) {
        uint32_t stop = i ? seq_min(a.end, seq_max(i->seq, at)) : a.end;
        bool wins;

        /* Up to the next old one, or the end, there is nothing yet. */
        if (at != stop) {
            uint32_t from = seq_min(stop, seq_max(at, fixed));

            if (!place(&a, &before, from, stop))
                return false;
            at = stop;
            continue;
        }
        stop = seq_min(a.end, interval_end(i));
        wins = new_wins(&a, i, fixed);
        compare(&a, i, at, stop, wins);
        if (wins && (!cut_out(&a, i, &before, at, stop) || !place(&a, &before, at, stop)))
            return false;
        if (!wins)
            before = i;
        at = stop;
        /* Whatever happened to the old one, what follows `before` is the next to look at. */
        i = before ? before->next : list->first;
    }
    return true;
}
