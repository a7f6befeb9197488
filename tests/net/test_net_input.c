/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/net/fake_tcp.h"
#include "tests/net/net_rig.h"

static struct rig *new_rig(void)
{
    struct net_options o = rig_options();

    return rig_new(&o);
}

/* A packet of another protocol, of `len` octets behind the IP header. */
static void foreign(struct packet *p, bool v4, uint8_t protocol, uint32_t len)
{
    uint8_t bytes[4000];

    memset(bytes, 'u', sizeof(bytes));
    packet_ethernet(p, packet_our_mac, PACKET_VLAN_NONE, v4 ? 0x0800 : 0x86dd);
    packet_ip_header(p, v4 ? PACKET_PEER4 : PACKET_PEER6, v4 ? PACKET_OURS4 : PACKET_OURS6,
                     protocol, 64);
    packet_append(p, bytes, len);
    packet_finish(p, protocol, 4);
}

/* RFC 1122 sections 3.2.2.1 and 3.2.2, RFC 4443 sections 3.1 and 3.4 */
static void other_protocols_are_refused(void)
{
    static const struct {
        bool v4;
        uint8_t protocol, type, code;
        uint32_t word, quoted;
    } rows[] = {{true, 17, 3, 3, 0, 120},
                {true, 47, 3, 2, 0, 120},
                {false, 17, 1, 4, 0, 140},
                {false, 47, 4, 1, 6, 140},
                {false, 59, 4, 1, 6, 140}};
    struct rig *r = new_rig();
    struct packet p;

    rig_meet(r, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t at = rows[i].v4 ? 34 : 54;
        struct span out;

        foreign(&p, rows[i].v4, rows[i].protocol, 100);
        rig_clear_out(r);
        rig_input(r, packet_span(&p), 2);
        out = rig_out(r, 0);
        if (!CHECK(r->out.count == 1 && out.len == at + 8 + rows[i].quoted))
            break;
        CHECK(out.data[at] == rows[i].type && out.data[at + 1] == rows[i].code &&
              out.data[at + 7] == rows[i].word);
        CHECK(memcmp(out.data, packet_peer_mac, 6) == 0 && packet_sum_good(out, 14));
        CHECK(memcmp(out.data + at + 8, p.bytes + 14, rows[i].quoted) == 0);
    }
    CHECK(rig_count(r, NET_errors_out) == 5 && rig_count(r, NET_protocol_other) == 5);
    rig_free(r);
}

static void errors_are_short_and_few(void)
{
    struct rig *r = new_rig();
    struct packet p;

    rig_meet(r, 1);
    rig_clear_out(r);
    foreign(&p, true, 17, 1400);
    rig_input(r, packet_span(&p), 2);
    CHECK(rig_out(r, 0).len == 14 + 576);
    rig_clear_out(r);
    foreign(&p, false, 17, 1400);
    rig_input_pieces(r, packet_span(&p), 300, 2);
    CHECK(rig_out(r, 0).len == 14 + 1280 && packet_sum_good(rig_out(r, 0), 14));
    for (int i = 0; i < 500; i++) {
        rig_clear_out(r);
        rig_input(r, packet_span(&p), 2);
    }
    CHECK(rig_count(r, NET_errors_out) == NET_ERRORS && rig_count(r, NET_errors_limited) == 402);
    rig_free(r);
}

/* To a group, by link or by address; about what is not for us. */
static void some_errors_are_never_sent(void)
{
    struct rig *r = new_rig();
    struct packet p;

    rig_meet(r, 1);
    rig_clear_out(r);
    foreign(&p, true, 17, 100);
    memcpy(p.bytes, packet_broadcast, 6);
    rig_input(r, packet_span(&p), 2);
    foreign(&p, true, 17, 100);
    p.bytes[p.l3 + 19] = 255; /* 198.18.0.255 */
    packet_finish(&p, 17, 4);
    rig_input(r, packet_span(&p), 2);
    foreign(&p, true, 58, 100); /* the other family's ICMP */
    rig_input(r, packet_span(&p), 2);
    foreign(&p, true, 17, 100);
    p.bytes[p.l3 + 10] ^= 1; /* the header's checksum */
    rig_input(r, packet_span(&p), 2);
    CHECK(r->out.count == 0 && rig_count(r, NET_errors_out) == 0);
    rig_free(r);
}

