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

/* RFC 6928 section 2: min (10*MSS, max (2*MSS, 14600)) */
static uint32_t initial_window(uint32_t mss)
{
    return least(10 * mss, most(2 * mss, 14600));
}

void tcp_congestion_init(struct tcp_congestion *c, uint32_t mss, bool syn_lost)
{
    *c = (struct tcp_congestion){.cwnd = syn_lost ? mss : initial_window(mss), .ssthresh = cwnd_max};
}

void tcp_congestion_idle(struct tcp_congestion *c, uint32_t mss)
{
    c->cwnd = least(c->cwnd, initial_window(mss));
}

void tcp_congestion_acked(struct tcp_congestion *c, uint32_t mss, uint32_t bytes)
{
    if (c->cwnd < c->ssthresh) {
        /*
         * Differs from RFC 5681 section 3.1, which grows by one segment for each acknowledgement: receivers that merge
         * segments send one for many. All bytes count (RFC 3465), so that cwnd at most doubles in a round trip.
         */
        c->cwnd = least(c->cwnd + least(bytes, c->cwnd), most(c->ssthresh, c->cwnd + mss));
    } else {
        c->acked += bytes;
        if (c->acked >= c->cwnd) { /* section 3.1: one segment a round trip */
            c->acked -= c->cwnd;
            c->cwnd += mss;
        }
    }
    c->cwnd = least(c->cwnd, cwnd_max);
}

/* RFC 5681 section 3.1 (4) */
static uint32_t half(uint32_t flight, uint32_t mss)
{
    return most(flight / 2, 2 * mss);
}

void tcp_congestion_loss(struct tcp_congestion *c, uint32_t mss, uint32_t flight, uint32_t sent)
{
    c->ssthresh = half(flight, mss);
    c->cwnd = c->ssthresh + 3 * mss;
    c->recover = sent;
    c->acked = 0;
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
    c->acked = 0;
}

void tcp_congestion_timeout(struct tcp_congestion *c, uint32_t mss, uint32_t flight, bool first)
{
    if (first)
        c->ssthresh = half(flight, mss);
    c->cwnd = mss; /* section 3.1 (5): the loss window */
    c->acked = 0;
}
