/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/rough_line.h"

#include <stdlib.h>

#include "proto/base/chance.h"

enum { BUFFERS_LEAST = 1024, BUFFERS_MOST = 16384 };

struct waiting {
    struct rte_mbuf *frame;
    uint64_t due;
};

/* One way: a circle of frames in the order in which they came. */
struct way {
    struct waiting *waits;
    uint32_t first, count, buffers;
    uint64_t last; /* when the last one is due */
    struct chance chance;
};

struct rough_line {
    struct rough_line_options options;
    struct way ways[ROUGH_LINE_WAYS];
    struct rough_line_counts counts;
};

uint32_t rough_line_buffers(uint64_t delay_us, uint64_t jitter_us)
{
    uint64_t frames = delay_us + jitter_us; /* 1500 bytes a microsecond */

    if (frames < BUFFERS_LEAST)
        return BUFFERS_LEAST;
    return frames < BUFFERS_MOST ? (uint32_t)frames : BUFFERS_MOST;
}

struct rough_line *rough_line_new(const struct rough_line_options *o, uint32_t worker)
{
    struct rough_line *l = calloc(1, sizeof(*l));
    bool ok = l != NULL;

    for (uint32_t i = 0; ok && i < ROUGH_LINE_WAYS; i++) {
        l->ways[i].waits = calloc(o->buffers, sizeof(*l->ways[i].waits));
        l->ways[i].chance.state = o->seed ^ ((uint64_t)worker << 32 | i);
        ok = l->ways[i].waits != NULL;
    }
    if (!ok) {
        rough_line_free(l, NULL);
        return NULL;
    }
    l->options = *o;
    return l;
}

/* The first one is taken out. */
static struct rte_mbuf *take(struct rough_line *l, struct way *w)
{
    struct rte_mbuf *frame = w->waits[w->first].frame;

    w->first = (w->first + 1) % l->options.buffers;
    w->count--;
    w->buffers -= frame->nb_segs;
    return frame;
}

void rough_line_free(struct rough_line *l, struct frame_pool *pool)
{
    if (!l)
        return;
    for (uint32_t i = 0; i < ROUGH_LINE_WAYS; i++) {
        while (l->ways[i].count) {
            struct rte_mbuf *frame = take(l, &l->ways[i]);

            frame_pool_give(pool, &frame, 1);
        }
        free(l->ways[i].waits);
    }
    free(l);
}

/* Evenly from 0 to 1, which is not included. */
static double even(struct way *w)
{
    return (double)(chance_next(&w->chance) >> 11) / 9007199254740992.0;
}

static uint64_t due(const struct rough_line *l, struct way *w, uint64_t now)
{
    double jitter = (double)l->options.jitter_us * (2 * even(w) - 1);
    double delay = (double)l->options.delay_us + jitter;
    uint64_t at = now + (delay > 0 ? (uint64_t)delay : 0);

    w->last = at > w->last ? at : w->last;
    return w->last;
}

/* False: it is lost, and stays the caller's. */
static bool put(struct rough_line *l, enum rough_line_way way, struct rte_mbuf *frame, uint64_t now)
{
    struct way *w = &l->ways[way];

    if (l->options.loss > 0 && even(w) < l->options.loss) {
        l->counts.lost[way]++;
        return false;
    }
    if (frame->nb_segs > l->options.buffers - w->buffers) {
        l->counts.full[way]++;
        return false;
    }
    w->waits[(w->first + w->count) % l->options.buffers] = (struct waiting){frame, due(l, w, now)};
    w->count++;
    w->buffers += frame->nb_segs;
    return true;
}

static bool is_due(const struct way *w, uint64_t now)
{
    return w->count && w->waits[w->first].due <= now;
}

uint32_t rough_line_in(struct rough_line *l, struct frame_pool *pool, struct rte_mbuf **frames,
                       uint32_t n, uint32_t max, uint64_t now)
{
    struct way *w = &l->ways[ROUGH_LINE_IN];

    for (uint32_t i = 0; i < n; i++)
        if (!put(l, ROUGH_LINE_IN, frames[i], now))
            frame_pool_give(pool, &frames[i], 1);
    for (n = 0; n < max && is_due(w, now); n++)
        frames[n] = take(l, w);
    return n;
}

void rough_line_out(struct rough_line *l, struct frame_pool *pool, struct frame_queue *from,
                    struct frame_queue *to, uint64_t now)
{
    struct way *w = &l->ways[ROUGH_LINE_OUT];

    for (uint32_t i = 0; i < from->count; i++)
        if (!put(l, ROUGH_LINE_OUT, from->frames[i], now))
            frame_pool_give(pool, &from->frames[i], 1);
    frame_queue_taken(from, from->count);
    while (is_due(w, now) && w->waits[w->first].frame->nb_segs <= frame_queue_room(to))
        frame_queue_put(to, take(l, w));
}

uint64_t rough_line_next(const struct rough_line *l)
{
    uint64_t next = UINT64_MAX;

    for (uint32_t i = 0; i < ROUGH_LINE_WAYS; i++)
        if (l->ways[i].count && l->ways[i].waits[l->ways[i].first].due < next)
            next = l->ways[i].waits[l->ways[i].first].due;
    return next;
}

const struct rough_line_counts *rough_line_counts(const struct rough_line *l)
{
    return &l->counts;
}
