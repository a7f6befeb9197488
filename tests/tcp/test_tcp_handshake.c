/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* Handshakes that a peer begins, before there is a connection: the half-open table and what its
 * entries answer. */

static const struct span none;

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

static void begin(struct tcp_raw *r, const struct tcp_options *options)
{
    struct tcp_link_options o = {.seed = 1, .tcp = *options};

    tcp_raw_init(r, &o);
}

static void table_keeps_order_and_finds(void)
{
    enum { N = 1000 };
    struct tcp_half_open t = {0};
    struct tcp_flow_key key = {0};

    CHECK(tcp_half_open_init(&t, N));
    for (uint32_t i = 0; i < N; i++) {
        key.remote_port = (uint16_t)i;
        CHECK(tcp_half_open_add(&t, i % 7, &key, 100 + i));
    }
    CHECK(!tcp_half_open_add(&t, 0, &key, 1) && t.count == N);
    for (uint32_t i = 0; i < 10; i++) {
        struct tcp_half *h = tcp_half_open_due(&t);

        CHECK(h->remote_port == i);
        tcp_half_open_repeated(&t, h, 5000 + i);
    }
    CHECK(tcp_half_open_oldest(&t)->remote_port == 0 && tcp_half_open_due(&t)->remote_port == 10);
    for (uint32_t i = 0; i < N; i += 2) {
        key.remote_port = (uint16_t)i;
        tcp_half_open_remove(&t, i % 7, tcp_half_open_find(&t, i % 7, &key));
    }
    for (uint32_t i = 0; i < N; i++) {
        struct tcp_half *h;

        key.remote_port = (uint16_t)i;
        h = tcp_half_open_find(&t, i % 7, &key);
        CHECK(i % 2 ? h && h->remote_port == i : !h);
    }
    CHECK(tcp_half_open_oldest(&t)->remote_port == 1 && t.count == N / 2);
    while (t.count) {
        struct tcp_half *h = tcp_half_open_oldest(&t);

        tcp_half_open_remove(&t, h->remote_port % 7, h);
    }
    CHECK(!tcp_half_open_oldest(&t) && !tcp_half_open_due(&t));
    tcp_half_open_fini(&t);
}

static void no_block_is_taken_before_the_last_acknowledgement(void)
{
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){.connections = 4});
    tcp_raw_send(&r, TCP_SYN, none);
    CHECK(tcp_connections(r.server->tcp) == 0 && r.server->tcp->half.count == 1);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send(&r, TCP_ACK, span_text("hello"));
    CHECK(tcp_connections(r.server->tcp) == 1 && r.server->tcp->half.count == 0);
    CHECK(r.events == (TCP_EVENT_ACCEPTED | TCP_EVENT_READABLE) && tcp_unread(r.conn) == 5);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* The acknowledgement is lost; the peer's first segment has it too, and its FIN. */
static void data_and_fin_may_end_the_handshake(void)
{
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){0});
    tcp_raw_send(&r, TCP_SYN, none);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send(&r, TCP_ACK | TCP_FIN | TCP_PSH, span_text("all"));
    CHECK(r.events == (TCP_EVENT_ACCEPTED | TCP_EVENT_READABLE | TCP_EVENT_EOF));
    CHECK(tcp_unread(r.conn) == 3 && r.conn->state == TCP_CLOSE_WAIT);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void the_second_segment_may_come_first(void)
{
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){0});
    tcp_raw_send(&r, TCP_SYN, none);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send_at(&r, r.seq + 3, TCP_ACK, span_text("def"));
    CHECK(r.conn && r.conn->state == TCP_ESTABLISHED && !tcp_unread(r.conn));
    tcp_raw_send_at(&r, r.seq, TCP_ACK, span_text("abc"));
    CHECK(tcp_unread(r.conn) == 6);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* At 1, 3, 7, 15 and 31 seconds; at 63 it is given up. */
static void the_answer_is_repeated_with_back_off(void)
{
    static const uint32_t at[] = {1, 3, 7, 15, 31};
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){0});
    tcp_raw_send(&r, TCP_SYN, none);
    for (uint32_t i = 0, now = 0; i < 5; i++) {
        tcp_raw_wait(&r, (at[i] - now) * 1000000ull - 2000);
        CHECK(r.server->syns == i + 1);
        tcp_raw_wait(&r, 2000);
        now = at[i];
        CHECK(r.server->syns == i + 2 && r.server->last.flags == (TCP_SYN | TCP_ACK));
    }
    tcp_raw_wait(&r, 31900000);
    CHECK(r.server->tcp->half.count == 1);
    tcp_raw_wait(&r, 200000);
    CHECK(r.server->tcp->half.count == 0 && r.server->syns == 6);
    CHECK(counters(&r)->half_open_timed_out == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 6298: what was sent once is measured; what was sent again is not, without timestamps. */
static void the_handshake_is_measured(void)
{
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){0});
    tcp_raw_send(&r, TCP_SYN, none);
    tcp_raw_wait(&r, 50000);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->rto.srtt >= 50000 && r.conn->rto.srtt <= 51000);
    CHECK(tcp_raw_fini(&r) == 0);
    begin(&r, &(struct tcp_options){0});
    tcp_raw_send(&r, TCP_SYN, none);
    tcp_raw_wait(&r, 1500000);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->rto.srtt == 0 && r.conn->flags & CONN_SYN_LOST);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5961 sections 3.2 and 4.2 */
