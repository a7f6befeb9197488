/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_RING_H
#define DATAPLANE_HANDOFF_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A bounded queue of pointers from exactly one producer thread to exactly one consumer thread. The
 * first line is written by the producer, the second by the consumer; each keeps a copy of the
 * other's index so that the shared line is fetched only when the copy says full or empty.
 */
struct ring {
    struct {
        _Atomic uint32_t tail;
        uint32_t head_seen;
    } producer __attribute__((aligned(64)));
    struct {
        _Atomic uint32_t head;
        uint32_t tail_seen;
    } consumer __attribute__((aligned(64)));
    uint32_t mask;
    void *slots[] __attribute__((aligned(64)));
};

/* Room for at least `size` pointers. NULL: no memory. */
struct ring *ring_new(uint32_t size);
void ring_free(struct ring *r);
/* False when full. */
bool ring_put(struct ring *r, void *item);
/* Up to `max` items, oldest first; returns how many. */
uint32_t ring_take(struct ring *r, void **items_out, uint32_t max);
/* From the consumer's side. */
bool ring_empty(struct ring *r);
/* From any thread: how many items there were a moment ago. */
uint32_t ring_count(const struct ring *r);

#endif
