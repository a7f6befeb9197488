/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_prr.h"
#include "tests/harness/check.h"
#include "tests/sim/sim_random.h"

/* Proportional rate reduction (RFC 9937 section 6): windows for sequences of acknowledgements. */
enum { MSS = 1000 };

struct recovery {
    struct tcp_prr prr;
    uint32_t pipe, ssthresh, sent;
};

static void send_all(struct recovery *r, uint32_t cwnd)
{
    while (r->pipe + MSS <= cwnd) {
        r->pipe += MSS;
        r->sent++;
        tcp_prr_sent(&r->prr, MSS);
    }
}

/* One segment arrives; `lost` more are found lost. */
static void acknowledge(struct recovery *r, uint32_t lost, bool safe)
{
    r->pipe -= MSS + lost * MSS;
    send_all(r, tcp_prr_window(&r->prr, MSS, r->pipe, r->ssthresh, MSS, safe));
}

/* One lost of 20, ssthresh 14: 7 sent for each 10 that arrive, and 14 under way at the end. */
static void the_reduction_is_proportional(void)
{
    struct recovery r = {.pipe = 20 * MSS, .ssthresh = 14 * MSS};

    tcp_prr_begin(&r.prr, 20 * MSS, MSS, MSS, 0);
    CHECK(r.prr.flight == 20 * MSS);
    acknowledge(&r, 1, false);
    CHECK(r.sent == 1); /* the fast retransmit goes out at once */
    for (uint32_t i = 1; i < 19; i++) {
        acknowledge(&r, 0, false);
        CHECK(r.sent <= (i + 1) * 7 / 10 + 1);
        CHECK(r.sent >= (i + 1) * 7 / 10 || r.pipe == 14 * MSS);
    }
    CHECK(r.pipe >= 13 * MSS && r.pipe <= 14 * MSS);
}

/* Most of the window lost: never more goes out than arrives, so that nothing bursts. */
static void many_losses_conserve_packets(void)
{
    struct recovery r = {.pipe = 20 * MSS, .ssthresh = 14 * MSS};

    tcp_prr_begin(&r.prr, 20 * MSS, MSS, MSS, 0);
    acknowledge(&r, 15, false);
    CHECK(r.sent == 1 && r.pipe == 5 * MSS);
    for (uint32_t i = 0; i < 4; i++)
        acknowledge(&r, 0, false);
    CHECK(r.sent == 5 && r.pipe == 5 * MSS);
}

/* ... but once SND.UNA moves without news of more losses, one more for each, as in slow start. */
static void safe_acknowledgements_catch_up(void)
{
    struct recovery r = {.pipe = 20 * MSS, .ssthresh = 14 * MSS};

    tcp_prr_begin(&r.prr, 20 * MSS, MSS, MSS, 0);
    acknowledge(&r, 15, false);
    for (uint32_t i = 1; i <= 9; i++) {
        uint32_t before = r.sent;

        acknowledge(&r, 0, true);
        CHECK(r.sent == before + 2);
    }
    CHECK(r.pipe == 14 * MSS);
    for (uint32_t i = 0; i < 5; i++)
        acknowledge(&r, 0, true);
    CHECK(r.pipe == 14 * MSS); /* and not beyond ssthresh */
}

/* What was SACKed before recovery does not count as delivered in it; what the acknowledgement that
 * began it brings does. */
static void recovery_counts_from_its_beginning(void)
{
    struct tcp_prr p;

    tcp_prr_begin(&p, 20 * MSS, 5 * MSS, 2 * MSS, 0);
    CHECK(p.flight == 17 * MSS);
    tcp_prr_begin(&p, 18 * MSS, 2 * MSS, 2 * MSS, 3 * MSS);
    CHECK(p.flight == 21 * MSS && p.delivered == 0 && p.out == 0);
    tcp_prr_begin(&p, 0, 0, 0, 0);
    CHECK(p.flight > 0); /* is divided by */
}

static void the_first_segment_always_goes(void)
{
    struct tcp_prr p;

    tcp_prr_begin(&p, 20 * MSS, 0, 0, 0);
    CHECK(tcp_prr_window(&p, 0, 30 * MSS, 14 * MSS, MSS, false) == 31 * MSS);
    tcp_prr_sent(&p, MSS);
    CHECK(tcp_prr_window(&p, 0, 30 * MSS, 14 * MSS, MSS, false) == 30 * MSS);
}

/* RFC 9937 section 7: what goes out in recovery is bounded by what is delivered in it, whatever is
 * lost, in whatever pieces acknowledgements come. */
static void what_goes_out_is_bounded(void)
{
    struct sim_random random = {7};

    for (uint32_t round = 0; round < 2000; round++) {
        uint32_t flight = (2 + (uint32_t)sim_random_below(&random, 200)) * MSS;
        struct recovery r = {.pipe = flight, .ssthresh = flight * 7 / 10};
        uint32_t safe_ones = 0, delivered = 0;

        tcp_prr_begin(&r.prr, flight, 0, 0, 0);
        for (uint32_t i = 0; i < 300 && r.pipe; i++) {
            uint32_t n = 1 + (uint32_t)sim_random_below(&random, 3 * MSS), before, cwnd;
            uint32_t lost =
                sim_random_below(&random, 4) ? 0 : (uint32_t)sim_random_below(&random, 20);
            bool safe = !lost && round % 2 && sim_random_below(&random, 2);

            n = n < r.pipe ? n : r.pipe;
            r.pipe -= n;
            lost = lost * MSS < r.pipe ? lost * MSS : r.pipe;
            r.pipe -= lost;
            before = r.pipe;
            delivered += n;
            safe_ones += safe;
            cwnd = tcp_prr_window(&r.prr, n, r.pipe, r.ssthresh, MSS, safe);
            send_all(&r, cwnd);
            CHECK(r.prr.out <= delivered + (safe_ones + 1) * MSS);
            if (before > r.ssthresh)
                CHECK(r.prr.out <= MSS + (uint64_t)delivered * r.ssthresh / flight + 1);
            else
                CHECK(cwnd <= r.ssthresh || r.prr.out <= MSS);
            CHECK(cwnd >= before);
        }
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(the_reduction_is_proportional);
    CHECK_CASE(many_losses_conserve_packets);
    CHECK_CASE(safe_acknowledgements_catch_up);
    CHECK_CASE(recovery_counts_from_its_beginning);
    CHECK_CASE(the_first_segment_always_goes);
    CHECK_CASE(what_goes_out_is_bounded);
    return check_end();
}
