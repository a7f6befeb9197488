/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* RACK-TLP (RFC 8985), and what takes a wrong guess back (RFC 3522, RFC 4015). */
enum { MSS = 1460, FAR = 40000 };

static const struct span none;

/* A flight of segments of 1000 bytes, one a millisecond, from sequence number 0 at time 0. */
static struct tcp_flight flight;

static void fly(uint32_t segments, bool reordering)
{
    memset(&flight, 0, sizeof(flight));
    for (uint32_t i = 0; i < segments; i++)
        tcp_flight_sent(&flight, 0, i * 1000, i * 1000 + 1000, i * 1000);
    tcp_rack_init(&flight.rack, 0, FAR, reordering);
}

/* Segment `i` is SACKed at `now`. */
static void sacked(uint32_t i, uint32_t now)
{
    uint32_t at = 0;

    while (seq_le(flight.sent[at].end, i * 1000))
        at++;
    tcp_rack_begin(&flight.rack);
    tcp_rack_arrived(&flight.rack, i * 1000 + 1000, flight.sent[at].time,
                     flight.sent[at].flags & SENT_RESENT, false, now);
    tcp_flight_sack(&flight, 0, at, i * 1000, i * 1000 + 1000);
    tcp_flight_join(&flight);
}

static uint32_t detect(uint32_t now)
{
    return tcp_rack_detect(&flight, 0, FAR, 1000, now);
}

/* Section 6.2 step 5: later by more than the window of reordering, a quarter of the round trip. */
static void what_was_sent_sufficiently_later_tells(void)
{
    fly(10, false);
    CHECK(detect(39000) == 0 && flight.lost == 0);
    sacked(2, 42000);
    /* The round trip is 40 ms: segment 0 is due at 0 + 40 + 10, segment 1 a millisecond later. */
    CHECK(detect(42000) == 9000 && flight.lost == 0);
    CHECK(detect(50000) == 1000 && flight.lost == 1000);
    CHECK(detect(51000) == 0 && flight.lost == 2000); /* nothing after it */
    CHECK(tcp_flight_pipe(&flight, 0) == 7000);
}

/* Step 4: three SACKed and never any reordering: no window at all, as RFC 5681 has it. */
static void three_segments_tell_at_once(void)
{
    fly(10, false);
    sacked(1, 41000);
    sacked(2, 42000);
    CHECK(detect(42000) > 0 && flight.lost == 0);
    sacked(3, 43000);
    CHECK(detect(43000) == 0 && flight.lost == 1000);
}

static void in_recovery_there_is_no_window(void)
{
    fly(10, false);
    flight.state = FLIGHT_RECOVERY;
    sacked(1, 41000);
    CHECK(detect(41000) == 0 && flight.lost == 1000);
}

/* Step 3: a segment that was never sent again arrives behind a later one. */
static void reordering_is_noticed_and_waited_for(void)
{
    fly(10, false);
    sacked(1, 41000);
    CHECK(!flight.rack.reordering);
    sacked(0, 41500);
    CHECK(flight.rack.reordering);
    sacked(3, 43000);
    sacked(4, 44000);
    sacked(5, 45000);
    CHECK(detect(45000) > 0 && flight.lost == 0); /* three, but the path reorders */
    CHECK(tcp_rack_window(&flight, FAR, 1000) == FAR / 4);
}

/* Step 4: each round with a D-SACK widens it, up to a round trip; 16 recoveries without one narrow
 * it. */
static void duplicates_widen_the_window(void)
{
    fly(10, true);
    CHECK(tcp_rack_window(&flight, FAR, 1000) == FAR / 4);
    tcp_rack_duplicate(&flight.rack, 1000, 10000);
    tcp_rack_duplicate(&flight.rack, 2000, 10000); /* the same round */
    CHECK(tcp_rack_window(&flight, FAR, 1000) == FAR / 2);
    tcp_rack_duplicate(&flight.rack, 10000, 20000);
    CHECK(tcp_rack_window(&flight, FAR, 1000) == FAR / 4 * 3);
    for (uint32_t i = 0; i < 20; i++)
        tcp_rack_duplicate(&flight.rack, 20000 + i * 10000, 30000 + i * 10000);
    CHECK(tcp_rack_window(&flight, FAR, 1000) == FAR);
    for (int i = 0; i < 15; i++)
        tcp_rack_recovered(&flight.rack);
    CHECK(tcp_rack_window(&flight, FAR, 1000) == FAR);
    tcp_rack_recovered(&flight.rack);
    CHECK(tcp_rack_window(&flight, FAR, 1000) == FAR / 4);
}