static void arp_is_answered_and_learned(void)
{
    struct rig *r = new_rig();
    struct packet p;
    struct span out;

    packet_arp(&p, packet_broadcast, 1, "198.18.0.1", "198.18.0.2");
    rig_input(r, packet_span(&p), 1);
    out = rig_out(r, 0);
    CHECK(r->out.count == 1 && out.len == 42);
    CHECK(memcmp(out.data, packet_peer_mac, 6) == 0 &&
          memcmp(out.data + 6, packet_our_mac, 6) == 0);
    CHECK(memcmp(out.data + 12,
                 "\x08\x06\0\1\x08\0\6\4\0\2\2\0\0\0\0\2\xc6\x12\0\2\2\0\0\0\0\1\xc6\x12\0\1",
                 30) == 0);
    rig_clear_out(r);
    packet_arp(&p, packet_broadcast, 1, "198.18.0.1", "198.18.0.3");
    rig_input(r, packet_span(&p), 1);
    packet_arp(&p, packet_broadcast, 1, "0.0.0.0",
               "198.18.0.2"); /* a probe: answered, not learned */
    rig_input(r, packet_span(&p), 1);
    CHECK(r->out.count == 1);
    packet_arp(&p, packet_broadcast, 1, "198.18.0.2", "198.18.0.2");
    rig_input(r, packet_span(&p), 1);
    CHECK(r->out.count == 1 && rig_count(r, NET_addresses_duplicate) == 1);
    packet_arp(&p, packet_broadcast, 1, "198.18.0.1", "198.18.0.2");
    p.bytes[p.l3 + 8] ^= 4; /* the packet names another MAC than the frame */
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_arp_malformed) == 1);
    rig_free(r);
}

static void solicitations_are_answered(void)
{
    struct rig *r = new_rig();
    struct packet p;
    struct span out;

    packet_ndp(&p, 135, "2001:2::1", "ff02::1:ff00:2", "2001:2::2", 0, 1);
    rig_input(r, packet_span(&p), 1);
    out = rig_out(r, 0);
    CHECK(r->out.count == 1 && out.len == 14 + 40 + 32 && packet_sum_good(out, 14));
    CHECK(memcmp(out.data, packet_peer_mac, 6) == 0 && out.data[14 + 7] == 255);
    CHECK(out.data[54] == 136 && out.data[58] == 0x60 && out.data[78] == 2 && out.data[79] == 1);
    CHECK(memcmp(out.data + 80, packet_our_mac, 6) == 0);
    rig_clear_out(r);
    /* Somebody's duplicate address detection for our address: all nodes are told. */
    packet_ndp(&p, 135, "::", "ff02::1:ff00:2", "2001:2::2", 0, 0);
    rig_input(r, packet_span(&p), 1);
    out = rig_out(r, 0);
    CHECK(r->out.count == 1 && memcmp(out.data, "\x33\x33\0\0\0\1", 6) == 0 &&
          out.data[58] == 0x20);
    rig_free(r);
}

static void spoiled_discovery_is_refused(void)
{
    static const struct {
        const char *source, *destination;
        size_t at;
        uint8_t value, option;
    } rows[] = {
        {"2001:2::1", "2001:2::2", 21, 254, 1},  /* came through a router */
        {"2001:2::1", "2001:2::2", 55, 1, 1},    /* code */
        {"2001:2::1", "2001:2::2", 62, 0xff, 1}, /* the target is a group */
        {"2001:2::1", "2001:2::2", 79, 0, 1},    /* an option without length */
        {"2001:2::1", "2001:2::2", 79, 2, 1},    /* an option beyond the end */
        {"::", "ff02::1:ff00:2", 54, 135, 1},    /* detection that names a MAC address */
        {"::", "2001:2::2", 54, 135, 0},         /* detection to one */
    };
    struct rig *r = new_rig();

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct packet p;

        packet_ndp(&p, 135, rows[i].source, rows[i].destination, "2001:2::2", 0, rows[i].option);
        p.bytes[rows[i].at] = rows[i].value;
        packet_finish(&p, 58, 2);
        rig_input(r, packet_span(&p), 1);
        CHECK(rig_count(r, NET_ndp_malformed) == i + 1);
    }
    CHECK(r->out.count == 0);
    rig_free(r);
}

