/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>

#include "dataplane/tcp/tcp_congestion.h"
#include "tests/harness/check.h"

/* CUBIC (RFC 9438) against its formulas in floating point, and HyStart++ (RFC 9406). */

static uint64_t state = 3;

static uint32_t random_below(uint32_t n)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 33) % n;
}

static void the_cube_root_is_exact(void)
{
    for (uint64_t r = 0; r < 2000; r++)
        CHECK(tcp_cubic_root(r * r * r) == r && (r == 0 || tcp_cubic_root(r * r * r - 1) == r - 1));
    for (int i = 0; i < 100000; i++) {
        uint64_t x =
            ((uint64_t)random_below(1u << 31) << 32 | random_below(UINT32_MAX)) >> random_below(60);
        uint64_t r = tcp_cubic_root(x);

        if (!CHECK(r * r * r <= x && (r == 2097151 || (r + 1) * (r + 1) * (r + 1) > x)))
            return;
    }
}

/* Section 4.2, figures 1 and 2: W_cubic(t) = C*(t-K)^3 + W_max, K = cbrt((W_max - cwnd) / C), in
 * segments. */
static void the_curve_follows_the_formula(void)
{
    static const uint32_t sizes[] = {536, 1460, 9000};

    for (int i = 0; i < 30000; i++) {
        uint32_t mss = sizes[i % 3], w_max = mss * (2 + random_below(50000));
        uint32_t cwnd = mss * 2 + random_below(w_max), ms = random_below(60000);
        double top = cwnd < w_max ? w_max : cwnd;
        double k = cbrt((top - cwnd) / mss / 0.4);
        double want = (0.4 * pow(ms / 1000.0 - k, 3) + top / mss) * mss, near;
        struct tcp_cubic c = {0};

        tcp_cubic_begin(&c, cwnd, w_max, mss, 77);
        /* K is cut to a millisecond: the error grows with the slope. */
        near = 2 * mss + 0.4 * 3 * pow(ms / 1000.0 - k, 2) * 0.001 * mss;
        want = want < 0 ? 0 : want;
        if (want > 1 << 30 || fabs(ms / 1000.0 - k) > 50)
            continue;
        if (!CHECK(fabs(c.k_ms - k * 1000) <= 1) ||
            !CHECK(fabs(tcp_cubic_window(&c, mss, ms) - want) <= near)) {
            printf("# mss %u, W_max %u, cwnd %u, %u ms: %u, not %.0f\n", mss, w_max, cwnd, ms,
                   tcp_cubic_window(&c, mss, ms), want);
            return;
        }
    }
}

struct flow {
    struct tcp_congestion c;
    struct tcp_cubic cubic;
    uint32_t now, rtt;
};

/* A round trip in which all of cwnd is used and acknowledged, two segments at a time. */
static void round_trip(struct flow *f)
{
    uint32_t mss = 1460, left = f->c.cwnd, n = left / (2 * mss) + 1;

    for (uint32_t i = 0; i < n; i++) {
        struct tcp_congestion_ack ack = {.mss = mss, .bytes = left / n, .srtt = f->rtt};

        f->now += f->rtt / n;
        ack.now = f->now;
        tcp_congestion_acked(&f->c, &f->cubic, &ack);
    }
}

/* Sections 4.4 and 4.5: a flow with a long round trip is at W_max after K, and then beyond it. */
static void a_flow_grows_along_the_curve(void)
{
    struct flow f = {.rtt = 100000, .now = 0xfff00000};
    double k;

    tcp_congestion_init(&f.c, 1460, false);
    f.c.cwnd = 1000 * 1460;
    tcp_congestion_reduce(&f.c, &f.cubic, 1460, f.c.cwnd, 0);
    CHECK(f.c.ssthresh == 700 * 1460 && f.c.w_max == 1000 * 1460);
    f.c.cwnd = f.c.ssthresh;
    k = cbrt(300 / 0.4);
    for (int i = 0; i < (int)(k * 10 / 2); i++)
        round_trip(&f);
    CHECK(f.c.cwnd > 950 * 1460 && f.c.cwnd < 975 * 1460); /* half the time: 7/8 of the way */
    for (int i = 0; i < (int)(k * 10 / 2); i++)
        round_trip(&f);
    CHECK(f.c.cwnd > 995 * 1460 && f.c.cwnd < 1003 * 1460);
    for (int i = 0; i < (int)(k * 10); i++)
        round_trip(&f);
    CHECK(f.c.cwnd > 1270 * 1460 && f.c.cwnd < 1310 * 1460);
}

/* Section 4.3: with a short round trip CUBIC is never slower than Reno: 9/17 of a segment a round
 * trip below the window before, one above it. */
static void it_is_not_slower_than_reno(void)
{
    struct flow f = {.rtt = 5000};

    tcp_congestion_init(&f.c, 1460, false);
    f.c.cwnd = 40 * 1460;
    tcp_congestion_reduce(&f.c, &f.cubic, 1460, f.c.cwnd, 0);
    f.c.cwnd = f.c.ssthresh;
    for (int i = 0; i < 17; i++)
        round_trip(&f);
    CHECK(f.c.cwnd > 36 * 1460 && f.c.cwnd < 38 * 1460);
    for (int i = 0; i < 16; i++)
        round_trip(&f);
    CHECK(f.c.cwnd > 47 * 1460 && f.c.cwnd < 58 * 1460);
}

