/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net_fragment.h"

#include <stdlib.h>

#include "tests/net/fake_tcp.h"
#include "tests/net/net_rig.h"

/* Packets in fragments: put together, refused, forgotten. */
enum { PAYLOAD = 200, HEADER = 24, L4 = HEADER + PAYLOAD };

static struct rig *new_rig(uint32_t workers)
{
    struct net_options o = rig_options();

    o.workers = workers;
    return rig_new(&o);
}

/* Bytes [start, end) of what stands behind the IP header of `whole`, as a fragment. */
static void cut(struct packet *p, const struct packet *whole, uint16_t id, uint32_t start,
                uint32_t end, bool more)
{
    bool v4 = whole->v4;

    packet_ethernet(p, packet_our_mac, PACKET_VLAN_NONE, v4 ? 0x0800 : 0x86dd);
    packet_ip_header(p, v4 ? PACKET_PEER4 : PACKET_PEER6, v4 ? PACKET_OURS4 : PACKET_OURS6,
                     v4 ? 6 : 44, 64);
    if (v4) {
        p->bytes[p->l3 + 4] = (uint8_t)(id >> 8);
        p->bytes[p->l3 + 5] = (uint8_t)id;
        p->bytes[p->l3 + 6] = (uint8_t)(start / 8 >> 8 | (more ? 0x20 : 0));
        p->bytes[p->l3 + 7] = (uint8_t)(start / 8);
    } else {
        uint8_t h[8] = {6, 0, (uint8_t)(start >> 8), (uint8_t)(start | more),
                        0, 0, (uint8_t)(id >> 8),    (uint8_t)id};

        packet_append(p, h, 8);
    }
    packet_append(p, whole->bytes + whole->l4 + start, end - start);
    /* The fragment's own "sum" is not one: only lengths and the IPv4 header's sum are wanted. */
    if (v4) {
        uint16_t sum;

        p->bytes[p->l3 + 2] = (uint8_t)((p->len - p->l3) >> 8);
        p->bytes[p->l3 + 3] = (uint8_t)(p->len - p->l3);
        sum = (uint16_t)~packet_reference_sum(p->bytes + p->l3, 20, 0);
        p->bytes[p->l3 + 10] = (uint8_t)(sum >> 8);
        p->bytes[p->l3 + 11] = (uint8_t)sum;
    } else {
        p->bytes[p->l3 + 4] = (uint8_t)((p->len - p->l3 - 40) >> 8);
        p->bytes[p->l3 + 5] = (uint8_t)(p->len - p->l3 - 40);
    }
}

static void give(struct rig *r, const struct packet *whole, uint16_t id, uint32_t start,
                 uint32_t end, uint64_t now)
{
    struct packet p;

    cut(&p, whole, id, start, end, end < whole->len - whole->l4);
    rig_input(r, packet_span(&p), now);
}

/* What was put together goes in; true when it is the segment that was cut. */
static bool comes_out(struct rig *r, const struct packet *whole)
{
    struct rte_mbuf *frame;
    bool good = false;

    while (net_made(r->net, &frame, 1)) {
        const struct tcp_packet *t = &r->burst.tcp[0];
        const uint8_t *l4 = whole->bytes + whole->l4;
        size_t at = HEADER;

        net_input(r->net, &frame, 1, 5, &r->burst);
        good = r->burst.tcp_count == 1 && span_equal(t->header, span_of(l4, HEADER));
        for (uint32_t i = 0; good && i < t->pieces; i++) {
            good = span_equal(t->payload[i], span_of(l4 + at, t->payload[i].len));
            at += t->payload[i].len;
        }
        good = good && at == whole->len - whole->l4;
        frame_pool_give(&r->pool, &frame, 1);
    }
    return good;
}

static void any_cut_gives_the_segment(void)
{
    struct rig *r = new_rig(1);
    struct packet whole;
    uint16_t id = 0;

    for (int v4 = 0; v4 < 2; v4++) {
        packet_segment(&whole, v4, 4000, 25, PAYLOAD);
        for (uint32_t at = HEADER; at < L4; at += 8) {
            give(r, &whole, ++id, 0, at, 1);
            give(r, &whole, id, at, L4, 1);
            CHECK(comes_out(r, &whole));
            give(r, &whole, ++id, at, L4, 1);
            give(r, &whole, id, 0, at, 1);
            CHECK(comes_out(r, &whole));
        }
    }
    CHECK(rig_count(r, NET_fragments_whole) == id);
    rig_free(r);
}

static void three_parts_in_any_order(void)
{
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const uint32_t at[] = {0, 40, 96, L4};
    struct rig *r = new_rig(1);
    struct packet whole;

    packet_segment(&whole, false, 4000, 25, PAYLOAD);
    for (uint16_t i = 0; i < 6; i++) {
        for (int j = 0; j < 3; j++)
            give(r, &whole, i, at[orders[i][j]], at[orders[i][j] + 1], 1);
        CHECK(comes_out(r, &whole));
    }
    rig_free(r);
}

