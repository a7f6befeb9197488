/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/ring.h"

#include <stdlib.h>

struct ring *ring_new(uint32_t size)
{
    uint32_t slots = 1;
    struct ring *r;
    size_t bytes;

    while (slots < size)
        slots *= 2;
    bytes = sizeof(*r) + slots * sizeof(void *);
    r = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!r)
        return NULL;
    *r = (struct ring){.mask = slots - 1};
    return r;
}

void ring_free(struct ring *r)
{
    free(r);
}

bool ring_put(struct ring *r, void *item)
{
    uint32_t tail = atomic_load_explicit(&r->producer.tail, memory_order_relaxed);

    if (tail - r->producer.head_seen > r->mask) {
        r->producer.head_seen = atomic_load_explicit(&r->consumer.head, memory_order_acquire);
        if (tail - r->producer.head_seen > r->mask)
            return false;
    }
    r->slots[tail & r->mask] = item;
    atomic_store_explicit(&r->producer.tail, tail + 1, memory_order_release);
    return true;
}

uint32_t ring_take(struct ring *r, void **items_out, uint32_t max)
{
    uint32_t head = atomic_load_explicit(&r->consumer.head, memory_order_relaxed);
    uint32_t n = 0;

    if (head == r->consumer.tail_seen)
        r->consumer.tail_seen = atomic_load_explicit(&r->producer.tail, memory_order_acquire);
    while (n < max && head != r->consumer.tail_seen)
        items_out[n++] = r->slots[head++ & r->mask];
    atomic_store_explicit(&r->consumer.head, head, memory_order_release);
    return n;
}

bool ring_empty(struct ring *r)
{
    return atomic_load_explicit(&r->consumer.head, memory_order_relaxed) ==
           atomic_load_explicit(&r->producer.tail, memory_order_acquire);
}

uint32_t ring_count(const struct ring *r)
{
    /* The head first: it cannot pass the tail that is read after it. */
    uint32_t head = atomic_load_explicit(&r->consumer.head, memory_order_acquire);

    return atomic_load_explicit(&r->producer.tail, memory_order_acquire) - head;
}
