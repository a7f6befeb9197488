/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_cubic.h"

enum {
    WINDOW_MOST = 1 << 30,
    AWAY_MOST = 50000, /* ms from K; the cube of it times the largest MSS fits 64 bits */
};

uint32_t tcp_cubic_root(uint64_t x)
{
    uint64_t root = 0;

    for (int bit = 20; bit >= 0; bit--) {
        uint64_t try = root | 1ull << bit;

        if (try * try * try <= x)
            root = try;
    }
    return (uint32_t)root;
}

/* C * (away in seconds)^3 segments, in bytes: 0.4 * mss * away^3 / 10^9 */
static uint64_t cube(uint32_t away_ms, uint32_t mss)
{
    uint64_t away = away_ms < AWAY_MOST ? away_ms : AWAY_MOST;

    return away * away * away * 2 * mss / 5000000000ull;
}

uint32_t tcp_cubic_window(const struct tcp_cubic *c, uint32_t mss, uint32_t ms)
{
    uint64_t w;

    if (ms < c->k_ms) {
        w = cube(c->k_ms - ms, mss);
        return w < c->origin ? c->origin - (uint32_t)w : 0;
    }
    w = c->origin + cube(ms - c->k_ms, mss);
    return w < WINDOW_MOST ? (uint32_t)w : WINDOW_MOST;
}

void tcp_cubic_begin(struct tcp_cubic *c, uint32_t cwnd, uint32_t w_max, uint32_t mss, uint32_t now)
{
    c->epoch = now;
    c->running = true;
    c->credit = 0;
    c->w_est = (uint64_t)cwnd << 16;
    if (cwnd < w_max) { /* section 4.2: K is the cube root of (W_max - cwnd_epoch) / C */
        c->origin = w_max;
        c->k_ms = tcp_cubic_root((uint64_t)(w_max - cwnd) * 2500000000ull / mss);
    } else {
        c->origin = cwnd;
        c->k_ms = 0;
    }
}

/* Section 4.3: Reno's window grows by alpha segments a window. */
static void grow_estimate(struct tcp_cubic *c, uint32_t cwnd, uint32_t mss, uint32_t bytes)
{
    uint64_t step = ((uint64_t)mss << 16) * bytes / cwnd;

    /* alpha is 3 * (1 - beta) / (1 + beta), which is 9/17, until the window before is reached */
    if (c->w_est >> 16 < c->cwnd_prior)
        step = step * 9 / 17;
    c->w_est += step;
    if (c->w_est >> 16 > WINDOW_MOST)
        c->w_est = (uint64_t)WINDOW_MOST << 16;
}

uint32_t tcp_cubic_acked(struct tcp_cubic *c, uint32_t cwnd, uint32_t mss, uint32_t bytes,
                         uint32_t srtt, uint32_t now)
{
    uint32_t ms = (now - c->epoch) / 1000, target;
    uint64_t step;

    bytes = bytes < cwnd ? bytes : cwnd;
    grow_estimate(c, cwnd, mss, bytes);
    if (tcp_cubic_window(c, mss, ms) < c->w_est >> 16) {
        uint32_t w_est = (uint32_t)(c->w_est >> 16);

        return w_est > cwnd ? w_est : cwnd;
    }
    /* section 4.4: what the curve will have reached in a round trip, at most half as much again */
    target = tcp_cubic_window(c, mss, ms + srtt / 1000);
    if (target > cwnd + cwnd / 2)
        target = cwnd + cwnd / 2;
    if (target <= cwnd)
        return cwnd;
    step = ((uint64_t)(target - cwnd) << 16) / cwnd * bytes + c->credit;
    c->credit = (uint32_t)step & 0xffff;
    step = cwnd + (step >> 16);
    return step < WINDOW_MOST ? (uint32_t)step : WINDOW_MOST;
}

void tcp_cubic_pause(struct tcp_cubic *c)
{
    c->running = false;
}

uint32_t tcp_cubic_threshold(uint32_t flight, uint32_t mss)
{
    uint32_t ssthresh = (uint32_t)((uint64_t)flight * 7 / 10);

    return ssthresh > 2 * mss ? ssthresh : 2 * mss;
}

uint32_t tcp_cubic_reduce(struct tcp_cubic *c, uint32_t cwnd, uint32_t w_max)
{
    c->running = false;
    c->cwnd_prior = cwnd;
    /* fast convergence: W_max is cwnd * (1 + beta) / 2 when it has not got back to the last one */
    return cwnd < w_max ? (uint32_t)((uint64_t)cwnd * 85 / 100) : cwnd;
}
