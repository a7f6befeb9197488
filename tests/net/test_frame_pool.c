/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/net/net_rig.h"

static struct rig *rig;

static uint32_t sum_of(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    return sum;
}

static volatile uint32_t seen;

static void reading_a_frame_to_its_end_is_fine(void)
{
    uint8_t bytes[61] = {1, 2, 3};

    for (uint32_t len = 1; len <= sizeof(bytes); len++) {
        struct rte_mbuf *frame = rig_frame(rig, span_of(bytes, len), 0);

        seen = sum_of(rte_pktmbuf_mtod(frame, uint8_t *), len);
        frame_pool_give(&rig->pool, &frame, 1);
    }
    CHECK(seen == 6);
}

/* Enough frames pass for every one of them to come back from the circle, and be written to again.
 */
static void frames_come_back_to_the_pool_writable(void)
{
    uint8_t bytes[100] = {7};

    for (int i = 0; i < 20000; i++) {
        struct rte_mbuf *frame = rig_frame(rig, span_of(bytes, sizeof(bytes)), i % 3 ? 0 : 33);

        if (!CHECK(frame))
            return;
        frame_pool_give(&rig->pool, &frame, 1);
    }
}

#if FRAME_POOL_FENCED

static void reading_past_a_frames_length(void)
{
    uint8_t bytes[61] = {1};
    struct rte_mbuf *frame = rig_frame(rig, span_of(bytes, sizeof(bytes)), 0);

    seen = sum_of(rte_pktmbuf_mtod(frame, uint8_t *), sizeof(bytes) + 1);
}

static void reading_a_frame_after_its_turn(void)
{
    uint8_t bytes[61] = {1};
    struct rte_mbuf *frame = rig_frame(rig, span_of(bytes, sizeof(bytes)), 0);
    const uint8_t *at = rte_pktmbuf_mtod(frame, uint8_t *);

    frame_pool_give(&rig->pool, &frame, 1);
    seen = at[0];
}

static void copying_past_a_later_piece(void)
{
    uint8_t bytes[61] = {1}, out[64];
    struct rte_mbuf *frame = rig_frame(rig, span_of(bytes, sizeof(bytes)), 40);

    memcpy(out, rte_pktmbuf_mtod(frame->next, uint8_t *), 22 + seen * 0);
    seen = out[21];
}

#else

static void misuse_dies(void)
{
    check_skip("frames are fenced only with the address sanitizer");
}

#endif

int main(void)
{
    struct net_options o = rig_options();

    rig_environment(NULL);
    rig = rig_new(&o);
    check_begin();
    CHECK_CASE(reading_a_frame_to_its_end_is_fine);
    CHECK_CASE(frames_come_back_to_the_pool_writable);
#if FRAME_POOL_FENCED
    CHECK_DIES(reading_past_a_frames_length);
    CHECK_DIES(reading_a_frame_after_its_turn);
    CHECK_DIES(copying_past_a_later_piece);
#else
    CHECK_CASE(misuse_dies);
#endif
    rig_free(rig);
    return check_end();
}
