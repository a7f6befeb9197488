/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/neighbour.h"
#include "tests/net/fake_tcp.h"
#include "tests/net/net_rig.h"

static struct tcp_segment segment(bool v4, uint32_t len, uint16_t mss)
{
    return (struct tcp_segment){.source = v4 ? PACKET_OURS4 : PACKET_OURS6,
                                .destination = v4 ? PACKET_PEER4 : PACKET_PEER6,
                                .source_port = 25,
                                .destination_port = 1000,
                                .seq = 0xfffffff0,
                                .ack = 77,
                                .window = 1234,
                                .flags = TCP_ACK | TCP_PSH | TCP_FIN,
                                .options_len = 12,
                                .options = {1, 1, 8, 10},
                                .mss = mss,
                                .len = len,
                                .ecn = 2,
                                .offset = 3,
                                .queue = len ? fake_queue() : NULL};
}

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The bytes of a frame that may be a chain. */
static size_t flatten(const struct rte_mbuf *m, uint8_t *to)
{
    size_t n = 0;

    for (; m; n += m->data_len, m = m->next)
        memcpy(to + n, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
    return n;
}

static bool payload_right(const uint8_t *at, uint32_t offset, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] != packet_byte(3 + offset + (uint32_t)i))
            return false;
    return true;
}

/* Every length around the cuts, both families: headers, flags, sequence numbers, sums, bytes. */
static void segments_are_cut_at_the_mss(void)
{
    static const uint32_t lengths[] = {0, 1, 999, 1000, 1001, 1999, 2000, 2001, 5003};

    for (int v4 = 0; v4 < 2; v4++) {
        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
            struct net_options o = rig_options();
            struct rig *r = rig_new(&o);
            struct tcp_segment s = segment(v4, lengths[i], 1000);
            uint32_t cuts = lengths[i] ? (lengths[i] + 999) / 1000 : 1;
            size_t ip = v4 ? 20 : 40, headers = 14 + ip + 32;

            rig_meet(r, 1);
            net_output(r->net, &s, 2);
            CHECK(r->out.count == cuts);
            for (uint32_t n = 0; n < cuts; n++) {
                struct span f = rig_out(r, n);
                uint32_t len = n + 1 < cuts ? 1000 : lengths[i] - n * 1000;
                const uint8_t *tcp = f.data + 14 + ip;

                CHECK(f.len == headers + len && packet_sum_good(f, 14));
                CHECK(u32(tcp + 4) == s.seq + n * 1000 && u32(tcp + 8) == 77 && tcp[12] == 0x80);
                CHECK(tcp[13] == (n + 1 < cuts ? TCP_ACK : TCP_ACK | TCP_PSH | TCP_FIN));
                CHECK(tcp[14] << 8 == 0x400 && tcp[15] == 0xd2 &&
                      memcmp(tcp + 20, s.options, 12) == 0);
                CHECK(payload_right(f.data + headers, n * 1000, len));
                CHECK(!v4 || f.data[14 + 6] == 0x40);
                CHECK((v4 ? f.data[14 + 1] & 3 : f.data[14 + 1] >> 4 & 3) == s.ecn);
            }
            rig_free(r);
        }
    }
}

static void the_port_sums_where_it_offers_to(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct net_options o = rig_options();
        struct tcp_segment s = segment(v4, 1500, 1000);
        struct rte_mbuf *m;
        struct rig *r;
        struct span f;
        uint16_t pseudo;

        o.port.tx_tcp_checksum = o.port.tx_ipv4_checksum = true;
        r = rig_new(&o);
        rig_meet(r, 1);
        net_output(r->net, &s, 2);
        CHECK(r->out.count == 2);
        m = r->out.frames[0];
        f = rig_out(r, 0);
        CHECK(m->ol_flags ==
              ((v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6) |
               RTE_MBUF_F_TX_TCP_CKSUM));
        CHECK(m->l2_len == 14 && m->l3_len == (v4 ? 20 : 40) && m->l4_len == 32);
        pseudo = packet_reference_sum(f.data + 14 + (v4 ? 12 : 8), v4 ? 8 : 32, 6 + 1032);
        CHECK((f.data[14 + (v4 ? 20 : 40) + 16] << 8 | f.data[14 + (v4 ? 20 : 40) + 17]) == pseudo);
        rig_free(r);
    }
}

