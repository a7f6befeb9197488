/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_congestion.h"

static const uint32_t cwnd_max = 1u << 30;

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* min (10*MSS, max (2*MSS, 14600)) */
uint32_t tcp_congestion_initial(uint32_t mss)
{
    return least(10 * mss, most(2 * mss, 14600));
}

void tcp_congestion_init(struct tcp_congestion *c, uint32_t mss, bool syn_lost)
{
    *c = (struct tcp_congestion){.cwnd = syn_lost ? mss : tcp_congestion_initial(mss),
                                 .ssthresh = cwnd_max};
}

void tcp_congestion_idle(struct tcp_congestion *c, uint32_t mss)
{
    c->cwnd = least(c->cwnd, tcp_congestion_initial(mss));
}

/*
 * Differs from RFC 5681 section 3.1 and RFC 9406 section 4.2, which grow by at most one segment, or
 * eight, for each acknowledgement: receivers that merge segments send one for many. All bytes count
 * (RFC 3465), so that cwnd at most doubles in a round trip.
 */
static void slow_start(struct tcp_congestion *c, const struct tcp_congestion_ack *a)
{
    uint32_t grow = least(a->bytes, c->cwnd);

    if (a->phase == HYSTART_CONSERVATIVE)
        grow /= HYSTART_CSS_DIVISOR;
    c->cwnd = least(c->cwnd + grow, most(c->ssthresh, c->cwnd + a->mss));
    if (a->phase == HYSTART_DONE)
        c->ssthresh = c->cwnd;
}

/* RFC 5681 section 3.1, equation 3, by bytes: one segment a round trip */
static void reno_acked(struct tcp_congestion *c, const struct tcp_congestion_ack *a)
{
    uint64_t grow = (uint64_t)a->mss * least(a->bytes, c->cwnd) / c->cwnd;

    c->cwnd += grow ? (uint32_t)grow : 1;
}

void tcp_congestion_acked(struct tcp_congestion *c, struct tcp_cubic *cubic,
                          const struct tcp_congestion_ack *a)
{
    if (c->cwnd < c->ssthresh) {
        slow_start(c, a);
    } else if (!cubic) {
        reno_acked(c, a);
    } else {
        if (!cubic->running)
            tcp_cubic_begin(cubic, c->cwnd, c->w_max, a->mss, a->now);
        c->cwnd = tcp_cubic_acked(cubic, c->cwnd, a->mss, a->bytes, a->srtt, a->now);
    }
    c->cwnd = least(c->cwnd, cwnd_max);
}

void tcp_congestion_reduce(struct tcp_congestion *c, struct tcp_cubic *cubic, uint32_t mss,
                           uint32_t flight, uint32_t sent)
{
    if (cubic) {
        c->w_max = tcp_cubic_reduce(cubic, c->cwnd, c->w_max);
        c->ssthresh = tcp_cubic_threshold(flight, mss);
    } else {
        c->ssthresh = most(flight / 2, 2 * mss); /* RFC 5681 section 3.1, equation 4 */
    }
    c->recover = sent;
}

void tcp_congestion_inflate(struct tcp_congestion *c, uint32_t mss)
{
    c->cwnd = c->ssthresh + 3 * mss;
}

void tcp_congestion_duplicate(struct tcp_congestion *c, uint32_t mss)
{
    c->cwnd = least(c->cwnd + mss, cwnd_max);
}

/* RFC 6582 section 3.2 step 3 */
void tcp_congestion_partial(struct tcp_congestion *c, uint32_t mss, uint32_t bytes)
{
    c->cwnd -= least(c->cwnd, bytes);
    if (bytes >= mss)
        c->cwnd += mss;
    c->cwnd = most(c->cwnd, mss);
}

void tcp_congestion_recovered(struct tcp_congestion *c, uint32_t mss, uint32_t flight)
{
    /* RFC 6582 section 3.2 step 3, full acknowledgements, option 1: no burst */
    c->cwnd = least(c->ssthresh, most(flight, mss) + mss);
}