static void blind_segments_do_not_end_a_handshake(void)
{
    struct tcp_raw r;
    uint32_t isn;

    begin(&r, &(struct tcp_options){0});
    tcp_raw_send(&r, TCP_SYN, none);
    isn = r.server->last.seq;
    CHECK(tcp_raw_send_at(&r, r.seq + 9, TCP_RST, none) == 1 && r.server->last.flags == TCP_ACK);
    CHECK(r.server->last.seq == isn + 1 && r.server->last.ack == r.seq);
    CHECK(tcp_raw_send_at(&r, r.seq + 100000, TCP_RST, none) == 0);
    CHECK(tcp_raw_send_at(&r, r.seq + 9, TCP_SYN, none) == 1 && r.server->last.flags == TCP_ACK);
    CHECK(tcp_raw_send_at(&r, r.seq - 1, TCP_SYN | TCP_ACK, none) == 1);
    CHECK(tcp_raw_send_at(&r, r.seq + 100000, TCP_ACK, none) == 1);
    CHECK(r.server->last.flags == TCP_ACK && counters(&r)->challenges == 4);
    r.ack = isn + 2;
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_ACK, none) == 1 && r.server->last.flags == TCP_RST);
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_FIN, none) == 0 &&
          tcp_raw_send_at(&r, r.seq, TCP_SYN | TCP_RST, none) == 0);
    CHECK(r.server->tcp->half.count == 1);
    r.ack = isn + 1;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.events == TCP_EVENT_ACCEPTED);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void a_true_reset_ends_a_handshake(void)
{
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){0});
    tcp_raw_send(&r, TCP_SYN, none);
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_RST, none) == 0 && r.server->tcp->half.count == 0);
    r.ack = r.server->last.seq + 1;
    CHECK(tcp_raw_send(&r, TCP_ACK, none) == 1 && r.server->last.flags == TCP_RST);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 7323 sections 3.2 and 5.3 */
static void timestamps_are_checked_from_the_start(void)
{
    struct tcp_raw r;
    uint32_t isn;

    begin(&r, &(struct tcp_options){0});
    r.ts = 5000;
    tcp_raw_send(&r, TCP_SYN, none);
    isn = r.server->last.seq;
    r.ts = 5100; /* the SYN again, later: its timestamp is echoed */
    tcp_raw_send_at(&r, TCP_RAW_ISN, TCP_SYN, none);
    r.ack = isn + 1;
    r.ts = 5050;
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_ACK, none) == 1 && counters(&r)->drop_paws == 1);
    r.ts = 0;
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_ACK, none) == 0 && counters(&r)->drop_no_timestamp == 1);
    CHECK(!r.events);
    r.ts = 5101;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.events == TCP_EVENT_ACCEPTED && r.conn->ts_recent == 5101);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void connections_are_bounded(void)
{
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){.connections = 2});
    for (uint16_t port = 1; port <= 3; port++) {
        r.port = port;
        r.seq = TCP_RAW_ISN;
        tcp_raw_send(&r, TCP_SYN, none);
    }
    for (uint16_t port = 1; port <= 3; port++) {
        struct tcp_half *h = tcp_half_open_oldest(&r.server->tcp->half);

        r.port = h->remote_port;
        r.ack = h->isn + 1;
        tcp_raw_send_at(&r, TCP_RAW_ISN + 1, TCP_ACK, none);
    }
    /* The third is not answered, and stands in the table still: it may come again. */
    CHECK(tcp_connections(r.server->tcp) == 2 && r.server->tcp->half.count == 1);
    CHECK(counters(&r)->drop_connections == 1);
    r.port = 9;
    CHECK(tcp_raw_send_at(&r, TCP_RAW_ISN, TCP_SYN, none) == 0);
    CHECK(counters(&r)->drop_connections == 2);
    CHECK(tcp_link_free(r.link) == 0);
}

static void an_unreachable_peer_loses_its_entry(void)
{
    struct tcp_raw r;
    uint8_t header[8] = {0, TCP_LINK_PORT, 4000 >> 8, 4000 & 255};
    struct tcp_packet p = {.header = span_of(header, 8)};
    struct writer w = writer_of(header + 4, 4);

    begin(&r, &(struct tcp_options){0});
    tcp_raw_send(&r, TCP_SYN, none);
    p.source = r.server->address;
    p.destination = r.link->ends[0].address;
    tcp_icmp_error(r.server->tcp, &p, 0, true, r.link->now);
    CHECK(r.server->tcp->half.count == 1 && counters(&r)->icmp_ignored == 1);
    writer_uint(&w, r.server->last.seq, 4);
    tcp_icmp_error(r.server->tcp, &p, 0, false, r.link->now);
    tcp_icmp_error(r.server->tcp, &p, 1280, true, r.link->now);
    CHECK(r.server->tcp->half.count == 1);
    tcp_icmp_error(r.server->tcp, &p, 0, true, r.link->now);
    CHECK(r.server->tcp->half.count == 0 && counters(&r)->half_open_unreachable == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(table_keeps_order_and_finds);
    CHECK_CASE(no_block_is_taken_before_the_last_acknowledgement);
    CHECK_CASE(data_and_fin_may_end_the_handshake);
    CHECK_CASE(the_second_segment_may_come_first);
    CHECK_CASE(the_answer_is_repeated_with_back_off);
    CHECK_CASE(the_handshake_is_measured);
    CHECK_CASE(blind_segments_do_not_end_a_handshake);
    CHECK_CASE(a_true_reset_ends_a_handshake);
    CHECK_CASE(timestamps_are_checked_from_the_start);
    CHECK_CASE(connections_are_bounded);
    CHECK_CASE(an_unreachable_peer_loses_its_entry);
    return check_end();
}