static void the_port_cuts_where_it_offers_to(void)
{
    struct net_options o = rig_options();
    struct tcp_segment s = segment(true, 60000, 1000);
    static uint8_t flat[70000];
    struct rte_mbuf *m;
    struct rig *r;

    o.port.tx_tcp_checksum = o.port.tx_ipv4_checksum = o.port.tso = o.port.tx_chains = true;
    o.port.tso_limit = 40500;
    o.port.tso_frame = 1518;
    r = rig_new(&o);
    rig_meet(r, 1);
    net_output(r->net, &s, 2);
    CHECK(r->out.count == 2);
    m = r->out.frames[0];
    CHECK((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) && m->tso_segsz == 1000 && m->nb_segs > 10);
    CHECK(flatten(m, flat) == 14 + 20 + 32 + 40000 && m->pkt_len == 14 + 20 + 32 + 40000);
    CHECK(payload_right(flat + 66, 0, 40000) && (flat[14 + 20 + 13] & TCP_FIN) == 0);
    flatten(r->out.frames[1], flat);
    CHECK(payload_right(flat + 66, 40000, 20000) && (flat[14 + 20 + 13] & TCP_FIN));
    CHECK(u32(flat + 14 + 20 + 4) == s.seq + 40000);
    rig_free(r);
}

static struct net_options cutting_port(void)
{
    struct net_options o = rig_options();

    o.port.tx_tcp_checksum = o.port.tx_ipv4_checksum = o.port.tso = o.port.tx_chains = true;
    o.port.tso_limit = 65407;
    o.port.tso_frame = 1518;
    return o;
}

/* A TAP's driver cuts IPv4 alone. */
static void a_port_may_cut_one_family_only(void)
{
    for (int both = 0; both < 2; both++) {
        struct net_options o = cutting_port();
        struct tcp_segment s = segment(false, 10000, 1000);
        struct rig *r;

        o.port.tso_v6 = both;
        r = rig_new(&o);
        rig_meet(r, 1);
        net_output(r->net, &s, 2);
        CHECK(r->out.count == (both ? 1 : 10));
        CHECK(!(r->out.frames[0]->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == !both);
        s = segment(true, 10000, 1000);
        net_output(r->net, &s, 2);
        CHECK(r->out.count == (both ? 2 : 11));
        rig_free(r);
    }
}

static uint32_t buffers(const struct rig *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->out.count; i++)
        n += r->out.frames[i]->nb_segs;
    return n;
}

/* However large they are, what waits on the way out takes a bounded part of the pool; and little of
 * it waits for a neighbour. */
static void large_segments_hold_few_buffers(void)
{
    struct net_options o = cutting_port();
    struct tcp_segment s = segment(true, 60000, 1000);
    struct rig *r = rig_new(&o);
    struct packet p;
    uint32_t n = 0;

    net_output(r->net, &s, 1);
    CHECK(rig_count(r, NET_neighbour_dropped) == 60 - NEIGHBOUR_PENDING);
    packet_arp(&p, packet_our_mac, 2, "198.18.0.1", "198.18.0.2");
    rig_input(r, packet_span(&p), 2);
    rig_clear_out(r);
    while (!rig_count(r, NET_out_full) && n++ < 100)
        net_output(r->net, &s, 2);
    CHECK(n > 10 && n < 25 && r->out.count == n - 1 && r->out.buffers <= FRAME_QUEUE);
    CHECK(buffers(r) == r->out.buffers);
    frame_pool_give(&r->pool, r->out.frames, 3);
    frame_queue_taken(&r->out, 3);
    CHECK(buffers(r) == r->out.buffers);
    rig_free(r);
}

