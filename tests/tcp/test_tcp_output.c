/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"
#include "dataplane/tcp/tcp_timer.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* What the endpoint sends, when, and how long it tries. The peer is driven by hand. */

static const struct span none;

static void begin(struct tcp_raw *r)
{
    struct tcp_link_options o = {.seed = 1};

    tcp_raw_init(r, &o);
    tcp_raw_open(r);
}

static void put(struct tcp_raw *r, uint32_t offset, uint32_t len)
{
    while (len) {
        struct span s = tcp_link_bytes(offset, len);

        CHECK(sendq_view(tcp_sendq(r->conn), r->server->pool, s, SENDQ_STATIC, NULL));
        offset += (uint32_t)s.len;
        len -= (uint32_t)s.len;
    }
    tcp_send(r->server->tcp, r->conn);
    tcp_link_run(r->link, r->link->now);
}

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

/* RFC 6928: ten segments, in one description to be cut; and no more until they are acknowledged. */
static void initial_window_is_ten_segments(void)
{
    struct tcp_raw r;

    begin(&r);
    put(&r, 0, 100000);
    CHECK(r.server->sent_bytes == 14600 && r.server->last.mss == 1460 &&
          r.server->last.len == 14600);
    CHECK(!(r.server->last.flags & TCP_PSH));
    r.ack += 14600;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->sent_bytes == 14600 * 3); /* slow start */
    CHECK(r.events & TCP_EVENT_ACKED && r.conn->queue.bytes == 100000 - 14600);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void replies_leave_at_once_with_push(void)
{
    struct tcp_raw r;

    begin(&r);
    put(&r, 0, 10);
    CHECK(r.server->last.len == 10 && r.server->last.flags == (TCP_ACK | TCP_PSH));
    put(&r, 10, 20); /* Nagle would wait here */
    CHECK(r.server->last.len == 20 && r.server->last.seq == r.ack + 10);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 6298 section 5: doubling up to 60 s; RFC 9293 section 3.8.3: R2. */
static void timeout_doubles_and_gives_up(void)
{
    struct tcp_raw r;
    uint64_t last, gap, before = 0;
    uint32_t sent;

    begin(&r);
    put(&r, 0, 3000);
    last = r.link->now;
    sent = r.server->sent;
    for (int i = 0; i < 15; i++) {
        while (r.server->sent == sent)
            tcp_raw_wait(&r, 1000);
        sent = r.server->sent;
        /* Its size may be to blame (RFC 8899). */
        CHECK(r.server->last.len == (i < 1 ? 1460 : i < 3 ? 1240 : 536));
        CHECK(r.server->last.seq == r.ack);
        gap = r.link->now - last;
        last = r.link->now;
        CHECK(before ? gap >= 2 * before - 4000 || gap > 59000000 : gap >= 200000 && gap < 210000);
        CHECK(gap <= 60100000);
        before = gap;
    }
    CHECK(!(r.events & TCP_EVENT_CLOSED));
    tcp_raw_wait(&r, 61000000);
    CHECK(r.events & TCP_EVENT_CLOSED && strcmp(tcp_close_reason(r.conn), "timed out") == 0);
    CHECK(r.link->now > 100000000 && tcp_unread(r.conn) == 0 && tcp_send_room(r.conn) == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void timeout_starts_over_with_one_segment(void)
{
    struct tcp_raw r;

    begin(&r);
    put(&r, 0, 14600);
    tcp_raw_wait(&r, 220000);
    CHECK(counters(&r)->timeouts == 1 && r.server->last.len == 1460 &&
          r.conn->congestion.ssthresh == 10220); /* CUBIC's 0.7 */
    r.ack += 1460;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->last.seq == r.ack && r.server->last.len == 2920);
    r.ack += 1460 * 9; /* the rest had arrived */
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->queue.bytes == 0 && r.conn->timer_kind == TCP_TIMER_NONE && r.conn->retries == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5681 section 3.2, RFC 3042, RFC 6582 */
static void three_duplicates_bring_a_retransmission(void)
{
    struct tcp_raw r;
    uint32_t sent;

    begin(&r);
    put(&r, 0, 100000);
    sent = r.server->sent_bytes;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->sent_bytes == sent + 1460 && r.server->last.seq == r.ack + 14600);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->sent_bytes == sent + 2920);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->last.seq == r.ack && r.server->last.len == 1460 &&
          counters(&r)->fast_retransmits == 1);
    CHECK(r.conn->flags & CONN_RECOVERY);
    r.ack += 2920; /* partial: the third segment is lost as well */
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->flags & CONN_RECOVERY && counters(&r)->retransmitted == 2);
    r.ack = r.conn->snd_max;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(!(r.conn->flags & CONN_RECOVERY) && counters(&r)->fast_retransmits == 1 &&
          counters(&r)->timeouts == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* What was queued after the lost segment does not ride along: the window does not reach that far.
 */
static void retransmission_sends_nothing_new(void)
{
    struct tcp_raw r;

    begin(&r);
    r.window = 75; /* 300 bytes */
    tcp_raw_send(&r, TCP_ACK, none);
    put(&r, 0, 300);
    put(&r, 300, 500);
    for (int i = 0; i < 3; i++)
        tcp_raw_send(&r, TCP_ACK, none);
    CHECK(counters(&r)->fast_retransmits == 1 && r.server->last.len == 300);
    CHECK(r.conn->snd_max == r.ack + 300);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void window_updates_are_no_duplicates(void)
{
    struct tcp_raw r;

    begin(&r);
    put(&r, 0, 14600);
    for (int i = 0; i < 10; i++) {
        r.window--;
        tcp_raw_send(&r, TCP_ACK, none);
    }
    CHECK(counters(&r)->fast_retransmits == 0 && counters(&r)->retransmitted == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 9293 section 3.8.6.1 */
static void closed_window_is_probed_for_as_long_as_it_is_answered(void)
{
    struct tcp_raw r;
    uint32_t probes;

    begin(&r);
    r.window = 0;
    tcp_raw_send(&r, TCP_ACK, none);
    put(&r, 0, 5000);
    CHECK(r.server->sent_bytes == 0);
    for (int i = 0; i < 60; i++) {
        tcp_raw_wait(&r, 61000000);
        CHECK(r.server->last.len == 1 && r.server->last.seq == r.ack);
        tcp_raw_send(&r, TCP_ACK, none);
    }
    probes = (uint32_t)counters(&r)->window_probes;
    CHECK(probes >= 60 && !(r.events & TCP_EVENT_CLOSED));
    r.window = 65535;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->last.seq == r.ack && r.server->last.len == 5000 &&
          counters(&r)->window_probes == probes);
    r.ack += 5000;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->queue.bytes == 0 && r.conn->timer_kind == TCP_TIMER_NONE);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void probe_that_is_taken_moves_on(void)
{
    struct tcp_raw r;

    begin(&r);
    r.window = 0;
    tcp_raw_send(&r, TCP_ACK, none);
    put(&r, 0, 3);
    for (int i = 0; i < 3; i++) {
        tcp_raw_wait(&r, 1000000);
        CHECK(r.server->last.len == 1 && r.server->last.seq == r.ack);
        r.ack++;
        tcp_raw_send(&r, TCP_ACK, none);
    }
    CHECK(r.conn->queue.bytes == 0);
    tcp_shutdown(r.server->tcp, r.conn);
    tcp_raw_wait(&r, 2000000);
    CHECK(r.server->last.flags == (TCP_FIN | TCP_ACK) && r.server->last.seq == r.ack);
    r.ack++;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->state == TCP_FIN_WAIT_2);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void probes_without_answer_end(void)
{
    struct tcp_raw r;

    begin(&r);
    r.window = 0;
    tcp_raw_send(&r, TCP_ACK, none);
    put(&r, 0, 5000);
    tcp_raw_wait(&r, 300000000);
    CHECK(!(r.events & TCP_EVENT_CLOSED));
    tcp_raw_wait(&r, 1000000000);
    CHECK(r.events & TCP_EVENT_CLOSED && strcmp(tcp_close_reason(r.conn), "timed out") == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 9293 section 3.8.6.2.1: little pieces wait, but not for ever. */
static void silly_windows_are_not_filled(void)
{
    struct tcp_raw r;

    begin(&r);
    r.window = 25; /* 100 bytes */
    tcp_raw_send(&r, TCP_ACK, none);
    put(&r, 0, 5000);
    CHECK(r.server->sent_bytes == 0);
    tcp_raw_wait(&r, 1000000);
    CHECK(r.server->last.len == 100);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 9293 section 3.8.6.2.2 */
static void small_reads_do_not_open_a_small_window(void)
{
    struct tcp_raw r;
    uint32_t sent, at = 0;

    begin(&r);
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(0, 1));
    r.read = false;
    while (tcp_unread(r.conn) < 262144 - 8192) {
        tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(at, 4096));
        at += 4096;
    }
    for (int i = 0; i < 20; i++)
        tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(at, 1460));
    tcp_raw_wait(&r, 100000);
    CHECK(r.server->last.window << r.conn->rcv_scale < 8192);
    sent = r.server->sent;
    for (int i = 0; i < 10; i++) {
        tcp_consume(r.server->tcp, r.conn, 100);
        tcp_link_run(r.link, r.link->now);
    }
    CHECK(r.server->sent == sent);
    while (tcp_unread(r.conn) > 100000)
        tcp_consume(r.server->tcp, r.conn, (uint32_t)tcp_peek(r.conn).len);
    tcp_link_run(r.link, r.link->now);
    CHECK(r.server->sent == sent + 1 && r.server->last.window << r.conn->rcv_scale > 130000);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void icmp_too_big_makes_segments_smaller(void)
{
    struct tcp_raw r;
    uint8_t quoted[8] = {0, TCP_LINK_PORT};
    struct tcp_packet p = {0};
    struct writer w = writer_of(quoted + 2, 6);

    begin(&r);
    put(&r, 0, 14600);
    p.source = r.server->address;
    p.destination = r.link->ends[0].address;
    p.header = span_of(quoted, 8);
    writer_uint(&w, r.port, 2);
    writer_uint(&w, r.ack + 14600, 4); /* was never sent */
    tcp_icmp_error(r.server->tcp, &p, 1280, false, r.link->now);
    CHECK(r.conn->mss == 1460 && counters(&r)->icmp_ignored == 1);
    w.len = 2;
    writer_uint(&w, r.ack, 4);
    tcp_icmp_error(r.server->tcp, &p, 0, true, r.link->now);
    CHECK(r.conn->state == TCP_ESTABLISHED); /* RFC 5927: soft */
    tcp_icmp_error(r.server->tcp, &p, 1280, false, r.link->now);
    tcp_link_run(r.link, r.link->now);
    CHECK(r.conn->mss == 1240 && r.server->last.mss == 1240 && r.server->last.seq == r.ack);
    tcp_icmp_error(r.server->tcp, &p, 10, false, r.link->now);
    CHECK(r.conn->mss == 536);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5681 section 4.1 */
static void idle_connection_starts_slowly_again(void)
{
    struct tcp_raw r;

    begin(&r);
    for (int i = 0; i < 5; i++) {
        put(&r, 0, 30000);
        while (r.conn->queue.bytes) {
            r.ack = r.conn->snd_max;
            tcp_raw_send(&r, TCP_ACK, none);
        }
    }
    CHECK(r.conn->congestion.cwnd > 60000);
    tcp_raw_wait(&r, 5000000);
    r.server->sent_bytes = 0;
    put(&r, 0, 60000);
    CHECK(r.server->sent_bytes == 14600);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* A connection with nothing in hand holds no chunk and no timer. */
static void idle_connection_takes_nothing(void)
{
    struct tcp_raw r;

    begin(&r);
    r.read = true;
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(0, 1000));
    CHECK(sendq_copy(tcp_sendq(r.conn), r.server->pool, span_text("250 2.0.0 Ok\r\n")));
    tcp_send(r.server->tcp, r.conn);
    tcp_link_run(r.link, r.link->now);
    r.ack += 14;
    tcp_raw_send(&r, TCP_ACK, none);
    for (int c = 0; c < CHUNK_CLASSES; c++)
        CHECK(chunk_used(r.server->pool, (enum chunk_class)c) == 0);
    tcp_raw_wait(&r, 10000000);
    CHECK(tcp_next_timer(r.server->tcp) == UINT64_MAX);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 9293 section 3.7.4 */
static void nagle_waits_while_something_is_under_way(void)
{
    struct tcp_raw r;
    uint32_t sent;

    begin(&r);
    tcp_set_nagle(r.server->tcp, r.conn, true);
    put(&r, 0, 10);
    CHECK(r.server->last.len == 10); /* nothing was */
    sent = r.server->sent;
    put(&r, 10, 20);
    put(&r, 30, 40);
    CHECK(r.server->sent == sent);
    put(&r, 70, 1460); /* a full segment goes */
    CHECK(r.server->sent == sent + 1 && r.server->last.len == 1460);
    r.ack = r.conn->snd_max;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->last.len == 60 && r.conn->snd_max == r.ack + 60);
    put(&r, 1530, 5);
    sent = r.server->sent;
    tcp_set_nagle(r.server->tcp, r.conn, false);
    tcp_link_run(r.link, r.link->now);
    CHECK(r.server->sent == sent + 1 && r.server->last.len == 5);
    tcp_set_nagle(r.server->tcp, r.conn, true);
    put(&r, 1535, 5);
    tcp_shutdown(r.server->tcp, r.conn); /* nothing more will come that it could wait for */
    tcp_link_run(r.link, r.link->now);
    CHECK(r.server->last.len == 5 && r.server->last.flags & TCP_FIN);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 6298 sections 3 and 5: the round trip has become longer than the timeout. What is sent twice
 * measures nothing, so the back-off must last until something is sent once only, or every segment
 * would be sent twice for ever. */
static void back_off_lasts_until_a_round_trip_is_measured(void)
{
    struct tcp_raw r;
    uint32_t timeouts = 0;

    begin(&r); /* as if it was next door */
    for (int i = 0; i < 12; i++) {
        put(&r, 0, 1000);
        tcp_raw_wait(&r, 700000);
        r.ack = r.conn->snd_max;
        tcp_raw_send(&r, TCP_ACK, none);
        if (i == 5)
            timeouts = (uint32_t)counters(&r)->timeouts;
    }
    CHECK(timeouts >= 1 && counters(&r)->timeouts == timeouts && r.conn->rto.srtt > 100000);
    CHECK(r.conn->backoff == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(initial_window_is_ten_segments);
    CHECK_CASE(replies_leave_at_once_with_push);
    CHECK_CASE(nagle_waits_while_something_is_under_way);
    CHECK_CASE(timeout_doubles_and_gives_up);
    CHECK_CASE(back_off_lasts_until_a_round_trip_is_measured);
    CHECK_CASE(timeout_starts_over_with_one_segment);
    CHECK_CASE(three_duplicates_bring_a_retransmission);
    CHECK_CASE(retransmission_sends_nothing_new);
    CHECK_CASE(window_updates_are_no_duplicates);
    CHECK_CASE(closed_window_is_probed_for_as_long_as_it_is_answered);
    CHECK_CASE(probe_that_is_taken_moves_on);
    CHECK_CASE(probes_without_answer_end);
    CHECK_CASE(silly_windows_are_not_filled);
    CHECK_CASE(small_reads_do_not_open_a_small_window);
    CHECK_CASE(icmp_too_big_makes_segments_smaller);
    CHECK_CASE(idle_connection_starts_slowly_again);
    CHECK_CASE(idle_connection_takes_nothing);
    return check_end();
}
