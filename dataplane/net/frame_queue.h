/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_FRAME_QUEUE_H
#define DATAPLANE_NET_FRAME_QUEUE_H

#include "dataplane/port/frame_pool.h"

/*
 * Frames on their way out, oldest first. One worker's; what the port does not take stays for the
 * next turn. The bound is one of buffers, since a frame may be a chain of many: so the queue never
 * holds more of the pool than the pool's size allows for.
 */
enum { FRAME_QUEUE = 512 };

struct frame_queue {
    uint32_t count;
    uint32_t buffers; /* that the frames are made of, FRAME_QUEUE at most */
    struct rte_mbuf *frames[FRAME_QUEUE];
    uint16_t size[FRAME_QUEUE]; /* buffers of each: a frame that was taken tells no more */
};

/* Buffers there is room for. */
static inline uint32_t frame_queue_room(const struct frame_queue *q)
{
    return FRAME_QUEUE - q->buffers;
}

/* False when full: the frame stays the caller's. */
static inline bool frame_queue_put(struct frame_queue *q, struct rte_mbuf *frame)
{
    if (frame->nb_segs > frame_queue_room(q))
        return false;
    q->size[q->count] = frame->nb_segs;
    q->buffers += frame->nb_segs;
    q->frames[q->count++] = frame;
    return true;
}

/* Drops the first `n`, which somebody took. */
static inline void frame_queue_taken(struct frame_queue *q, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        q->buffers -= q->size[i];
    q->count -= n;
    memmove(q->frames, q->frames + n, q->count * sizeof(q->frames[0]));
    memmove(q->size, q->size + n, q->count * sizeof(q->size[0]));
}

#endif