static void jumbo_frames_are_chains_with_a_right_sum(void)
{
    struct net_options o = rig_options();
    struct tcp_segment s = segment(false, 8001, 8001);
    static uint8_t flat[9000];
    struct rig *r;

    o.port.tx_chains = true;
    o.port.mtu = 9000;
    CHECK(net_mss(&o, true) == 8960);
    o.port.tx_chains = false;
    CHECK(net_mss(&o, true) < 2048);
    o.port.tx_chains = true;
    r = rig_new(&o);
    rig_meet(r, 1);
    net_output(r->net, &s, 2);
    CHECK(r->out.count == 1 && r->out.frames[0]->nb_segs > 1);
    CHECK(packet_sum_good(span_of(flat, flatten(r->out.frames[0], flat)), 14));
    CHECK(payload_right(flat + 14 + 40 + 32, 0, 8001));
    rig_free(r);
}

static void unknown_neighbours_are_asked_and_frames_wait(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct net_options o = rig_options();
        struct rig *r = rig_new(&o);
        struct tcp_segment s = segment(v4, 3000, 1000);
        struct packet p;

        net_output(r->net, &s, 1);
        CHECK(r->out.count == 0);
        net_timers(r->net, 1);
        CHECK(r->out.count == 1 && rig_count(r, NET_requests_out) == 1);
        CHECK(memcmp(rig_out(r, 0).data,
                     v4 ? packet_broadcast : (const uint8_t *)"\x33\x33\xff\0\0\1", 6) == 0);
        rig_clear_out(r);
        if (v4)
            packet_arp(&p, packet_our_mac, 2, "198.18.0.1", "198.18.0.2");
        else
            packet_ndp(&p, 136, "2001:2::1", "2001:2::2", "2001:2::1", 0x60, 2);
        rig_input(r, packet_span(&p), 2);
        CHECK(r->out.count == 3);
        for (uint32_t i = 0; i < 3; i++)
            CHECK(memcmp(rig_out(r, i).data, packet_peer_mac, 6) == 0 &&
                  packet_sum_good(rig_out(r, i), 14));
        rig_free(r);
    }
}

static void waiting_frames_are_bounded_and_dropped_in_the_end(void)
{
    struct net_options o = rig_options();
    struct rig *r = rig_new(&o);
    struct tcp_segment s = segment(true, 20000, 1000);

    net_output(r->net, &s, 1);
    CHECK(rig_count(r, NET_neighbour_dropped) == 20 - NEIGHBOUR_PENDING);
    for (uint64_t now = 1; now < 10000000; now += 100000)
        net_timers(r->net, now);
    CHECK(rig_count(r, NET_requests_out) == NEIGHBOUR_TRIES &&
          rig_count(r, NET_neighbour_failed) == 1);
    CHECK(rig_count(r, NET_neighbour_dropped) == 20);
    rig_free(r);
}

static void what_is_not_on_the_link_goes_to_the_gateway(void)
{
    struct net_options o = rig_options();
    struct tcp_segment s = segment(true, 10, 1000);
    struct rig *r;

    o.addresses[0].has_gateway = false;
    r = rig_new(&o);
    rig_meet(r, 1);
    s.destination = packet_ip("198.19.1.1");
    net_output(r->net, &s, 2);
    CHECK(r->out.count == 0 && rig_count(r, NET_route_none) == 1);
    s = segment(false, 10, 1000);
    s.destination = packet_ip("2001:2:0:5::1");
    net_output(r->net, &s, 2);
    CHECK(r->out.count == 1);
    s.source = packet_ip("2001:2::77");
    net_output(r->net, &s, 2);
    CHECK(r->out.count == 1 && rig_count(r, NET_route_none) == 2);
    rig_free(r);
}