static void detection_keeps_addresses_back_until_its_end(void)
{
    struct net_options o = rig_options();
    struct packet p;
    struct rig *r;

    o.dad_ms = 1000;
    r = rig_new(&o);
    net_start(r->net, 1000);
    /* IPv4 is announced at once; for our address and the link-local one somebody may object. */
    CHECK(r->out.count == 3 && !net_ready(r->net) && net_next_timer(r->net) == 1001000);
    CHECK(rig_out(r, 1).data[54] == 135 &&
          memcmp(rig_out(r, 1).data + 22, (uint8_t[16]){0}, 16) == 0);
    rig_clear_out(r);
    packet_echo(&p, false, 8);
    rig_input(r, packet_span(&p), 2000);
    CHECK(rig_count(r, NET_ip_tentative) == 1 && r->out.count == 0);
    net_timers(r->net, 1001000);
    CHECK(net_ready(r->net) && r->out.count == 2 && rig_out(r, 0).data[54] == 136);
    rig_clear_out(r);
    rig_input(r, packet_span(&p), 1002000);
    CHECK(rig_count(r, NET_echo_in) == 1);
    rig_free(r);
}

static void an_address_that_somebody_has_is_given_up(void)
{
    for (int question = 0; question < 2; question++) {
        struct net_options o = rig_options();
        struct packet p;
        struct rig *r;

        o.dad_ms = 1000;
        r = rig_new(&o);
        net_start(r->net, 0);
        if (question)
            packet_ndp(&p, 135, "::", "ff02::1:ff00:2", "2001:2::2", 0, 0);
        else
            packet_ndp(&p, 136, "2001:2::2", "ff02::1", "2001:2::2", 0x20, 2);
        rig_input(r, packet_span(&p), 5000);
        CHECK(rig_count(r, NET_addresses_duplicate) == 1);
        net_timers(r->net, 2000000);
        packet_echo(&p, false, 8);
        rig_input(r, packet_span(&p), 2000001);
        CHECK(rig_count(r, NET_ip_tentative) == 1 && rig_count(r, NET_echo_in) == 0 &&
              net_ready(r->net));
        rig_free(r);
    }
}

static void echo_is_answered_with_the_same_bytes(void)
{
    static const uint32_t lengths[] = {0, 1, 56, 1472 - 20};

    for (int v4 = 0; v4 < 2; v4++) {
        for (size_t i = 0; i < 4; i++) {
            struct rig *r = new_rig();
            struct packet p;
            struct span out;

            rig_meet(r, 1);
            packet_echo(&p, v4, lengths[i]);
            rig_input(r, packet_span(&p), 1);
            out = rig_out(r, 0);
            CHECK(r->out.count == 1 && out.len == p.len && packet_sum_good(out, 14));
            CHECK(out.data[p.l4] == (v4 ? 0 : 129));
            CHECK(memcmp(out.data + p.l4 + 4, p.bytes + p.l4 + 4, p.len - p.l4 - 4) == 0);
            p.bytes[p.l4 + 5] ^= 1;
            rig_input(r, packet_span(&p), 1);
            CHECK(r->out.count == 1 && rig_count(r, NET_icmp_malformed) == 1);
            rig_free(r);
        }
    }
}

/* No frame is left to answer with: nothing is sent, nobody waits, and the next one is answered. */
static void an_empty_pool_answers_nobody_and_recovers(void)
{
    enum { MOST = 8192 };
    static struct rte_mbuf *taken[MOST];
    struct rig *r = new_rig();
    struct rte_mbuf *request;
    struct packet p;
    uint32_t n = 0;

    rig_meet(r, 1);
    packet_echo(&p, true, 8);
    rig_input(r, packet_span(&p), 1);
    CHECK(r->out.count == 1);
    rig_clear_out(r);
    /* One to come in by, none to answer with. */
    request = rig_frame(r, packet_span(&p), 0);
    while (n < MOST && (taken[n] = frame_pool_take(&r->pool)) != NULL)
        n++;
    CHECK(n > 0 && n < MOST);
    frame_pool_received(taken, n);
    net_input(r->net, &request, 1, 2, &r->burst);
    CHECK(r->out.count == 0 && rig_count(r, NET_frame_none) == 1);
    frame_pool_give(&r->pool, taken, n);
    frame_pool_give(&r->pool, &request, 1);
    rig_input(r, packet_span(&p), 3);
    CHECK(r->out.count == 1);
    rig_free(r);
}

