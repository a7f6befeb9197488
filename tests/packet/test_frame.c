/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/frame.h"
#include "tests/harness/check.h"
#include "tests/packet/packet.h"

static enum frame_drop parse(const struct packet *p, struct frame *f)
{
    return frame_parse(span_head(packet_span(p), FRAME_HEAD), p->len, f);
}

static void tcp_over_both_families(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct packet p;
        struct frame f;
        struct ip_address to = v4 ? PACKET_OURS4 : PACKET_OURS6;

        packet_segment(&p, v4, 1000, 25, 100);
        CHECK(parse(&p, &f) == FRAME_KEEP);
        CHECK(f.kind == FRAME_TCP && f.l3 == 14 && f.l4 == (v4 ? 34 : 54) && f.l4_len == 124);
        CHECK(ip_address_equal(&f.destination, &to) && f.hop_limit == 64 && f.vlan == 0);
        CHECK(!v4 || frame_ipv4_checksum_good(packet_span(&p), &f));
    }
}

/* Every shorter frame is refused, by name, and nothing behind it is read. */
static void every_truncation_is_refused(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct packet p;
        struct frame f;

        packet_segment(&p, v4, 1000, 25, 100);
        for (size_t len = 0; len < p.len; len++) {
            struct span copy = guard_copy(span_of(p.bytes, len), true);
            enum frame_drop why = frame_parse(span_head(copy, FRAME_HEAD), len, &f);

            CHECK(why == (len < p.l4 ? FRAME_DROP_frame_short : FRAME_DROP_frame_truncated) ||
                  (why == FRAME_DROP_frame_truncated && len >= p.l3 + (v4 ? 20 : 40)));
            guard_free(copy);
        }
    }
}

/* The same packet without its link's header. */
static void packets_are_read_as_frames_are(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct packet p;
        struct frame f;
        size_t link = 14;

        packet_segment(&p, v4, 1000, 25, 100);
        for (size_t len = 0; len <= p.len - link; len++) {
            struct span copy = guard_copy(span_of(p.bytes + link, len), true);
            enum frame_drop why = frame_parse_packet(span_head(copy, FRAME_HEAD), len, &f);

            CHECK((why == FRAME_KEEP) == (len == p.len - link));
            guard_free(copy);
        }
        CHECK(f.kind == FRAME_TCP && f.l3 == 0 && f.l4 == (v4 ? 20 : 40) && f.l4_len == 124);
    }
    CHECK(frame_parse_packet(span_of("\x50", 1), 1, &(struct frame){0}) != FRAME_KEEP);
}

/* What is read at one glance is what is read step by step, whatever a byte of the headers is. */
static void plain_frames_are_read_as_any(void)
{
    struct packet p;

    packet_segment(&p, true, 1000, 25, 100);
    for (size_t at = 14; at < 38; at++) {
        uint8_t right = p.bytes[at];

        for (int value = 0; value < 256; value++) {
            struct frame f = {0}, g = {0};
            enum frame_drop why;

            if (at == 14 && value >> 4 == 6) /* without a type before it, that is IPv6 */
                continue;
            p.bytes[at] = (uint8_t)value;
            why = parse(&p, &f);
            CHECK(why == frame_parse_packet(span_head(span_skip(packet_span(&p), 14), FRAME_HEAD),
                                            p.len - 14, &g));
            if (why != FRAME_KEEP)
                continue;
            CHECK(memcmp(f.source_mac, packet_peer_mac, 6) == 0 &&
                  memcmp(f.destination_mac, packet_our_mac, 6) == 0);
            CHECK(f.l3 == g.l3 + 14 && f.l4 == g.l4 + 14 && f.l4_len == g.l4_len);
            CHECK(f.kind == g.kind && f.hop_limit == g.hop_limit && f.protocol == g.protocol &&
                  f.next_at == g.next_at && f.ecn == g.ecn && f.v4 == g.v4);
            CHECK(ip_address_equal(&f.source, &g.source) &&
                  ip_address_equal(&f.destination, &g.destination));
            CHECK(!f.fragment_more && !f.fragment_offset && f.fragment_id == g.fragment_id);
        }
        p.bytes[at] = right;
    }
}

static void padding_is_cut_off(void)
{
    struct packet p;
    struct frame f;

    packet_segment(&p, true, 1000, 25, 0);
    packet_append(&p, "\0\0\0\0\0\0", 6);
    CHECK(parse(&p, &f) == FRAME_KEEP && f.l4_len == 24);
}

static void one_tag_is_read_and_two_are_refused(void)
{
    struct packet p;
    struct frame f;

    packet_ethernet(&p, packet_our_mac, 0x6000 | 17, 0x0800);
    packet_ip_header(&p, PACKET_PEER4, PACKET_OURS4, 6, 64);
    packet_tcp(&p, 1, 2, 0);
    packet_finish(&p, 6, 16);
    CHECK(parse(&p, &f) == FRAME_KEEP && f.vlan == 17 && f.l3 == 18);
    packet_ethernet(&p, packet_our_mac, 17, 0x8100);
    packet_append(&p, "\0\x11\x08\0", 4);
    CHECK(parse(&p, &f) == FRAME_DROP_vlan_other);
    packet_ethernet(&p, packet_our_mac, 0, 0x88a8);
    CHECK(parse(&p, &f) == FRAME_DROP_vlan_other);
    packet_ethernet(&p, packet_our_mac, 0, 0x88cc);
    CHECK(parse(&p, &f) == FRAME_DROP_ethertype_other);
}

