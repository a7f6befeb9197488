/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/rough_line.h"
#include "tests/net/net_rig.h"

static struct rig *rig;

static struct rte_mbuf *numbered(uint32_t number)
{
    return rig_frame(rig, span_of(&number, sizeof(number)), 0);
}

static uint32_t number_of(const struct rte_mbuf *frame)
{
    uint32_t number;

    memcpy(&number, rte_pktmbuf_mtod(frame, uint8_t *), sizeof(number));
    return number;
}

/* One in ten goes, the same ones for the same seed, and each way has its own. */
static void losses_come_from_the_seed(void)
{
    struct rough_line_options o = {.loss = 0.1, .seed = 7, .buffers = 16};
    struct rough_line *a = rough_line_new(&o, 0), *b = rough_line_new(&o, 0);
    uint32_t through = 0;

    for (uint32_t i = 0; i < 5000; i++) {
        struct rte_mbuf *one = numbered(i), *other = numbered(i);
        uint32_t n = rough_line_in(a, &rig->pool, &one, 1, 1, i);

        CHECK(n == rough_line_in(b, &rig->pool, &other, 1, 1, i));
        through += n;
        if (n) {
            frame_pool_give(&rig->pool, &one, 1);
            frame_pool_give(&rig->pool, &other, 1);
        }
    }
    CHECK(through > 4400 && through < 4600);
    CHECK(rough_line_counts(a)->lost[ROUGH_LINE_IN] == 5000 - through);
    CHECK(rough_line_counts(a)->lost[ROUGH_LINE_OUT] == 0);
    rough_line_free(a, &rig->pool);
    rough_line_free(b, &rig->pool);
}

/* Whatever the jitter, they come in order, none before its time and none much after. */
static void delays_keep_the_order(void)
{
    struct rough_line_options o = {.delay_us = 1000, .jitter_us = 500, .seed = 1, .buffers = 2048};
    struct rough_line *line = rough_line_new(&o, 1);
    struct frame_queue from = {0}, to = {0};
    uint32_t next = 0;
    uint64_t late = 0;

    for (uint64_t now = 0; next < 2000 && now < 10000; now += 5) {
        if (now < 10000 && now / 5 < 2000)
            frame_queue_put(&from, numbered((uint32_t)(now / 5)));
        rough_line_out(line, &rig->pool, &from, &to, now);
        CHECK(from.count == 0 && rough_line_next(line) > now);
        for (uint32_t i = 0; i < to.count; i++) {
            uint64_t sent = 5 * (uint64_t)number_of(to.frames[i]);

            CHECK(number_of(to.frames[i]) == next++);
            CHECK(now - sent >= 500 && now - sent <= 1505);
            late += now - sent > 1400;
            frame_pool_give(&rig->pool, &to.frames[i], 1);
        }
        frame_queue_taken(&to, to.count);
    }
    CHECK(next > 1600 && late > 0);
    rough_line_free(line, &rig->pool); /* with what still waits */
}

static void what_waits_is_bounded(void)
{
    struct rough_line_options o = {.delay_us = 1000, .seed = 1, .buffers = 10};
    struct rough_line *line = rough_line_new(&o, 0);
    struct rte_mbuf *frames[16];

    for (uint32_t i = 0; i < 16; i++)
        frames[i] = numbered(i);
    CHECK(rough_line_in(line, &rig->pool, frames, 16, 16, 5) == 0);
    CHECK(rough_line_counts(line)->full[ROUGH_LINE_IN] == 6);
    CHECK(rough_line_next(line) == 1005);
    CHECK(rough_line_in(line, &rig->pool, frames, 0, 4, 1005) == 4);
    CHECK(number_of(frames[0]) == 0 && number_of(frames[3]) == 3);
    frame_pool_give(&rig->pool, frames, 4);
    CHECK(rough_line_in(line, &rig->pool, frames, 0, 16, 1005) == 6);
    frame_pool_give(&rig->pool, frames, 6);
    CHECK(rough_line_next(line) == UINT64_MAX);
    rough_line_free(line, &rig->pool);
    CHECK(rough_line_buffers(0, 0) == 1024 && rough_line_buffers(5000, 1000) == 6000 &&
          rough_line_buffers(1000000, 0) == 16384);
}

int main(void)
{
    struct net_options o = rig_options();

    rig_environment(NULL);
    rig = rig_new(&o);
    check_begin();
    CHECK_CASE(losses_come_from_the_seed);
    CHECK_CASE(delays_keep_the_order);
    CHECK_CASE(what_waits_is_bounded);
    rig_free(rig);
    return check_end();
}