/* What was sent again and lost again is found by what was sent after it. */
static void a_lost_retransmission_is_found(void)
{
    fly(10, false);
    flight.state = FLIGHT_RECOVERY;
    sacked(1, 41000);
    CHECK(detect(41000) == 0 && flight.lost == 1000);
    tcp_flight_sent(&flight, 0, 0, 1000, 42000);
    tcp_flight_sent(&flight, 0, 10000, 11000, 43000);
    CHECK(flight.lost == 0);
    sacked(9, 49000); /* sent before it: tells nothing */
    CHECK(detect(49000) == 0 && flight.lost == 7000);
    sacked(10, 83000);
    CHECK(detect(83000) == 0 && flight.sent[0].flags == (SENT_RESENT | SENT_LOST));
}

/* Step 2: an acknowledgement that comes too soon is that of the first copy. */
static void the_first_copy_does_not_count_as_the_second(void)
{
    struct tcp_rack r;

    tcp_rack_init(&r, 0, FAR, false);
    tcp_rack_arrived(&r, 1000, 50000, true, false, 51000);
    CHECK(!r.known);
    tcp_rack_arrived(&r, 1000, 50000, true, true, 95000); /* an old timestamp */
    CHECK(!r.known);
    tcp_rack_arrived(&r, 1000, 50000, true, false, 95000);
    CHECK(r.known && r.rtt == 45000 && r.min_rtt == FAR);
}

/* A connection whose peer is FAR away. */
static void begin(struct tcp_raw *r, uint32_t ts)
{
    struct tcp_link_options o = {.seed = 1};

    tcp_raw_init(r, &o);
    r->sack = true;
    r->ts = ts;
    tcp_raw_send(r, TCP_SYN, none);
    r->ack = r->server->last.seq + 1;
    tcp_raw_wait(r, FAR);
    tcp_raw_send(r, TCP_ACK, none);
}

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

/* Waits for the next segment; microseconds. */
static uint64_t until_sent(struct tcp_raw *r)
{
    uint64_t before = r->link->now;
    uint32_t sent = r->server->sent;

    while (r->server->sent == sent && r->link->now < before + 5000000)
        tcp_raw_wait(r, 1000);
    return r->link->now - before;
}