static void fragments_are_seen(void)
{
    static const uint8_t words[][2] = {{0x20, 0}, {0x00, 1}, {0x1f, 0xff}, {0x3f, 0xff}};
    struct packet p;
    struct frame f;

    for (size_t i = 0; i < sizeof(words) / 2; i++) {
        packet_segment(&p, true, 1, 2, 100);
        memcpy(p.bytes + p.l3 + 6, words[i], 2);
        CHECK(parse(&p, &f) == FRAME_DROP_fragment);
    }
    packet_ethernet(&p, packet_our_mac, 0, 0x86dd);
    packet_ip_header(&p, PACKET_PEER6, PACKET_OURS6, 44, 64);
    packet_append(&p, "\x06\0\0\x01\0\0\0\x01", 8);
    packet_tcp(&p, 1, 2, 10);
    packet_finish(&p, 6, 16);
    CHECK(parse(&p, &f) == FRAME_DROP_fragment);
}

static void bad_ipv4_headers_are_refused(void)
{
    static const struct {
        uint8_t at, value;
        enum frame_drop why;
    } rows[] = {
        {0, 0x44, FRAME_DROP_ip_malformed},    {0, 0x65, FRAME_DROP_ip_malformed},
        {3, 19, FRAME_DROP_ip_malformed},      {12, 127, FRAME_DROP_ip_source},
        {12, 224, FRAME_DROP_ip_source},       {12, 255, FRAME_DROP_ip_source},
        {9, 17, FRAME_DROP_protocol_other},    {9, 58, FRAME_DROP_protocol_other},
        {2, 0xff, FRAME_DROP_frame_truncated},
    };
    struct packet p;
    struct frame f;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        packet_segment(&p, true, 1, 2, 0);
        p.bytes[p.l3 + 2] = 0;
        p.bytes[p.l3 + rows[i].at] = rows[i].value;
        CHECK(parse(&p, &f) == rows[i].why);
    }
    packet_segment(&p, true, 1, 2, 0);
    memset(p.bytes + p.l3 + 12, 0, 4);
    CHECK(parse(&p, &f) == FRAME_DROP_ip_source);
    packet_segment(&p, true, 1, 2, 0);
    p.bytes[p.l3 + 11] ^= 1;
    CHECK(parse(&p, &f) == FRAME_KEEP && !frame_ipv4_checksum_good(packet_span(&p), &f));
}

/* One IPv6 packet whose chain of extension headers is `chain`; its first type is `first`. */
static enum frame_drop with_extensions(uint8_t first, const char *chain, size_t len,
                                       struct frame *f)
{
    struct packet p;

    packet_ethernet(&p, packet_our_mac, 0, 0x86dd);
    packet_ip_header(&p, PACKET_PEER6, PACKET_OURS6, first, 64);
    packet_append(&p, chain, len);
    p.l4 = p.len;
    packet_tcp(&p, 1, 2, 10);
    packet_finish(&p, 6, 16);
    return parse(&p, f);
}

static void extension_headers_are_walked_within_bounds(void)
{
    static const char options[] =
        "\x3c\0\1\4\0\0\0\0\x06\0\1\4\0\0\0\0"; /* destination options twice */
    struct frame f;
    char many[9 * 8];

    CHECK(with_extensions(0, options, 16, &f) == FRAME_KEEP && f.l4 == 14 + 40 + 16 &&
          f.kind == FRAME_TCP);
    CHECK(with_extensions(60, "\0\0\1\4\0\0\0\0\x06\0\1\4\0\0\0\0", 16, &f) ==
          FRAME_DROP_ip_headers);
    CHECK(with_extensions(43, "\x06\0\0\1\0\0\0\0", 8, &f) == FRAME_DROP_ip_source_route);
    CHECK(with_extensions(43, "\x06\0\4\1\0\0\0\0", 8, &f) == FRAME_DROP_ip_headers);
    CHECK(with_extensions(43, "\x06\0\4\0\0\0\0\0", 8, &f) == FRAME_KEEP);
    CHECK(with_extensions(60, "\x06\xff\1\4\0\0\0\0", 8, &f) == FRAME_DROP_ip_headers);
    CHECK(with_extensions(60, "\x06\x05\1\4\0\0\0\0", 8, &f) == FRAME_DROP_ip_headers);
    CHECK(with_extensions(59, "", 0, &f) == FRAME_DROP_protocol_other);
    for (int i = 0; i < 9; i++)
        memcpy(many + i * 8, i == 8 ? "\x06\0\1\4\0\0\0\0" : "\x3c\0\1\4\0\0\0\0", 8);
    CHECK(with_extensions(60, many + 8, 64, &f) == FRAME_KEEP);
    CHECK(with_extensions(60, many, 72, &f) == FRAME_DROP_ip_headers);
}

static void addresses_that_no_host_has_are_refused(void)
{
    static const char *const sources[] = {"ff02::1", "::1", "::", "::ffff:1.2.3.4"};
    struct packet p;
    struct frame f;

    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        packet_segment(&p, false, 1, 2, 0);
        struct ip_address a = packet_ip(sources[i]);

        memcpy(p.bytes + p.l3 + 8, a.bytes, 16);
        CHECK(parse(&p, &f) == FRAME_DROP_ip_source);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(tcp_over_both_families);
    CHECK_CASE(every_truncation_is_refused);
    CHECK_CASE(packets_are_read_as_frames_are);
    CHECK_CASE(plain_frames_are_read_as_any);
    CHECK_CASE(padding_is_cut_off);
    CHECK_CASE(one_tag_is_read_and_two_are_refused);
    CHECK_CASE(fragments_are_seen);
    CHECK_CASE(bad_ipv4_headers_are_refused);
    CHECK_CASE(extension_headers_are_walked_within_bounds);
    CHECK_CASE(addresses_that_no_host_has_are_refused);
    return check_end();
}
