/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_FRAME_POOL_H
#define DATAPLANE_PORT_FRAME_POOL_H

#include <rte_mbuf.h>

#include "proto/base/span.h"

/* gcc's word for the address sanitizer, and clang's. */
#if defined(__SANITIZE_ADDRESS__)
#define FRAME_POOL_FENCED 1
#elif defined(__has_feature)
#define FRAME_POOL_FENCED __has_feature(address_sanitizer)
#else
#define FRAME_POOL_FENCED 0
#endif

/*
 * The frames of one port, and one worker's hold on them. A received frame lives one turn: after
 * frame_pool_give() its bytes are gone. Where the address sanitizer is on, that is enforced,
 * because a mempool hides it: bytes past a frame's length are poisoned from frame_pool_received()
 * on, a frame that was given back is poisoned whole and kept aside until FRAME_POOL_KEPT others
 * came back, and only then, filled with FRAME_POOL_DEAD, seen by the driver again.
 */
enum {
    FRAME_POOL_DEAD = 0xdb,
#if FRAME_POOL_FENCED
    FRAME_POOL_KEPT = 256,
#else
    FRAME_POOL_KEPT = 0,
#endif
};

/* How a frame came to a worker; in each frame's private room. */
enum frame_way {
    FRAME_WAY_PORT,   /* from a queue of the port; not yet looked at */
    FRAME_WAY_PASSED, /* from another worker: its bytes are this worker's business */
    FRAME_WAY_WHOLE,  /* put together from fragments; its flow may be anybody's */
    FRAME_WAY_LEARN,  /* a copy to learn neighbours from; not to be answered */
};

struct frame_note {
    uint32_t way; /* enum frame_way */
    uint32_t spare;
};

static inline struct frame_note *frame_note(struct rte_mbuf *frame)
{
    return rte_mbuf_to_priv(frame);
}

struct frame_pool {
    struct rte_mempool *mempool;
    uint32_t kept; /* of kept_frames[], as a circle, FRAME_POOL_KEPT at most */
    uint32_t kept_at;
    struct rte_mbuf *kept_frames[FRAME_POOL_KEPT + 1];
};

void frame_pool_init(struct frame_pool *pool, struct rte_mempool *mempool);
/* Lets go of the frames kept aside. */
void frame_pool_fini(struct frame_pool *pool);
/* An empty frame, or NULL when the pool is used up. */
struct rte_mbuf *frame_pool_take(struct frame_pool *pool);
/* Frames fresh from the driver: marks their way and fences them. */
void frame_pool_received(struct rte_mbuf **frames, uint32_t n);
/* Takes the frames, chains whole; the end of their turn. */
void frame_pool_give(struct frame_pool *pool, struct rte_mbuf **frames, uint32_t n);

#endif
