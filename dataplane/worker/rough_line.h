/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_ROUGH_LINE_H
#define DATAPLANE_WORKER_ROUGH_LINE_H

#include "dataplane/net/frame_queue.h"

/*
 * Between a worker's IP and its port: a line that loses frames and takes its time, on purpose, each
 * way by itself. All from a seed. Frames keep their order, whatever the jitter. What waits is
 * bounded; what finds no room is dropped and counted.
 */
struct rough_line_options {
    double loss;                  /* of 1: the share of the frames that are lost */
    uint64_t delay_us, jitter_us; /* each way: delay_us, and evenly up to jitter_us more or less */
    uint64_t seed;
    uint32_t buffers; /* that wait each way at most */
};

enum rough_line_way { ROUGH_LINE_IN, ROUGH_LINE_OUT, ROUGH_LINE_WAYS };

/* Frames dropped, by way. */
struct rough_line_counts {
    uint64_t lost[ROUGH_LINE_WAYS], full[ROUGH_LINE_WAYS];
};

struct rough_line;

/* Whether the options ask for a line that is not perfect. */
static inline bool rough_line_is_wanted(const struct rough_line_options *o)
{
    return o->loss > 0 || o->delay_us || o->jitter_us;
}
/* Buffers for a line of 12 Gbit/s, between 1024 and 16384. */
uint32_t rough_line_buffers(uint64_t delay_us, uint64_t jitter_us);
/* NULL: no memory. `worker` makes the chance its own. */
struct rough_line *rough_line_new(const struct rough_line_options *options, uint32_t worker);
/* Gives back what waits. */
void rough_line_free(struct rough_line *line, struct frame_pool *pool);
/* Frames that came in go into the line, and those that are due come out into the same array, `max`
 * of them at most. Returns how many. */
uint32_t rough_line_in(struct rough_line *line, struct frame_pool *pool, struct rte_mbuf **frames,
                       uint32_t n, uint32_t max, uint64_t now);
/* All of `from` goes into the line; those that are due come out to `to`, as it has room. */
void rough_line_out(struct rough_line *line, struct frame_pool *pool, struct frame_queue *from,
                    struct frame_queue *to, uint64_t now);
/* When the next one is due; UINT64_MAX: nothing waits. */
uint64_t rough_line_next(const struct rough_line *line);
const struct rough_line_counts *rough_line_counts(const struct rough_line *line);

#endif
