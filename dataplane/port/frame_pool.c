/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port/frame_pool.h"

#if FRAME_POOL_FENCED
#include <sanitizer/asan_interface.h>
#endif

void frame_pool_init(struct frame_pool *pool, struct rte_mempool *mempool)
{
    *pool = (struct frame_pool){.mempool = mempool};
}

struct rte_mbuf *frame_pool_take(struct frame_pool *pool)
{
    struct rte_mbuf *frame = rte_pktmbuf_alloc(pool->mempool);

    if (frame)
        *frame_note(frame) = (struct frame_note){.way = FRAME_WAY_PORT};
    return frame;
}

#if FRAME_POOL_FENCED

/* What the sanitizer's own functions see: everything behind the bytes that were received. */
static void fence(struct rte_mbuf *segment)
{
    uint8_t *end = rte_pktmbuf_mtod_offset(segment, uint8_t *, segment->data_len);

    ASAN_POISON_MEMORY_REGION(end, (uint8_t *)segment->buf_addr + segment->buf_len - end);
}

static void open_up(struct rte_mbuf *segment)
{
    ASAN_UNPOISON_MEMORY_REGION(segment->buf_addr, segment->buf_len);
    memset(segment->buf_addr, FRAME_POOL_DEAD, segment->buf_len);
}

void frame_pool_received(struct rte_mbuf **frames, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        *frame_note(frames[i]) = (struct frame_note){.way = FRAME_WAY_PORT};
        for (struct rte_mbuf *s = frames[i]; s; s = s->next)
            fence(s);
    }
}

/*
 * The driver copies into free frames with library functions that the sanitizer watches, so a frame
 * may not be poisoned while it lies in the pool. It is while it waits here.
 */
static void keep_aside(struct frame_pool *pool, struct rte_mbuf *frame)
{
    for (struct rte_mbuf *s = frame; s; s = s->next)
        ASAN_POISON_MEMORY_REGION(s->buf_addr, s->buf_len);
    if (pool->kept == FRAME_POOL_KEPT) {
        struct rte_mbuf *oldest = pool->kept_frames[pool->kept_at];

        for (struct rte_mbuf *s = oldest; s; s = s->next)
            open_up(s);
        rte_pktmbuf_free(oldest);
        pool->kept--;
    }
    pool->kept_frames[pool->kept_at] = frame;
    pool->kept_at = (pool->kept_at + 1) % FRAME_POOL_KEPT;
    pool->kept++;
}

void frame_pool_give(struct frame_pool *pool, struct rte_mbuf **frames, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        keep_aside(pool, frames[i]);
}

void frame_pool_fini(struct frame_pool *pool)
{
    while (pool->kept) {
        uint32_t at = (pool->kept_at + FRAME_POOL_KEPT - pool->kept) % FRAME_POOL_KEPT;

        for (struct rte_mbuf *s = pool->kept_frames[at]; s; s = s->next)
            open_up(s);
        rte_pktmbuf_free(pool->kept_frames[at]);
        pool->kept--;
    }
}

#else

void frame_pool_received(struct rte_mbuf **frames, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        *frame_note(frames[i]) = (struct frame_note){.way = FRAME_WAY_PORT};
}

void frame_pool_give(struct frame_pool *pool, struct rte_mbuf **frames, uint32_t n)
{
    (void)pool;
    rte_pktmbuf_free_bulk(frames, n);
}

void frame_pool_fini(struct frame_pool *pool)
{
    (void)pool;
}

#endif
