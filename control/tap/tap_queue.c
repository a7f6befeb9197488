/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_queue.h"

#include "dataplane/handoff/hidden.h"

#include <stdlib.h>

/* Each item begins with this and is a multiple of it long; none goes over the end of the memory. */
struct item {
    uint32_t len; /* of its bytes */
    uint32_t kind;
};

enum { ALIGN = sizeof(struct item), REST = UINT32_MAX }; /* kind: nothing up to the memory's end */

struct tap_queue {
    uint8_t *memory;
    size_t size, kept; /* size: a power of two */
    struct {
        _Atomic uint64_t tail;
        uint64_t head_seen;
        _Atomic uint64_t lost;
    } producer __attribute__((aligned(64)));
    struct {
        _Atomic uint64_t head;
    } consumer __attribute__((aligned(64)));
};

struct tap_queue *tap_queue_new(size_t size, size_t kept)
{
    struct tap_queue *q = aligned_alloc(64, sizeof(*q));
    size_t whole = 4096;

    if (!q)
        return NULL;
    while (whole < size)
        whole *= 2;
    *q = (struct tap_queue){.memory = hidden_new(whole), .size = whole, .kept = kept};
    if (q->memory)
        return q;
    free(q);
    return NULL;
}

void tap_queue_free(struct tap_queue *q)
{
    if (!q)
        return;
    hidden_free(q->memory, q->size);
    free(q);
}

static struct item *item_at(struct tap_queue *q, uint64_t at)
{
    return (struct item *)(void *)(q->memory + (at & (q->size - 1)));
}

static size_t room_for(size_t len)
{
    return sizeof(struct item) + (len + ALIGN - 1) / ALIGN * ALIGN;
}

/* Room for so many bytes behind `tail`; the consumer's place is looked at only when it seems full.
 */
static bool has_room(struct tap_queue *q, uint64_t tail, size_t need, bool sure)
{
    size_t most = sure ? q->size : q->size - q->kept;

    if (tail + need - q->producer.head_seen <= most)
        return true;
    q->producer.head_seen = atomic_load_explicit(&q->consumer.head, memory_order_acquire);
    return tail + need - q->producer.head_seen <= most;
}

bool tap_queue_put(struct tap_queue *q, uint32_t kind, const struct span *pieces, uint32_t count,
                   bool sure)
{
    uint64_t tail = atomic_load_explicit(&q->producer.tail, memory_order_relaxed);
    size_t len = 0, to_end = q->size - (tail & (q->size - 1)), need, rest;
    uint8_t *to;

    for (uint32_t i = 0; i < count; i++)
        len += pieces[i].len;
    need = room_for(len);
    rest = need > to_end ? to_end : 0;
    if (!has_room(q, tail, need + rest, sure)) {
        atomic_fetch_add_explicit(&q->producer.lost, 1, memory_order_relaxed);
        return false;
    }
    if (rest) {
        *item_at(q, tail) = (struct item){.kind = REST};
        tail += rest;
    }
    *item_at(q, tail) = (struct item){.len = (uint32_t)len, .kind = kind};
    to = (uint8_t *)(item_at(q, tail) + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (pieces[i].len)
            memcpy(to, pieces[i].data, pieces[i].len);
        to += pieces[i].len;
    }
    atomic_store_explicit(&q->producer.tail, tail + need, memory_order_release);
    return true;
}

bool tap_queue_has_room(struct tap_queue *q, size_t len)
{
    /* It may have to begin at the memory's start. */
    return has_room(q, atomic_load_explicit(&q->producer.tail, memory_order_relaxed),
                    2 * room_for(len), false);
}

uint64_t tap_queue_lost(const struct tap_queue *q)
{
    return atomic_load_explicit(&q->producer.lost, memory_order_relaxed);
}

bool tap_queue_peek(struct tap_queue *q, uint32_t *kind_out, struct span *item_out)
{
    uint64_t head = atomic_load_explicit(&q->consumer.head, memory_order_relaxed);
    struct item *item = item_at(q, head);

    if (head == atomic_load_explicit(&q->producer.tail, memory_order_acquire))
        return false;
    if (item->kind == REST) {
        head += q->size - (head & (q->size - 1));
        atomic_store_explicit(&q->consumer.head, head, memory_order_release);
        item = item_at(q, head);
    }
    *kind_out = item->kind;
    *item_out = span_of((const uint8_t *)(item + 1), item->len);
    return true;
}

void tap_queue_drop(struct tap_queue *q)
{
    uint64_t head = atomic_load_explicit(&q->consumer.head, memory_order_relaxed);

    atomic_store_explicit(&q->consumer.head, head + room_for(item_at(q, head)->len),
                          memory_order_release);
}