/* RFC 5722 section 3: the packet is gone, and what comes later of it too. */
static void overlaps_end_the_packet(void)
{
    static const uint32_t rows[][2] = {{40, 88},  {56, 104}, {48, 96}, {56, 88},
                                       {48, 104}, {40, 104}, {48, 88}, {56, 96}};
    struct packet whole, other;
    struct rig *r = new_rig(1);

    for (int v4 = 0; v4 < 2; v4++) {
        packet_segment(&whole, v4, 4000, 25, PAYLOAD);
        other = whole;
        other.bytes[other.l4 + 60] ^= 1;
        for (uint16_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            uint64_t before = rig_count(r, NET_fragment_overlap);

            give(r, &whole, i, 48, 96, 1);
            give(r, &other, i, rows[i][0], rows[i][1], 1);
            CHECK(rig_count(r, NET_fragment_overlap) == before + 1);
            give(r, &whole, i, 0, 48, 1);
            give(r, &whole, i, 96, L4, 1);
            CHECK(!comes_out(r, &whole));
        }
    }
    CHECK(rig_count(r, NET_fragment_late) == 32 && rig_count(r, NET_fragments_whole) == 0);
    rig_free(r);
}

static void exact_repetitions_are_passed_over(void)
{
    struct rig *r = new_rig(1);
    struct packet whole;

    packet_segment(&whole, true, 4000, 25, PAYLOAD);
    for (int i = 0; i < 20; i++)
        give(r, &whole, 1, 0, 96, 1);
    give(r, &whole, 1, 96, L4, 1);
    CHECK(comes_out(r, &whole) && rig_count(r, NET_fragment_again) == 19);
    rig_free(r);
}

/* Two ends, or bytes behind the end. */
static void ends_must_agree(void)
{
    struct rig *r = new_rig(1);
    struct packet whole, longer;

    packet_segment(&whole, true, 4000, 25, PAYLOAD);
    packet_segment(&longer, true, 4000, 25, PAYLOAD + 80);
    give(r, &whole, 1, 96, L4, 1);
    give(r, &longer, 1, L4, L4 + 80, 1);
    give(r, &longer, 2, L4, L4 + 56, 1);
    give(r, &whole, 2, 96, L4, 1);
    CHECK(rig_count(r, NET_fragment_overlap) == 2);
    rig_free(r);
}

static void packets_are_bounded(void)
{
    struct rig *r = new_rig(1);
    struct packet whole, p;

    packet_segment(&whole, true, 4000, 25, PAYLOAD);
    for (uint32_t i = 0; i < FRAGMENT_PIECES + 1; i++)
        give(r, &whole, 1, 24 + 16 * i, 32 + 16 * i, 1);
    CHECK(rig_count(r, NET_fragment_many) == 1);
    cut(&p, &whole, 2, 0, 30, true); /* not a multiple of 8 */
    rig_input(r, packet_span(&p), 1);
    cut(&p, &whole, 2, 0, 16, true); /* not even its TCP header */
    rig_input(r, packet_span(&p), 1);
    packet_segment(&whole, false, 4000, 25, PAYLOAD);
    cut(&p, &whole, 2, 0, 104, true);
    p.bytes[p.l3 + 42] = 0x24; /* at 9216, beyond what we keep */
    rig_input(r, packet_span(&p), 1);
    CHECK(rig_count(r, NET_fragment_bad) == 3);
    rig_free(r);
}

static void the_oldest_makes_room(void)
{
    struct rig *r = new_rig(1);
    struct packet whole;

    packet_segment(&whole, true, 4000, 25, PAYLOAD);
    for (uint16_t id = 1; id <= FRAGMENT_PACKETS + 1; id++)
        give(r, &whole, id, 0, 96, id);
    CHECK(rig_count(r, NET_fragment_evicted) == 1);
    give(r, &whole, 2, 96, L4, 100);
    CHECK(comes_out(r, &whole));
    give(r, &whole, 1, 96, L4, 100);
    CHECK(!comes_out(r, &whole));
    rig_free(r);
}

