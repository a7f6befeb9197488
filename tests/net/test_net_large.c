/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/net/net_rig.h"

/* Frames larger than the MTU, chains cut anywhere, and that no frame of any kind is lost without a
 * row that counts it. */

static struct rig *new_rig(void)
{
    struct net_options o = rig_options();

    return rig_new(&o);
}

static bool payload_is(const struct tcp_packet *t, uint32_t len)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < t->pieces; i++)
        for (size_t k = 0; k < t->payload[i].len; k++)
            if (t->payload[i].data[k] != packet_byte(at++))
                return false;
    return at == len;
}

/* Where the first buffer ends is the port's business: within any header, behind all of them. */
static void chains_may_be_cut_anywhere(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct rig *r = new_rig();
        struct packet p;

        packet_segment(&p, v4, 1000, 25, 500);
        for (uint32_t first = 1; first < p.len; first++) {
            rig_input_cut(r, packet_span(&p), first, 1);
            if (!CHECK(r->burst.tcp_count == 1 && r->burst.tcp[0].header.len == 24 &&
                       memcmp(r->burst.tcp[0].header.data, p.bytes + p.l4, 24) == 0 &&
                       payload_is(&r->burst.tcp[0], 500)))
                break;
        }
        rig_free(r);
    }
}

/* Large receive: many segments as one, up to what an IP packet can hold. */
static void what_the_port_joined_is_taken_whole(void)
{
    static const uint32_t lengths[] = {1461, 2920, 16000, 43440, 65535 - 60 - 24};

    for (int v4 = 0; v4 < 2; v4++)
        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
            for (uint32_t piece = 1900; piece <= 2048; piece += 37) {
                struct rig *r = new_rig();
                struct packet p;

                packet_segment(&p, v4, 1000, 25, lengths[i]);
                rig_input_pieces(r, packet_span(&p), piece, 1);
                CHECK(r->burst.tcp_count == 1 && payload_is(&r->burst.tcp[0], lengths[i]));
                p.bytes[p.len - 1] ^= 1;
                rig_input_pieces(r, packet_span(&p), piece, 1);
                CHECK(r->burst.tcp_count == 0 && rig_count(r, NET_tcp_checksum) == 1);
                rig_free(r);
            }
}

static uint64_t rows(const struct rig *r)
{
    uint64_t sum = 0;

    for (int i = 0; i < NET_COUNTERS; i++)
        sum += net_counters(r->net)->row[i];
    return sum;
}

/* Frames of every kind with some bytes changed, some cut short: each of them shows in a row. */
static void whatever_comes_is_counted(void)
{
    struct rig *r = new_rig();
    uint64_t state = 1, before;
    struct packet p;

    for (uint32_t i = 0; i < 60000; i++) {
        bool v4 = i & 1;
        size_t len;

        p.len = 0;
        if (i % 5 == 0)
            packet_echo(&p, v4, 20);
        else if (i % 5 == 1)
            packet_arp(&p, packet_our_mac, 1, "198.18.0.1", "198.18.0.2");
        else if (i % 5 == 2)
            packet_ndp(&p, 135, "2001:2::1", "2001:2::2", "2001:2::2", 0, 1);
        else
            packet_segment(&p, v4, 1000, 25, 10);
        for (uint32_t n = 0; n < i % 4; n++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            p.bytes[(state >> 33) % p.len] = (uint8_t)(state >> 25);
        }
        len = i % 7 ? p.len : 1 + (state >> 40) % p.len;
        before = rows(r);
        rig_input(r, span_of(p.bytes, len), 1 + i);
        rig_clear_out(r);
        if (!CHECK(rows(r) > before))
            break;
    }
    rig_free(r);
}

int main(void)
{
    rig_environment(NULL);
    check_begin();
    CHECK_CASE(chains_may_be_cut_anywhere);
    CHECK_CASE(what_the_port_joined_is_taken_whole);
    CHECK_CASE(whatever_comes_is_counted);
    return check_end();
}