static void echo_is_limited(void)
{
    struct rig *r = new_rig();
    struct packet p;

    rig_meet(r, 1);
    packet_echo(&p, true, 8);
    for (int i = 0; i < NET_ECHOES + 50; i++) {
        rig_input(r, packet_span(&p), 2);
        rig_clear_out(r);
    }
    CHECK(rig_count(r, NET_echo_in) == NET_ECHOES && rig_count(r, NET_icmp_limited) == 50);
    rig_free(r);
}

static void tagged_frames_are_answered_with_the_tag(void)
{
    struct net_options o = rig_options();
    struct packet p, q;
    struct rig *r;

    o.vlan = 17;
    r = rig_new(&o);
    packet_arp(&p, packet_broadcast, 1, "198.18.0.1", "198.18.0.2");
    rig_input(r, packet_span(&p), 1);
    CHECK(r->out.count == 0 && rig_count(r, NET_vlan_other) == 1);
    packet_ethernet(&q, packet_broadcast, 0x2000 | 17, 0x0806);
    packet_append(&q, p.bytes + 14, 28);
    rig_input(r, packet_span(&q), 1);
    CHECK(r->out.count == 1 && memcmp(rig_out(r, 0).data + 12, "\x81\0\0\x11\x08\x06", 6) == 0);
    /* The same when the port took the tag off. */
    r->last->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    r->last->vlan_tci = 17;
    net_input(r->net, &r->last, 1, 2, &r->burst);
    CHECK(rig_count(r, NET_vlan_other) == 2); /* stripped, and still tagged: twice */
    rig_input(r, packet_span(&p), 2);
    r->last->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    r->last->vlan_tci = 17;
    net_input(r->net, &r->last, 1, 2, &r->burst);
    CHECK(r->out.count == 2);
    rig_free(r);
}

/* However a port scatters a frame, the segment is the same. */
static void segments_come_out_the_same_however_scattered(void)
{
    static const uint32_t pieces[] = {0, 1000, 400, 200, 57, 38};

    for (int v4 = 0; v4 < 2; v4++) {
        for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
            struct rig *r = new_rig();
            const struct tcp_packet *t = &r->burst.tcp[0];
            struct packet p;
            uint32_t at = 0;
            bool same = true;

            packet_segment(&p, v4, 1000, 25, 230);
            rig_input_pieces(r, packet_span(&p), pieces[i], 1);
            CHECK(r->burst.tcp_count == 1 && t->header.len == 24);
            CHECK(memcmp(t->header.data, p.bytes + p.l4, 24) == 0);
            for (uint32_t j = 0; j < t->pieces; j++)
                for (size_t k = 0; k < t->payload[j].len; k++)
                    same &= t->payload[j].data[k] == packet_byte(at++);
            CHECK(same && at == 230);
            p.bytes[p.len - 1] ^= 1;
            rig_input_pieces(r, packet_span(&p), pieces[i], 1);
            CHECK(r->burst.tcp_count == 0 && rig_count(r, NET_tcp_checksum) == 1);
            rig_free(r);
        }
    }
}

static void too_many_pieces_are_refused(void)
{
    struct rig *r = new_rig();
    struct packet p;

    packet_segment(&p, true, 1000, 25, 300);
    rig_input_pieces(r, packet_span(&p), 300 / TCP_PIECES, 1);
    CHECK(r->burst.tcp_count == 0 && rig_count(r, NET_pieces) == 1);
    rig_free(r);
}