/* Section 7.3: the last segment again, after two round trips, and only then the timeout. */
static void the_tail_is_probed_before_the_timeout(void)
{
    struct tcp_raw r;
    uint64_t after;

    begin(&r, 0);
    tcp_raw_put(&r, 0, 5 * MSS - 100);
    after = until_sent(&r);
    CHECK(after >= 2 * FAR && after <= 2 * FAR + 2000);
    CHECK(r.server->last.seq == r.ack + 4 * MSS - 100 && r.server->last.len == MSS);
    CHECK(counters(&r)->tail_probes == 1 && counters(&r)->timeouts == 0);
    after = until_sent(&r);
    CHECK(after >= 200000 && counters(&r)->timeouts == 1 && r.server->last.seq == r.ack);
    CHECK(counters(&r)->tail_probes == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* ... or new data, if there is some and the window allows; cwnd does not count. */
static void the_probe_prefers_new_data(void)
{
    struct tcp_raw r;

    begin(&r, 0);
    tcp_raw_put(&r, 0, 30 * MSS);
    CHECK(r.server->sent_bytes == 10 * MSS);
    until_sent(&r);
    CHECK(r.server->last.seq == r.ack + 10 * MSS && r.server->last.len == MSS);
    CHECK(counters(&r)->tail_probes == 1 && counters(&r)->retransmitted == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Section 7.2: with one segment out the peer may delay its acknowledgement. */
static void a_single_segment_is_given_the_delay(void)
{
    struct tcp_raw r;
    uint64_t after;

    begin(&r, 0);
    tcp_raw_put(&r, 0, 100);
    after = until_sent(&r);
    CHECK(after >= 200000 && after <= 2 * FAR + 200000 + 2000);
    CHECK(counters(&r)->tail_probes == 1 && r.server->last.seq == r.ack);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void probe(struct tcp_raw *r)
{
    begin(r, 0);
    tcp_raw_put(r, 0, 5 * MSS);
    until_sent(r);
    CHECK(counters(r)->tail_probes == 1);
    r->ack += 5 * MSS;
    tcp_raw_send(r, TCP_ACK, none);
    CHECK(r->conn->flight == CONN_NONE && r->conn->modes & TCP_MODE_PROBED);
}

/* Section 7.4: no word of a duplicate before newer data is acknowledged: the probe repaired a loss,
 * and that is congestion. */
static void a_probe_that_repaired_is_congestion(void)
{
    struct tcp_raw r;

    probe(&r);
    tcp_raw_put(&r, 0, 2 * MSS);
    r.ack += 2 * MSS;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->congestion.ssthresh < 15 * MSS && !(r.conn->modes & TCP_MODE_PROBED));
    CHECK(tcp_raw_fini(&r) == 0);
}

static void a_probe_that_came_twice_is_not(void)
{
    struct tcp_raw r;

    probe(&r);
    tcp_raw_block(&r, -1u * MSS, 0);
    tcp_raw_send(&r, TCP_ACK, none); /* D-SACK */
    CHECK(!(r.conn->modes & TCP_MODE_PROBED));
    tcp_raw_put(&r, 0, 2 * MSS);
    r.ack += 2 * MSS;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->congestion.ssthresh > 1 << 29);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* The probe's answer shows holes: fast recovery instead of a timeout. */
static void the_probe_starts_recovery(void)
{
    struct tcp_raw r;

    begin(&r, 0);
    tcp_raw_put(&r, 0, 5 * MSS);
    until_sent(&r);
    tcp_raw_wait(&r, FAR);
    tcp_raw_block(&r, 4 * MSS, 5 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    while (!counters(&r)->fast_retransmits && !counters(&r)->timeouts)
        tcp_raw_wait(&r, 1000);
    CHECK(counters(&r)->timeouts == 0 && counters(&r)->fast_retransmits == 1);
    CHECK(r.server->log[(r.server->sent - 1) % TCP_LINK_LOG].seq - r.ack < 4 * MSS);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Reordering that the timer waits out costs nothing. */
static void late_segments_are_waited_for(void)
{
    struct tcp_raw r;

    begin(&r, 0);
    tcp_raw_put(&r, 0, 10 * MSS);
    tcp_raw_wait(&r, FAR);
    tcp_raw_block(&r, 1 * MSS, 2 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->timer_kind == TCP_TIMER_REORDER);
    tcp_raw_wait(&r, FAR / 8);
    r.ack += 2 * MSS;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(counters(&r)->retransmitted == 0 && counters(&r)->fast_retransmits == 0);
    CHECK(r.conn->timer_kind != TCP_TIMER_REORDER && r.conn->congestion.cwnd > 10 * MSS);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void the_timer_finds_the_loss(void)
{
    struct tcp_raw r;

    begin(&r, 0);
    tcp_raw_put(&r, 0, 10 * MSS);
    tcp_raw_wait(&r, FAR);
    tcp_raw_block(&r, 1 * MSS, 2 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(counters(&r)->fast_retransmits == 0);
    tcp_raw_wait(&r, FAR / 4 + 2000);
    CHECK(counters(&r)->fast_retransmits == 1 && r.server->last.seq == r.ack &&
          r.server->last.len == MSS);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 3522: the acknowledgement after a timeout echoes a timestamp from before it. RFC 4015: cwnd
 * goes back, through slow start. */
static void a_spurious_timeout_is_taken_back(void)
{
    struct tcp_raw r;
    uint32_t echo;

    begin(&r, 100);
    tcp_raw_put(&r, 0, 30 * (MSS - 12));
    {
        struct tcp_option o;

        tcp_option_parse(span_of(r.server->last.options, r.server->last.options_len), &o);
        echo = o.ts_value;
    }
    while (!counters(&r)->timeouts)
        tcp_raw_wait(&r, 1000);
    CHECK(r.conn->congestion.cwnd == MSS - 12);
    r.ts++;
    r.ts_echo = echo;
    r.ack += MSS - 12;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(counters(&r)->spurious == 1 && r.conn->congestion.cwnd >= 10 * (MSS - 12) &&
          r.conn->congestion.ssthresh > 1 << 29);
    CHECK(tcp_flight_of(r.server->tcp, r.conn)->lost == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void a_true_timeout_is_not(void)
{
    struct tcp_raw r;
    struct tcp_option o;

    begin(&r, 100);
    tcp_raw_put(&r, 0, 30 * (MSS - 12));
    while (!counters(&r)->timeouts)
        tcp_raw_wait(&r, 1000);
    tcp_option_parse(span_of(r.server->last.options, r.server->last.options_len), &o);
    r.ts++;
    r.ts_echo = o.ts_value;
    r.ack += MSS - 12;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(counters(&r)->spurious == 0 && r.conn->congestion.cwnd <= 2 * (MSS - 12));
    CHECK(tcp_raw_fini(&r) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(what_was_sent_sufficiently_later_tells);
    CHECK_CASE(three_segments_tell_at_once);
    CHECK_CASE(in_recovery_there_is_no_window);
    CHECK_CASE(reordering_is_noticed_and_waited_for);
    CHECK_CASE(duplicates_widen_the_window);
    CHECK_CASE(a_lost_retransmission_is_found);
    CHECK_CASE(the_first_copy_does_not_count_as_the_second);
    CHECK_CASE(the_tail_is_probed_before_the_timeout);
    CHECK_CASE(the_probe_prefers_new_data);
    CHECK_CASE(a_single_segment_is_given_the_delay);
    CHECK_CASE(a_probe_that_repaired_is_congestion);
    CHECK_CASE(a_probe_that_came_twice_is_not);
    CHECK_CASE(the_probe_starts_recovery);
    CHECK_CASE(late_segments_are_waited_for);
    CHECK_CASE(the_timer_finds_the_loss);
    CHECK_CASE(a_spurious_timeout_is_taken_back);
    CHECK_CASE(a_true_timeout_is_not);
    return check_end();
}
