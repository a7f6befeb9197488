/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/tap_owner.h"

#include "dataplane/tcp/flow_owner.h"
#include "tests/capture/layers.h"
#include "tests/harness/check.h"

enum { ETHERNET = 1, VXLAN = 4789, PORT_A = 40000, PORT_B = 25 };

static struct layers layers;
static uint8_t segment[1200];

static struct ip_address address(uint8_t last, bool v4)
{
    static const uint8_t v6[16] = {0x20, 0x01, 0, 2};
    uint8_t bytes[16];

    memcpy(bytes, v6, sizeof(bytes));
    bytes[15] = last;
    return v4 ? ip_address_v4((const uint8_t[]){198, 18, 0, last}) : ip_address_v6(bytes);
}

static uint32_t expected(bool v4)
{
    struct ip_address a = address(1, v4), b = address(2, v4);

    return flow_owner_hash(&a, &b, PORT_A, PORT_B);
}

/* A segment of either direction, in its IP packet or a fragment of it. */
static void inner(bool forth, bool v4, uint16_t offset, uint16_t len)
{
    uint16_t from = forth ? PORT_A : PORT_B, to = forth ? PORT_B : PORT_A;
    struct layers_ip ip = {.source = address(forth ? 1 : 2, v4),
                           .destination = address(forth ? 2 : 1, v4),
                           .protocol = 6,
                           .hop_limit = 64,
                           .identification = 7,
                           .offset = offset,
                           .more = offset + len < (int)sizeof(segment)};

    segment[0] = (uint8_t)(from >> 8);
    segment[1] = (uint8_t)from;
    segment[2] = (uint8_t)(to >> 8);
    segment[3] = (uint8_t)to;
    segment[12] = 5 << 4;
    layers_init(&layers, span_of(segment + offset, len));
    layers_ip(&layers, &ip);
}

static void ethernet(void)
{
    layers_ethernet(&layers, layers_ip_type(&layers));
}

/* What is there, in GRE between two hosts whose addresses end in these. */
static void gre(uint8_t source, uint8_t destination)
{
    bool v4 = layers_ip_type(&layers) == 0x0800;
    const uint8_t header[] = {0, 0, v4 ? 8 : 0x86, v4 ? 0 : 0xdd};
    struct layers_ip ip = {.source = address(source, true),
                           .destination = address(destination, true),
                           .protocol = 47,
                           .hop_limit = 64};

    layers_front(&layers, span_of(header, sizeof(header)));
    layers_ip(&layers, &ip);
    ethernet();
}

static struct tap_input_frame frame(void)
{
    return (struct tap_input_frame){
        .bytes = layers_span(&layers), .wire_len = (uint32_t)layers.len, .link = ETHERNET};
}

static bool owned(uint32_t *hash_out)
{
    struct tap_input_frame f = frame();

    return tap_owner_hash(&f, VXLAN, hash_out);
}

static void both_directions_meet(void)
{
    for (int v4 = 0; v4 < 2; v4++)
        for (int forth = 0; forth < 2; forth++) {
            uint32_t hash;

            inner(forth, v4, 0, sizeof(segment));
            ethernet();
            CHECK(owned(&hash) && hash == expected(v4));
            inner(forth, v4, 0, sizeof(segment));
            layers_vlan(&layers, layers_ip_type(&layers));
            layers_ethernet(&layers, 0x8100);
            CHECK(owned(&hash) && hash == expected(v4));
        }
}

static void tunnels_do_not_part_them(void)
{
    for (int v4 = 0; v4 < 2; v4++)
        for (int forth = 0; forth < 2; forth++) {
            uint32_t hash;

            inner(forth, v4, 0, sizeof(segment));
            gre((uint8_t)(forth ? 11 : 12), 13);
            CHECK(owned(&hash) && hash == expected(v4));
        }
}

static void fragments_meet(void)
{
    for (int v4 = 0; v4 < 2; v4++) {
        struct ip_address a = address(1, v4), b = address(2, v4);

        for (uint16_t at = 0; at < sizeof(segment); at = (uint16_t)(at + 400)) {
            uint32_t hash;

            inner(at == 400, v4, at, 400);
            ethernet();
            CHECK(owned(&hash) && hash == flow_owner_hash(&a, &b, 0, 0));
        }
    }
}

struct passing {
    uint32_t passed, hash;
    bool all;
};

static bool pass(void *context, const struct observed_packet *packet)
{
    struct passing *p = context;

    CHECK(tap_owner_packet(packet, &p->hash));
    CHECK(packet->reassembled && packet->segment.len == sizeof(segment));
    p->passed++;
    return p->all;
}

/* Once whole, a datagram goes where its connection is. */
static void a_whole_datagram_is_passed(void)
{
    const struct tcp_observer_calls none = {.context = NULL};
    struct tcp_observer_options tcp;
    struct tap_input_options options;
    struct passing passing = {.all = true};

    tcp_observer_defaults(&tcp);
    tap_input_defaults(&options);
    tcp.midstream = false;
    options.pass = pass;
    options.context = &passing;
    struct tcp_observer *observer = tcp_observer_new(&tcp, &none);
    struct tap_input *input = tap_input_new(&options, observer);

    for (int round = 0; round < 2; round++) {
        for (uint16_t at = 0; at < sizeof(segment); at = (uint16_t)(at + 400)) {
            struct tap_input_frame f;

            inner(true, true, at, 400);
            ethernet();
            f = frame();
            tap_input_feed(input, &f);
        }
        CHECK(passing.passed == (uint32_t)round + 1 && passing.hash == expected(true));
        CHECK(tap_input_counters(input)->segments == (uint64_t)round);
        passing.all = false;
    }
    tap_input_free(input);
    tcp_observer_free(observer);
}

static void others_stay(void)
{
    uint32_t hash;

    layers_init(&layers, span_of(segment, 46));
    layers_ethernet(&layers, 0x0806);
    CHECK(!owned(&hash));
    inner(true, true, 0, sizeof(segment));
    gre(11, 13);
    for (size_t len = 0; len <= layers.len; len++) {
        struct span cut = guard_copy(span_head(layers_span(&layers), len), true);
        struct tap_input_frame f = {
            .bytes = cut, .wire_len = (uint32_t)layers.len, .link = ETHERNET};

        CHECK(!tap_owner_hash(&f, VXLAN, &hash) || hash == expected(true));
        guard_free(cut);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(both_directions_meet);
    CHECK_CASE(tunnels_do_not_part_them);
    CHECK_CASE(fragments_meet);
    CHECK_CASE(a_whole_datagram_is_passed);
    CHECK_CASE(others_stay);
    return check_end();
}