static void checksum_status_of_the_port_is_believed(void)
{
    struct rig *r = new_rig();
    struct packet p;

    packet_segment(&p, true, 1000, 25, 100);
    p.bytes[p.len - 1] ^= 1;
    rig_input(r, packet_span(&p), 1);
    CHECK(r->burst.tcp_count == 0);
    r->last->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    net_input(r->net, &r->last, 1, 1, &r->burst);
    CHECK(r->burst.tcp_count == 1);
    r->last->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
    net_input(r->net, &r->last, 1, 1, &r->burst);
    CHECK(r->burst.tcp_count == 1);
    r->last->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
    net_input(r->net, &r->last, 1, 1, &r->burst);
    CHECK(r->burst.tcp_count == 0);
    r->last->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    net_input(r->net, &r->last, 1, 1, &r->burst);
    CHECK(r->burst.tcp_count == 0 && rig_count(r, NET_ip_checksum) == 1);
    rig_free(r);
}

static void a_checksum_left_to_hardware_has_a_name(void)
{
    struct rig *r = new_rig();
    struct packet p;
    uint16_t pseudo;

    packet_segment(&p, true, 1000, 25, 100);
    pseudo = packet_reference_sum(p.bytes + p.l3 + 12, 8, 6 + (uint32_t)(p.len - p.l4));
    p.bytes[p.l4 + 16] = (uint8_t)(pseudo >> 8);
    p.bytes[p.l4 + 17] = (uint8_t)pseudo;
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_tcp_checksum_partial) == 1 && rig_count(r, NET_tcp_checksum) == 0);
    rig_free(r);
}

static void what_is_not_for_us_is_counted_by_reason(void)
{
    struct rig *r = new_rig();
    struct packet p;

    packet_segment(&p, true, 1000, 25, 0);
    p.bytes[5] = 9;
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_frame_foreign) == 1);
    packet_segment(&p, true, 1000, 25, 0);
    memcpy(p.bytes + 6, packet_our_mac, 6);
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_frame_echo) == 1);
    packet_segment(&p, true, 1000, 25, 0);
    p.bytes[p.l3 + 19] = 77;
    packet_finish(&p, 6, 16);
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_ip_foreign) == 1);
    packet_segment(&p, true, 1000, 25, 0);
    memcpy(p.bytes, packet_broadcast, 6);
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_tcp_multicast) == 1);
    packet_segment(&p, true, 1000, 25, 0);
    p.bytes[p.l4 + 12] = 0x40;
    packet_finish(&p, 6, 16);
    rig_input(r, packet_span(&p), 1);
    p.bytes[p.l4 + 12] = 0x70;
    packet_finish(&p, 6, 16);
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_tcp_malformed) == 2);
    packet_segment(&p, true, 1000, 25, 0);
    p.bytes[p.l3 + 15] = 2;
    packet_finish(&p, 6, 16);
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_ip_source) == 1 && r->burst.tcp_count == 0);
    rig_free(r);
}

/* An ICMP error from a router that quotes `ours` -> peer, with `quoted` bytes of TCP. */
static void icmp_error(struct packet *p, bool v4, uint8_t type, uint8_t code, uint32_t word,
                       size_t quoted)
{
    uint8_t head[8] = {type,
                       code,
                       0,
                       0,
                       (uint8_t)(word >> 24),
                       (uint8_t)(word >> 16),
                       (uint8_t)(word >> 8),
                       (uint8_t)word};
    struct packet inner;

    inner.len = 0;
    inner.l3 = 0;
    packet_ip_header(&inner, v4 ? PACKET_OURS4 : PACKET_OURS6, v4 ? PACKET_PEER4 : PACKET_PEER6, 6,
                     64);
    packet_tcp(&inner, 25, 1000, 0);
    packet_ethernet(p, packet_our_mac, 0, v4 ? 0x0800 : 0x86dd);
    packet_ip_header(p, packet_ip(v4 ? "198.18.9.9" : "2001:2:0:9::9"),
                     v4 ? PACKET_OURS4 : PACKET_OURS6, v4 ? 1 : 58, 60);
    packet_append(p, head, 8);
    packet_append(p, inner.bytes, inner.l4 + quoted);
    packet_finish(p, v4 ? 1 : 58, 2);
}