/* Sections 4.6 and 4.7. */
static void it_falls_to_seven_tenths_and_converges_fast(void)
{
    struct tcp_cubic c = {0};

    CHECK(tcp_cubic_threshold(100000, 1460) == 70000);
    CHECK(tcp_cubic_threshold(1000, 1460) == 2920);
    CHECK(tcp_cubic_reduce(&c, 100000, 90000) == 100000);
    CHECK(tcp_cubic_reduce(&c, 80000, 100000) == 68000); /* (1 + beta) / 2 of cwnd */
    CHECK(!c.running && c.cwnd_prior == 80000);
}

/* An epoch that begins anew on the way up goes on along the same curve. */
static void a_pause_does_not_leave_the_curve(void)
{
    for (uint32_t at = 0; at < 6000; at += 500) {
        struct tcp_cubic a = {0}, b = {0};
        uint32_t cwnd;

        tcp_cubic_begin(&a, 700 * 1460, 1000 * 1460, 1460, 0);
        cwnd = tcp_cubic_window(&a, 1460, at);
        tcp_cubic_begin(&b, cwnd, 1000 * 1460, 1460, 99);
        for (uint32_t ms = 0; ms < 2000; ms += 100) {
            int64_t apart =
                (int64_t)tcp_cubic_window(&a, 1460, at + ms) - tcp_cubic_window(&b, 1460, ms);

            CHECK(apart > -1460 && apart < 1460);
        }
    }
}

static void nothing_overflows(void)
{
    for (int i = 0; i < 200000; i++) {
        struct tcp_cubic c = {0};
        uint32_t mss = 64 + random_below(9000 - 64), cwnd = mss + random_below((1 << 30) - mss);
        uint32_t now = random_below(UINT32_MAX), bytes = random_below(UINT32_MAX), w;

        tcp_cubic_begin(&c, cwnd, random_below(1 << 30), mss, now - random_below(UINT32_MAX));
        w = tcp_cubic_acked(&c, cwnd, mss, bytes, random_below(60000000), now);
        if (!CHECK(w >= cwnd && w <= 1 << 30 && w <= 2 * (uint64_t)cwnd + mss))
            return;
    }
}

static enum tcp_hystart_phase one_round(struct tcp_hystart *h, uint32_t *at, uint32_t rtt)
{
    enum tcp_hystart_phase phase = HYSTART_SLOW_START;

    for (int i = 1; i <= 10; i++)
        phase = tcp_hystart_acked(h, *at + (uint32_t)i * 1000, *at + 20000, rtt);
    *at += 20000;
    return tcp_hystart_acked(h, *at, *at + 20000, 0) > phase ? HYSTART_DONE : phase;
}

/* RFC 9406 section 4.2 */
static void slow_start_ends_when_the_round_trip_grows(void)
{
    struct tcp_hystart h;
    uint32_t at = 0xffff0000;

    tcp_hystart_init(&h, at);
    CHECK(one_round(&h, &at, 20000) == HYSTART_SLOW_START);
    CHECK(one_round(&h, &at, 23000) == HYSTART_SLOW_START); /* less than 4 ms more */
    CHECK(one_round(&h, &at, 27500) == HYSTART_CONSERVATIVE);
    CHECK(one_round(&h, &at, 20000) == HYSTART_SLOW_START); /* it was a passing thing */
    CHECK(one_round(&h, &at, 30000) == HYSTART_CONSERVATIVE);
    for (int i = 0; i < 3; i++)
        CHECK(one_round(&h, &at, 31000) == HYSTART_CONSERVATIVE);
    CHECK(one_round(&h, &at, 31000) == HYSTART_DONE); /* five rounds */
}

static void conservative_slow_start_is_a_quarter_as_fast(void)
{
    struct tcp_congestion c;
    struct tcp_congestion_ack ack = {.mss = 1000, .bytes = 8000};

    tcp_congestion_init(&c, 1000, false);
    ack.phase = HYSTART_CONSERVATIVE;
    tcp_congestion_acked(&c, NULL, &ack);
    CHECK(c.cwnd == 12000);
    ack.phase = HYSTART_DONE;
    tcp_congestion_acked(&c, NULL, &ack);
    CHECK(c.ssthresh == c.cwnd);
}

int main(void)
{
    check_begin();
    CHECK_CASE(the_cube_root_is_exact);
    CHECK_CASE(the_curve_follows_the_formula);
    CHECK_CASE(a_flow_grows_along_the_curve);
    CHECK_CASE(it_is_not_slower_than_reno);
    CHECK_CASE(it_falls_to_seven_tenths_and_converges_fast);
    CHECK_CASE(a_pause_does_not_leave_the_curve);
    CHECK_CASE(nothing_overflows);
    CHECK_CASE(slow_start_ends_when_the_round_trip_grows);
    CHECK_CASE(conservative_slow_start_is_a_quarter_as_fast);
    return check_end();
}