/* RFC 1122 section 3.3.2, RFC 8200 section 4.5: after a minute, and the sender is told. */
static void the_rest_may_not_come(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct rig *r = new_rig(1);
        struct packet whole;
        size_t at = v4 ? 34 : 54;

        rig_meet(r, 1);
        rig_clear_out(r);
        packet_segment(&whole, v4, 4000, 25, PAYLOAD);
        give(r, &whole, 1, 0, 96, 1000);
        give(r, &whole, 2, 96, L4, 1000); /* its first is missing: nobody is told */
        CHECK(net_next_timer(r->net) <= 1000 + FRAGMENT_US);
        net_timers(r->net, 999 + FRAGMENT_US);
        CHECK(rig_count(r, NET_fragment_timeout) == 0);
        net_timers(r->net, 1000 + FRAGMENT_US);
        CHECK(rig_count(r, NET_fragment_timeout) == 2 && rig_count(r, NET_errors_out) == 1);
        if (CHECK(r->out.count >= 1)) {
            struct span out = rig_out(r, r->out.count - 1);

            for (uint32_t i = 0; i < r->out.count; i++)
                if (rig_out(r, i).len > at + 8 && rig_out(r, i).data[at] == (v4 ? 11 : 3))
                    out = rig_out(r, i);
            CHECK(out.data[at] == (v4 ? 11 : 3) && out.data[at + 1] == 1);
            CHECK(packet_sum_good(out, 14));
        }
        give(r, &whole, 1, 96, L4, 1001 + FRAGMENT_US);
        CHECK(!comes_out(r, &whole));
        rig_free(r);
    }
}

/* RFC 6946: a fragment that is the whole packet is none. */
static void an_atomic_fragment_is_a_packet(void)
{
    struct rig *r = new_rig(1);
    struct packet whole, p;

    packet_segment(&whole, false, 4000, 25, PAYLOAD);
    cut(&p, &whole, 1, 0, L4, false);
    rig_input(r, packet_span(&p), 1);
    CHECK(r->burst.tcp_count == 1 && rig_count(r, NET_fragments_in) == 0);
    rig_free(r);
}

/* All fragments of a packet meet on one worker, and the packet goes to its flow's owner. */
static void fragments_meet_and_go_home(void)
{
    struct packet whole, p;
    uint32_t taken = 0, passed = 0;

    packet_segment(&whole, true, 4001, 25, PAYLOAD);
    for (uint32_t worker = 0; worker < 4; worker++) {
        struct net_options o = rig_options();
        struct rig *r;

        o.workers = 4;
        o.worker = worker;
        r = rig_new(&o);
        cut(&p, &whole, 1, 0, 96, true);
        rig_input(r, packet_span(&p), 1);
        if (r->burst.passed_count) {
            passed++;
        } else {
            struct rte_mbuf *frame = NULL;

            taken++;
            give(r, &whole, 1, 96, L4, 1);
            CHECK(net_made(r->net, &frame, 1) == 1);
            net_input(r->net, &frame, 1, 2, &r->burst);
            CHECK(r->burst.tcp_count + r->burst.passed_count == 1);
            frame_pool_give(&r->pool, &frame, 1);
        }
        rig_free(r);
    }
    CHECK(taken == 1 && passed == 3);
}

/* RFC 3168 section 5.3 */
static void marks_of_congestion_are_kept(void)
{
    static const struct {
        uint8_t first, second, whole;
    } rows[] = {{2, 2, 2}, {2, 3, 3}, {3, 1, 3}, {0, 0, 0}, {0, 3, 9}};
    struct fragments *table = calloc(1, sizeof(*table));
    static const uint8_t bytes[48];

    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct frame f = {.v4 = true,
                          .protocol = 6,
                          .fragment_id = i,
                          .fragment_more = true,
                          .ecn = rows[i].first};
        struct fragment_packet *whole;

        CHECK(fragment_add(table, &f, span_of(bytes, 20), span_of(bytes, 24), 1, &whole) ==
              NET_KEEP);
        f.fragment_offset = 24;
        f.fragment_more = false;
        f.ecn = rows[i].second;
        CHECK((fragment_add(table, &f, span_of(bytes, 20), span_of(bytes, 24), 1, &whole) ==
               NET_KEEP) == (rows[i].whole < 4));
        if (CHECK(!!whole == (rows[i].whole < 4)) && whole) {
            CHECK(whole->frame.ecn == rows[i].whole);
            fragment_done(table, whole);
        }
    }
    free(table);
}

int main(void)
{
    rig_environment(NULL);
    check_begin();
    CHECK_CASE(any_cut_gives_the_segment);
    CHECK_CASE(three_parts_in_any_order);
    CHECK_CASE(overlaps_end_the_packet);
    CHECK_CASE(exact_repetitions_are_passed_over);
    CHECK_CASE(ends_must_agree);
    CHECK_CASE(packets_are_bounded);
    CHECK_CASE(the_oldest_makes_room);
    CHECK_CASE(the_rest_may_not_come);
    CHECK_CASE(an_atomic_fragment_is_a_packet);
    CHECK_CASE(fragments_meet_and_go_home);
    CHECK_CASE(marks_of_congestion_are_kept);
    return check_end();
}
