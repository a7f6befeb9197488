/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* What the endpoint answers to single segments, valid and not. */

static const struct span none;

static void begin(struct tcp_raw *r, bool open)
{
    struct tcp_link_options o = {.seed = 1};

    tcp_raw_init(r, &o);
    if (open)
        tcp_raw_open(r);
}

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

static void handshake_answers_what_was_offered(void)
{
    struct tcp_raw r;
    struct tcp_option o;

    begin(&r, false);
    r.ts = 77;
    CHECK(tcp_raw_send(&r, TCP_SYN, none) == 1);
    CHECK(r.server->last.flags == (TCP_SYN | TCP_ACK) && r.server->last.ack == TCP_RAW_ISN + 1);
    CHECK(tcp_option_parse(span_of(r.server->last.options, r.server->last.options_len), &o));
    CHECK(o.present == (TCP_OPTION_MSS | TCP_OPTION_SCALE | TCP_OPTION_TIMESTAMPS));
    CHECK(o.mss == 1460 && o.ts_echo == 77);
    CHECK(!r.events);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.events == TCP_EVENT_ACCEPTED && tcp_tag(r.conn) == 7);
    CHECK(r.conn->mss == 1448 && r.conn->snd_wnd == 65535u << 2);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void handshake_without_options_offers_none(void)
{
    struct tcp_raw r;
    struct tcp_segment s = {
        .destination_port = TCP_LINK_PORT, .seq = 5, .flags = TCP_SYN, .window = 1000};
    struct tcp_option o;

    begin(&r, false);
    tcp_link_inject(r.link, TCP_LINK_SERVER, 4000, &s, none);
    CHECK(tcp_option_parse(span_of(r.server->last.options, r.server->last.options_len), &o));
    CHECK(o.present == TCP_OPTION_MSS && r.server->last.window == 65535);
    s.flags = TCP_ACK;
    s.seq = 6;
    s.ack = r.server->last.seq + 1;
    tcp_link_inject(r.link, TCP_LINK_SERVER, 4000, &s, none);
    CHECK(r.conn && r.conn->mss == 536 && r.conn->snd_wnd == 1000);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 9293 section 3.10.7.1 */
static void closed_port_is_reset(void)
{
    struct tcp_raw r;
    struct tcp_segment s = {.destination_port = 26, .seq = 500, .flags = TCP_SYN};

    begin(&r, false);
    tcp_link_inject(r.link, TCP_LINK_SERVER, 4000, &s, span_text("abc"));
    CHECK(r.server->last.flags == (TCP_RST | TCP_ACK) && r.server->last.seq == 0 &&
          r.server->last.ack == 504);
    s.flags = TCP_ACK;
    s.ack = 900;
    tcp_link_inject(r.link, TCP_LINK_SERVER, 4000, &s, none);
    CHECK(r.server->last.flags == TCP_RST && r.server->last.seq == 900 && r.server->sent == 2);
    s.flags = TCP_RST;
    tcp_link_inject(r.link, TCP_LINK_SERVER, 4000, &s, none);
    CHECK(r.server->sent == 2);
    s.flags = TCP_SYN;
    for (int i = 0; i < 5000; i++)
        tcp_link_inject(r.link, TCP_LINK_SERVER, 4000, &s, none);
    CHECK(r.server->sent < 1600 && counters(&r)->limited_resets > 3000);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void half_open_connections_are_bounded_and_time_out(void)
{
    struct tcp_raw r;

    begin(&r, false);
    for (uint16_t port = 1; port <= 20; port++) {
        r.port = port;
        tcp_raw_send(&r, TCP_SYN, none);
    }
    CHECK(r.server->tcp->half.count == 8 && tcp_connections(r.server->tcp) == 0);
    CHECK(counters(&r)->cookies_sent == 12 && r.server->syns == 20);
    tcp_raw_wait(&r, 62000000);
    CHECK(r.server->syns == 8 * 6 + 12 && r.server->tcp->half.count == 8);
    tcp_raw_wait(&r, 70000000);
    CHECK(r.server->tcp->half.count == 0 && !r.events && counters(&r)->half_open_timed_out == 8);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void lost_syn_ack_is_sent_again(void)
{
    struct tcp_raw r;
    uint32_t isn;

    begin(&r, false);
    tcp_raw_send(&r, TCP_SYN, none);
    isn = r.server->last.seq;
    CHECK(tcp_raw_send_at(&r, TCP_RAW_ISN, TCP_SYN, none) == 1);
    CHECK(r.server->last.flags == (TCP_SYN | TCP_ACK) && r.server->last.seq == isn);
    r.ack = isn + 2;
    CHECK(tcp_raw_send(&r, TCP_ACK, none) == 1 && r.server->last.flags == TCP_RST);
    r.ack = isn + 1;
    tcp_raw_send(&r, TCP_ACK, span_text("x"));
    CHECK(r.events == (TCP_EVENT_ACCEPTED | TCP_EVENT_READABLE) && tcp_unread(r.conn) == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5961 section 3.2 */
static void reset_must_name_the_next_byte(void)
{
    struct tcp_raw r;

    begin(&r, true);
    CHECK(tcp_raw_send_at(&r, r.seq + 10, TCP_RST, none) == 1 && r.server->last.flags == TCP_ACK);
    CHECK(counters(&r)->challenges == 1 && r.conn->state == TCP_ESTABLISHED);
    CHECK(tcp_raw_send_at(&r, r.seq - 1, TCP_RST, none) == 0);
    CHECK(tcp_raw_send_at(&r, r.seq + 300000, TCP_RST, none) == 0);
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_RST, none) == 0);
    CHECK(r.events & TCP_EVENT_CLOSED && strcmp(tcp_close_reason(r.conn), "reset by peer") == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5961 section 4.2 */
static void syn_in_a_connection_is_challenged(void)
{
    struct tcp_raw r;

    begin(&r, true);
    CHECK(tcp_raw_send_at(&r, r.seq + 5, TCP_SYN, none) == 1 && r.server->last.flags == TCP_ACK);
    CHECK(tcp_raw_send_at(&r, r.seq + 5000000, TCP_SYN | TCP_ACK, none) == 1);
    CHECK(r.server->last.seq == r.ack && r.server->last.ack == r.seq);
    CHECK(counters(&r)->challenges == 2 && r.conn->state == TCP_ESTABLISHED);
    for (int i = 0; i < 5000; i++)
        tcp_raw_send_at(&r, r.seq + 5, TCP_SYN, none);
    CHECK(counters(&r)->challenges < 1600 && counters(&r)->limited_challenges > 3000);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5961 section 5.2 */
static void acknowledgement_of_what_was_not_sent_is_challenged(void)
{
    struct tcp_raw r;
    uint32_t right;

    begin(&r, true);
    right = r.ack;
    r.ack = right + 1;
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_ACK, span_text("abc")) == 1);
    r.ack = right - 300000;
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_ACK, span_text("abc")) == 1);
    CHECK(counters(&r)->drop_ack == 2 && !tcp_unread(r.conn));
    r.ack = right - 10;
    tcp_raw_send_at(&r, r.seq, TCP_ACK, span_text("abc"));
    CHECK(tcp_unread(r.conn) == 3);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void flags_that_make_no_sense_are_dropped(void)
{
    static const uint8_t bad[] = {0,
                                  TCP_FIN,
                                  TCP_SYN | TCP_FIN,
                                  TCP_SYN | TCP_RST,
                                  TCP_RST | TCP_FIN,
                                  TCP_SYN | TCP_FIN | TCP_ACK | TCP_RST | TCP_PSH | TCP_URG,
                                  TCP_PSH | TCP_URG};
    struct tcp_raw r;

    begin(&r, true);
    for (size_t i = 0; i < sizeof(bad); i++)
        CHECK(tcp_raw_send_at(&r, r.seq, bad[i], span_text("abc")) == 0);
    CHECK(counters(&r)->drop_flags == sizeof(bad) && !tcp_unread(r.conn) &&
          r.conn->state == TCP_ESTABLISHED);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 7323 section 5 */
static void old_timestamps_are_dropped(void)
{
    struct tcp_raw r;

    begin(&r, false);
    r.ts = 5000;
    tcp_raw_open(&r);
    r.ts = 6000;
    tcp_raw_send(&r, TCP_ACK, span_text("one"));
    r.ts = 5999;
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_ACK, span_text("two")) == 1 &&
          r.server->last.ack == r.seq);
    CHECK(counters(&r)->drop_paws == 1 && tcp_unread(r.conn) == 3);
    r.ts = 0;
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_ACK, span_text("two")) == 0);
    CHECK(counters(&r)->drop_no_timestamp == 1);
    r.ts = 6000;
    tcp_raw_send(&r, TCP_ACK, span_text("two"));
    CHECK(tcp_unread(r.conn) == 6);
    r.ts = 5000;
    tcp_raw_send(&r, TCP_RST, none); /* section 5.2: not for resets */
    CHECK(r.events & TCP_EVENT_CLOSED);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void acknowledgements_wait_for_a_second_segment(void)
{
    struct tcp_raw r;

    begin(&r, true);
    r.read = true;
    /* The window of a SYN is not scaled: the first acknowledgement opens it. */
    CHECK(tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(0, 100)) == 1);
    CHECK(tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(100, 1460)) == 0);
    CHECK(tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(1560, 1460)) == 1 &&
          r.server->last.ack == r.seq);
    CHECK(tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(3020, 100)) == 0);
    tcp_raw_wait(&r, 39000);
    CHECK(r.server->last.ack != r.seq);
    tcp_raw_wait(&r, 2000);
    CHECK(r.server->last.ack == r.seq && !r.wrong && r.bytes_read == 3120);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void each_segment_out_of_order_is_acknowledged(void)
{
    struct tcp_raw r;
    uint32_t first;

    begin(&r, true);
    r.read = true;
    first = r.seq;
    for (uint32_t i = 1; i < 5; i++) {
        CHECK(tcp_raw_send_at(&r, first + 100 * i, TCP_ACK, tcp_link_bytes(100 * i, 100)) == 1);
        CHECK(r.server->last.ack == first && r.server->last.flags == TCP_ACK);
    }
    CHECK(tcp_raw_send_at(&r, first + 500, TCP_ACK | TCP_FIN, none) == 1 &&
          r.server->last.ack == first);
    CHECK(tcp_raw_send_at(&r, first, TCP_ACK, tcp_link_bytes(0, 100)) == 1);
    CHECK(r.server->last.ack == first + 501 && r.bytes_read == 500 && !r.wrong);
    CHECK(r.events & TCP_EVENT_EOF && r.conn->state == TCP_CLOSE_WAIT);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* All ways in which three segments can overlap within eight bytes, before a last one that covers
 * all. */
static void overlaps_in_every_way_give_the_stream(void)
{
    struct tcp_raw r;
    uint32_t base, at = 0;

    begin(&r, true);
    r.read = true;
    base = r.seq;
    for (uint32_t n = 0; n < 36 * 36 * 36 && !r.wrong; n += 7) {
        for (uint32_t i = 0, code = n; i < 3; i++, code /= 36) {
            uint32_t from = code % 36 / 6, to = from + 1 + code % 6;

            to = to < 8 ? to : 8;
            tcp_raw_send_at(&r, base + at + from, TCP_ACK, tcp_link_bytes(at + from, to - from));
        }
        tcp_raw_send_at(&r, base + at, TCP_ACK, tcp_link_bytes(at, 8));
        at += 8;
        if (!CHECK(r.bytes_read == at && !r.conn->held && !r.conn->ooo_bytes))
            break;
    }
    CHECK(!r.wrong);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void bytes_that_came_first_count(void)
{
    struct tcp_raw r;

    begin(&r, true);
    tcp_raw_send_at(&r, r.seq + 2, TCP_ACK, span_text("CD"));
    tcp_raw_send_at(&r, r.seq, TCP_ACK, span_text("abcdef"));
    CHECK(tcp_unread(r.conn) == 6);
    CHECK_TEXT(tcp_peek(r.conn), "ab");
    tcp_consume(r.server->tcp, r.conn, 2);
    CHECK_TEXT(tcp_peek(r.conn), "CDef");
    CHECK(tcp_raw_fini(&r) == 0);
}

/* However small the segments, memory stays within a small multiple of the window. */
static void tiny_segments_hold_bounded_memory(void)
{
    struct tcp_raw r;
    uint32_t base, most = 0;

    begin(&r, true);
    base = r.seq;
    for (uint32_t i = 1; i < 20000; i++)
        tcp_raw_send_at(&r, base + 2 * i, TCP_ACK, tcp_link_bytes(2 * i, 1));
    for (int c = 0; c < CHUNK_CLASSES; c++)
        most += chunk_peak(r.server->pool, (enum chunk_class)c) * (512u << 3 * c) *
                (c == CHUNK_LARGE ? 2 : 1);
    CHECK(most <= TCP_OOO_PIECES * 512 && counters(&r)->drop_pieces > 0);
    for (uint32_t i = 0; i < 40000; i++)
        tcp_raw_send_at(&r, base + i, TCP_ACK, tcp_link_bytes(i, 1));
    CHECK(tcp_unread(r.conn) == 40000 &&
          r.conn->held < 40000 + 65536 + 4096 + TCP_OOO_PIECES * 512);
    r.read = true;
    tcp_raw_send_at(&r, base + 40000, TCP_ACK, tcp_link_bytes(40000, 1));
    CHECK(r.bytes_read == 40001 && !r.wrong && r.conn->held == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* A segment of more pieces than a turn's table has room for is copied instead. */
static void more_frames_than_the_table_holds(void)
{
    struct tcp_raw r;
    struct tcp_packet p = {.pieces = 1};
    uint8_t header[20] = {0, 0, 0, TCP_LINK_PORT, [12] = 5 << 4, [13] = TCP_ACK, [14] = 255};

    begin(&r, true);
    header[0] = (uint8_t)(r.port >> 8);
    header[1] = (uint8_t)r.port;
    p.source = r.link->ends[0].address;
    p.destination = r.server->address;
    p.header = span_of(header, 20);
    for (uint32_t i = 0; i < TCP_FRAMES + 500; i++) {
        struct writer w = writer_of(header + 4, 8);

        writer_uint(&w, r.seq + i, 4);
        writer_uint(&w, r.ack, 4);
        p.payload[0] = tcp_link_bytes(i, 1);
        tcp_receive(r.server->tcp, &p, r.link->now);
    }
    r.read = true;
    r.seq += TCP_FRAMES + 500;
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(TCP_FRAMES + 500, 1));
    CHECK(r.bytes_read == TCP_FRAMES + 501 && !r.wrong);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void headers_that_lie_are_dropped(void)
{
    struct tcp_raw r;
    uint8_t bytes[24] = {0, 1, 0, TCP_LINK_PORT, [12] = 6 << 4, [13] = TCP_SYN};

    begin(&r, false);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct span guarded = guard_copy(span_of(bytes, len), true);
        struct tcp_packet p = {
            .source = r.link->ends[0].address, .destination = r.server->address, .header = guarded};

        tcp_receive(r.server->tcp, &p, r.link->now);
        guard_free(guarded);
    }
    CHECK(counters(&r)->drop_header == sizeof(bytes) && r.server->tcp->half.count == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(handshake_answers_what_was_offered);
    CHECK_CASE(handshake_without_options_offers_none);
    CHECK_CASE(closed_port_is_reset);
    CHECK_CASE(half_open_connections_are_bounded_and_time_out);
    CHECK_CASE(lost_syn_ack_is_sent_again);
    CHECK_CASE(reset_must_name_the_next_byte);
    CHECK_CASE(syn_in_a_connection_is_challenged);
    CHECK_CASE(acknowledgement_of_what_was_not_sent_is_challenged);
    CHECK_CASE(flags_that_make_no_sense_are_dropped);
    CHECK_CASE(old_timestamps_are_dropped);
    CHECK_CASE(acknowledgements_wait_for_a_second_segment);
    CHECK_CASE(each_segment_out_of_order_is_acknowledged);
    CHECK_CASE(overlaps_in_every_way_give_the_stream);
    CHECK_CASE(bytes_that_came_first_count);
    CHECK_CASE(tiny_segments_hold_bounded_memory);
    CHECK_CASE(more_frames_than_the_table_holds);
    CHECK_CASE(headers_that_lie_are_dropped);
    return check_end();
}