static void a_full_way_out_is_counted(void)
{
    struct net_options o = rig_options();
    struct rig *r = rig_new(&o);
    struct tcp_segment s = segment(true, 60000, 100);

    rig_meet(r, 1);
    net_output(r->net, &s, 2);
    CHECK(r->out.count == FRAME_QUEUE && rig_count(r, NET_out_full) == 600 - FRAME_QUEUE);
    rig_free(r);
}

static void options_are_checked_by_name(void)
{
    struct net_options o = rig_options();
    char text[200];
    struct writer why = writer_of(text, sizeof(text));

    CHECK(net_options_check(&o, &why));
    o.addresses[1].address = o.addresses[0].address;
    CHECK(!net_options_check(&o, &why));
    CHECK_TEXT(writer_span(&why), "198.18.0.2 has a prefix longer than the address");
    o.addresses[1].prefix = 24;
    o.addresses[1].has_gateway = false;
    why = writer_of(text, sizeof(text));
    CHECK(!net_options_check(&o, &why));
    CHECK_TEXT(writer_span(&why), "198.18.0.2 stands there twice");
    o = rig_options();
    o.addresses[0].gateway = PACKET_PEER6;
    why = writer_of(text, sizeof(text));
    CHECK(!net_options_check(&o, &why));
    CHECK_TEXT(writer_span(&why), "198.18.0.2 has a gateway of the other family");
}

/* What was found for one segment serves the next of the same turn, but not once the neighbour has
 * told of another place. */
static void a_way_holds_until_something_changes(void)
{
    static const uint8_t other[6] = {2, 9, 9, 9, 9, 9};

    for (int v4 = 0; v4 < 2; v4++) {
        struct net_options o = rig_options();
        struct rig *r = rig_new(&o);
        struct tcp_segment s = segment(v4, 0, 1000);
        struct packet p;

        rig_meet(r, 1);
        net_output(r->net, &s, 2);
        s.ecn = 0;
        net_output(r->net, &s, 2);
        CHECK(r->out.count == 2);
        for (uint32_t n = 0; n < 2; n++) {
            struct span f = rig_out(r, n);

            CHECK(memcmp(f.data, packet_peer_mac, 6) == 0 && packet_sum_good(f, 14));
            CHECK((v4 ? f.data[14 + 1] & 3 : f.data[14 + 1] >> 4 & 3) == (n ? 0 : 2));
        }
        packet_arp(&p, packet_our_mac, 2, "198.18.0.1", "198.18.0.2");
        memcpy(p.bytes + 6, other, 6);
        memcpy(p.bytes + 14 + 8, other, 6);
        rig_input(r, packet_span(&p), 2);
        rig_clear_out(r);
        net_output(r->net, &s, 2);
        CHECK(r->out.count == 1 &&
              memcmp(rig_out(r, 0).data, v4 ? other : packet_peer_mac, 6) == 0);
        rig_free(r);
    }
}

int main(void)
{
    rig_environment(NULL);
    check_begin();
    CHECK_CASE(segments_are_cut_at_the_mss);
    CHECK_CASE(a_way_holds_until_something_changes);
    CHECK_CASE(the_port_sums_where_it_offers_to);
    CHECK_CASE(the_port_cuts_where_it_offers_to);
    CHECK_CASE(a_port_may_cut_one_family_only);
    CHECK_CASE(large_segments_hold_few_buffers);
    CHECK_CASE(jumbo_frames_are_chains_with_a_right_sum);
    CHECK_CASE(unknown_neighbours_are_asked_and_frames_wait);
    CHECK_CASE(waiting_frames_are_bounded_and_dropped_in_the_end);
    CHECK_CASE(what_is_not_on_the_link_goes_to_the_gateway);
    CHECK_CASE(a_full_way_out_is_counted);
    CHECK_CASE(options_are_checked_by_name);
    return check_end();
}