static void errors_that_quote_our_segments_reach_tcp(void)
{
    static const struct {
        bool v4;
        uint8_t type, code;
        uint32_t word, mtu;
        bool hard;
    } rows[] = {
        {true, 3, 3, 0, 0, true},         {true, 3, 1, 0, 0, false},
        {true, 3, 4, 1400, 1400, false},  {true, 11, 0, 0, 0, false},
        {false, 1, 4, 0, 0, true},        {false, 1, 0, 0, 0, false},
        {false, 2, 0, 1280, 1280, false},
    };
    struct rig *r = new_rig();
    struct packet p;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct ip_address ours = rows[i].v4 ? PACKET_OURS4 : PACKET_OURS6;
        const struct net_error *e = &r->burst.errors[0];

        icmp_error(&p, rows[i].v4, rows[i].type, rows[i].code, rows[i].word, 8);
        rig_input_pieces(r, packet_span(&p), i % 2 ? 40 : 0, 1);
        CHECK(r->burst.error_count == 1 && e->mtu == rows[i].mtu && e->hard == rows[i].hard);
        CHECK(ip_address_equal(&e->quoted.source, &ours) && e->quoted.header.len == 8 &&
              memcmp(e->quoted.header.data, "\0\x19\x03\xe8", 4) == 0);
    }
    icmp_error(&p, true, 3, 3, 0, 7);
    rig_input(r, packet_span(&p), 1);
    CHECK(r->burst.error_count == 0);
    icmp_error(&p, true, 3, 3, 0, 8);
    p.bytes[p.l4 + 8 + 15] = 77; /* a segment of somebody else's */
    packet_finish(&p, 1, 2);
    rig_input(r, packet_span(&p), 1);
    CHECK(r->burst.error_count == 0 && rig_count(r, NET_icmp_other) == 2);
    rig_free(r);
}

static void a_flow_of_another_worker_is_passed_both_ways_alike(void)
{
    struct net_options o = rig_options();
    struct packet p;
    struct rig *r;

    o.workers = 2;
    r = rig_new(&o);
    packet_segment(&p, true, 1000, 25, 10); /* the fake owner: the ports' sum */
    rig_input(r, packet_span(&p), 1);
    CHECK(r->burst.tcp_count == 0 && r->burst.passed_count == 1 && r->burst.owner[0] == 1);
    frame_note(r->last)->way = FRAME_WAY_PASSED;
    net_input(r->net, &r->last, 1, 1, &r->burst);
    CHECK(r->burst.tcp_count == 1 && r->burst.passed_count == 0);
    icmp_error(&p, true, 3, 3, 0, 8);
    rig_input(r, packet_span(&p), 1);
    CHECK(r->burst.error_count == 0 && r->burst.passed_count == 1 && r->burst.owner[0] == 1);
    packet_arp(&p, packet_broadcast, 1, "198.18.0.1", "198.18.0.2");
    rig_input(r, packet_span(&p), 1);
    CHECK(r->burst.learn_count == 1 && r->out.count == 1);
    frame_note(r->last)->way = FRAME_WAY_LEARN;
    net_input(r->net, &r->last, 1, 1, &r->burst);
    CHECK(r->burst.learn_count == 0 && r->out.count == 1);
    rig_free(r);
}

int main(void)
{
    rig_environment(NULL);
    check_begin();
    CHECK_CASE(other_protocols_are_refused);
    CHECK_CASE(errors_are_short_and_few);
    CHECK_CASE(some_errors_are_never_sent);
    CHECK_CASE(arp_is_answered_and_learned);
    CHECK_CASE(solicitations_are_answered);
    CHECK_CASE(spoiled_discovery_is_refused);
    CHECK_CASE(detection_keeps_addresses_back_until_its_end);
    CHECK_CASE(an_address_that_somebody_has_is_given_up);
    CHECK_CASE(echo_is_answered_with_the_same_bytes);
    CHECK_CASE(echo_is_limited);
    CHECK_CASE(an_empty_pool_answers_nobody_and_recovers);
    CHECK_CASE(tagged_frames_are_answered_with_the_tag);
    CHECK_CASE(segments_come_out_the_same_however_scattered);
    CHECK_CASE(too_many_pieces_are_refused);
    CHECK_CASE(checksum_status_of_the_port_is_believed);
    CHECK_CASE(a_checksum_left_to_hardware_has_a_name);
    CHECK_CASE(what_is_not_for_us_is_counted_by_reason);
    CHECK_CASE(errors_that_quote_our_segments_reach_tcp);
    CHECK_CASE(a_flow_of_another_worker_is_passed_both_ways_alike);
    return check_end();
}
