/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_FRAME_QUEUE_H
#define DATAPLANE_NET_FRAME_QUEUE_H

#include "dataplane/port/frame_pool.h"

/* Frames on their way out, oldest first. One worker's; what the port does not take stays for the next turn. */
enum { FRAME_QUEUE = 512 };

struct frame_queue {
    uint32_t count;
    struct rte_mbuf *frames[FRAME_QUEUE];
};

static inline uint32_t frame_queue_room(const struct frame_queue *q)
{
    return FRAME_QUEUE - q->count;
}

/* False when full: the frame stays the caller's. */
static inline bool frame_queue_put(struct frame_queue *q, struct rte_mbuf *frame)
{
    if (q->count == FRAME_QUEUE)
        return false;
    q->frames[q->count++] = frame;
    return true;
}

/* Drops the first `n`, which somebody took. */
static inline void frame_queue_taken(struct frame_queue *q, uint32_t n)
{
    q->count -= n;
    memmove(q->frames, q->frames + n, q->count * sizeof(q->frames[0]));
}

#endif
