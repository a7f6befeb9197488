/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/tap_input.h"

#include "tests/capture/layers.h"
#include "tests/harness/check.h"
#include "tests/tcp/observer_rig.h"

#define NOTHING span_text("")
#define TOLD(text_) CHECK_TEXT(span_text(rig_told(&rig)), text_)
#define BYTES(...) span_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

enum { ETHERNET = 1 };

static struct observer_rig rig;
static struct tap_input *input;
static struct layers layers;
/* What comes in front of the IP packet, and how the frame ends up. */
static void (*wrap)(void);
static uint32_t link_type;
static uint32_t snap;
static uint32_t identification;

static void outer_ip(uint8_t protocol, bool v4)
{
    static const uint8_t v6[16] = {0x20, 1, 0, 2, [15] = 77};
    struct layers_ip ip = {.protocol = protocol, .hop_limit = 9};

    ip.source = ip.destination =
        v4 ? ip_address_v4((const uint8_t[]){198, 19, 0, 1}) : ip_address_v6(v6);
    ip.destination.bytes[15] = 78;
    layers_ip(&layers, &ip);
}

static void feed(void)
{
    struct span copy;
    struct tap_input_frame frame = {
        .wire_len = (uint32_t)layers.len,
        .link = link_type,
        .time_ns = rig.now_ns,
    };

    copy = guard_copy(span_head(layers_span(&layers), snap), true);
    frame.bytes = copy;
    tap_input_feed(input, &frame);
    guard_free(copy);
}

static void sink(struct observer_rig *r, const struct observed_packet *p)
{
    struct layers_ip ip = {p->source, p->destination, 6, p->hop_limit, 0, 0, false};

    layers_init(&layers, p->segment);
    layers_tcp_sum(&layers, &p->source, &p->destination);
    if (r->checksum == TCP_CHECKSUM_BAD)
        layers.bytes[LAYERS_MAX - 1] ^= 1;
    layers_ip(&layers, &ip);
    wrap();
    feed();
}

static void plain(void)
{
    layers_ethernet(&layers, layers_ip_type(&layers));
}

static void start(void (*with)(void), uint32_t link)
{
    struct tap_input_options options;

    rig_init(&rig);
    rig_start(&rig);
    tap_input_defaults(&options);
    options.datagrams = 4;
    options.fragment_memory = 64 * 2048;
    input = tap_input_new(&options, rig.observer);
    rig.sink = sink;
    wrap = with;
    link_type = link;
    snap = UINT32_MAX;
}

static void stop(void)
{
    tcp_observer_finish(rig.observer);
    rig_told(&rig);
    CHECK(tcp_observer_held(rig.observer) == 0);
    tap_input_free(input);
    rig_fini(&rig);
}

/* A short session comes through, over both versions of IP. */
static void session(void (*with)(void), uint32_t link)
{
    for (int v6 = 0; v6 < 2; v6++) {
        start(with, link);
        rig.v6 = v6;
        rig_open(&rig);
        rig_text(&rig, 'S', 1, 1, "hello");
        rig_text(&rig, 'C', 1, 6, "you");
        TOLD("begin\nS hello\nC you");
        CHECK(tap_input_counters(input)->segments == 5);
        stop();
    }
}

static void vlan(void)
{
    layers_vlan(&layers, layers_ip_type(&layers));
    layers_ethernet(&layers, 0x8100);
}

static void qinq(void)
{
    layers_vlan(&layers, layers_ip_type(&layers));
    layers_vlan(&layers, 0x8100);
    layers_ethernet(&layers, 0x88a8);
}

static void mpls(void)
{
    layers_front(&layers, BYTES(0, 1, 0x01, 64));
    layers_front(&layers, BYTES(0, 2, 0x00, 64));
    layers_ethernet(&layers, 0x8847);
}

static void mpls_pseudowire(void)
{
    plain();
    layers_front(&layers, BYTES(0, 1, 0x01, 64, 0, 0, 0, 0));
    layers_ethernet(&layers, 0x8847);
}

static void outer(uint8_t protocol)
{
    outer_ip(protocol, true);
    plain();
}

static void gre(void)
{
    bool v4 = layers_ip_type(&layers) == 0x0800;

    layers_front(&layers, v4 ? BYTES(0, 0, 8, 0) : BYTES(0, 0, 0x86, 0xdd));
    outer(47);
}

static void gre_with_all(void)
{
    uint16_t type = layers_ip_type(&layers);
    uint8_t h[16] = {0xb0, 0, (uint8_t)(type >> 8), (uint8_t)type, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0,
                     0,    9};
    uint32_t sum = 0;

    layers_front(&layers, span_of(h, 16));
    for (size_t i = 0; i < layers.len; i++)
        sum += (uint32_t)layers_span(&layers).data[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    layers.bytes[LAYERS_MAX - layers.len + 4] = (uint8_t)(~sum >> 8);
    layers.bytes[LAYERS_MAX - layers.len + 5] = (uint8_t)~sum;
    outer(47);
}

static void gre_bridged(void)
{
    plain();
    layers_front(&layers, BYTES(0, 0, 0x65, 0x58));
    outer_ip(47, false);
    plain();
}

static void erspan(void)
{
    plain();
    layers_front(&layers, BYTES(0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0));
    outer(47);
}

static void vxlan(void)
{
    plain();
    layers_front(&layers, BYTES(8, 0, 0, 0, 0, 0, 42, 0));
    layers_udp(&layers, 4789);
    outer(17);
}

static void ip_in_ip(void)
{
    bool v4 = layers_ip_type(&layers) == 0x0800;

    outer(v4 ? 4 : 41);
}

static void ip_in_ip6(void)
{
    bool v4 = layers_ip_type(&layers) == 0x0800;

    outer_ip(v4 ? 4 : 41, false);
    plain();
}

static void extensions(void)
{
    if (layers_ip_type(&layers) == 0x86dd) {
        uint8_t ip[40];

        memcpy(ip, layers_span(&layers).data, 40);
        layers.len -= 40;
        layers_front(&layers, BYTES(6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)); /* AH */
        layers_front(&layers, BYTES(51, 0, 1, 4, 0, 0, 0, 0));            /* destination */
        layers_front(&layers, BYTES(60, 0, 4, 0, 0, 0, 0, 0));            /* routing */
        layers_front(&layers, BYTES(43, 0, 0, 0, 0, 0, 0, 5));            /* fragment, the only */
        layers_front(&layers, BYTES(44, 0, 1, 4, 0, 0, 0, 0));            /* hop by hop */
        ip[6] = 0;
        ip[4] = (uint8_t)(layers.len >> 8);
        ip[5] = (uint8_t)layers.len;
        layers_front(&layers, span_of(ip, 40));
    }
    plain();
}

static void raw(void)
{
}

static void cooked(void)
{
    uint16_t type = layers_ip_type(&layers);
    uint8_t h[16] = {0, 4, 3, 4, [14] = (uint8_t)(type >> 8), (uint8_t)type};

    layers_front(&layers, span_of(h, 16));
}

static void cooked2(void)
{
    uint16_t type = layers_ip_type(&layers);
    uint8_t h[20] = {(uint8_t)(type >> 8), (uint8_t)type};

    layers_front(&layers, span_of(h, 20));
}

static void null(void)
{
    layers_front(&layers,
                 layers_ip_type(&layers) == 0x0800 ? BYTES(2, 0, 0, 0) : BYTES(0, 0, 0, 30));
}

static void padded(void)
{
    size_t len = layers.len;

    plain();
    memmove(layers.bytes + LAYERS_MAX - len - 14 - 9, layers.bytes + LAYERS_MAX - len - 14,
            len + 14);
    memset(layers.bytes + LAYERS_MAX - 9, 0xee, 9);
    layers.len += 9;
}

static void link_types(void)
{
    session(plain, ETHERNET);
    session(padded, ETHERNET);
    session(raw, 101);
    session(cooked, 113);
    session(cooked2, 276);
    session(null, 0);
    session(null, 108);
    CHECK(!tap_input_link_known(147) && tap_input_link_known(1));
}

static void tags_and_labels(void)
{
    session(vlan, ETHERNET);
    session(qinq, ETHERNET);
    session(mpls, ETHERNET);
    session(mpls_pseudowire, ETHERNET);
}

static void tunnels(void)
{
    session(gre, ETHERNET);
    session(gre_with_all, ETHERNET);
    session(gre_bridged, ETHERNET);
    session(erspan, ETHERNET);
    session(vxlan, ETHERNET);
    session(ip_in_ip, ETHERNET);
    session(ip_in_ip6, ETHERNET);
}

static void extension_headers(void)
{
    session(extensions, ETHERNET);
}

static void deep(void)
{
    for (int i = 0; i < 40; i++)
        layers_vlan(&layers, i ? 0x8100 : layers_ip_type(&layers));
    layers_ethernet(&layers, 0x8100);
}

static void depth_is_bounded(void)
{
    start(deep, ETHERNET);
    rig_open(&rig);
    CHECK(tap_input_counters(input)->drop_depth == 3);
    stop();
}

static void every_cut_is_survived(void)
{
    void (*const all[])(void) = {plain,  qinq,  mpls_pseudowire, gre_with_all,
                                 erspan, vxlan, ip_in_ip6,       extensions};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        start(all[i], ETHERNET);
        rig.v6 = all[i] == extensions;
        rig_open(&rig);
        rig_text(&rig, 'S', 1, 1, "hello");
        for (snap = 0; snap <= layers.len; snap++)
            feed();
        CHECK(tap_input_counters(input)->frames == 4 + layers.len + 1);
        TOLD("begin\nS hello");
        stop();
    }
}

static void a_snap_length_leaves_gaps(void)
{
    start(plain, ETHERNET);
    rig_open(&rig);
    snap = 14 + 20 + 20 + 2;
    rig_text(&rig, 'S', 1, 1, "hello");
    snap = UINT32_MAX;
    rig_text(&rig, 'S', 6, 1, "you");
    TOLD("begin\nS he\ngap S 3\nS you");
    CHECK(tap_input_counters(input)->cut == 1);
    stop();
}

static void wrong_checksums_are_seen(void)
{
    start(plain, ETHERNET);
    rig_open(&rig);
    rig.checksum = TCP_CHECKSUM_BAD;
    rig_text(&rig, 'S', 1, 1, "hello");
    rig.checksum = TCP_CHECKSUM_GOOD;
    TOLD("begin\nevent S checksum");
    rig_text(&rig, 'S', 1, 1, "hello");
    TOLD("S hello");
    stop();
}

static void networks_are_kept_apart(void)
{
    start(vxlan, ETHERNET);
    rig_open(&rig);
    wrap = plain;
    rig_open(&rig);
    TOLD("begin\nbegin");
    CHECK(tcp_observer_flows(rig.observer) == 2);
    stop();
}

/* Cuts the IP packet in `layers` to fragments of `size`, and feeds them in the order given. */
static void feed_fragments(uint32_t size, bool backwards)
{
    struct layers whole = layers;
    struct span ip = layers_span(&whole);
    bool v4 = ip.data[0] >> 4 == 4;
    struct span payload = span_skip(ip, v4 ? 20 : 40);
    struct layers_ip part = {.protocol = 6, .hop_limit = 64, .identification = ++identification};
    uint32_t count = ((uint32_t)payload.len + size - 1) / size;

    part.source = v4 ? ip_address_v4(ip.data + 12) : ip_address_v6(ip.data + 8);
    part.destination = v4 ? ip_address_v4(ip.data + 16) : ip_address_v6(ip.data + 24);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = backwards ? count - 1 - i : i;

        part.offset = (uint16_t)(n * size);
        part.more = n + 1 != count;
        layers_init(&layers, span_head(span_skip(payload, n * size), size));
        layers_ip(&layers, &part);
        plain();
        feed();
    }
}

static void in_fragments(void)
{
    feed_fragments(8, false);
    layers.len = 0;
}

static void in_fragments_backwards(void)
{
    feed_fragments(16, true);
    layers.len = 0;
}

static void fragments_are_put_together(void)
{
    void (*const both[])(void) = {in_fragments, in_fragments_backwards};

    for (int i = 0; i < 4; i++) {
        start(both[i / 2], ETHERNET);
        rig.v6 = i % 2;
        rig_open(&rig);
        rig_text(&rig, 'S', 1, 1, "hello");
        TOLD("begin\nS hello");
        CHECK(tap_input_counters(input)->datagrams == 4);
        stop();
    }
}

static void fragments_are_bounded(void)
{
    start(plain, ETHERNET);
    rig_open(&rig);
    for (uint32_t i = 0; i < 100; i++) {
        struct layers_ip part = {.source = ip_address_v4((const uint8_t[]){198, 18, 0, 1}),
                                 .destination = ip_address_v4((const uint8_t[]){198, 18, 0, 2}),
                                 .protocol = 6,
                                 .more = true,
                                 .identification = i};

        layers_init(&layers, span_text("12345678"));
        layers_ip(&layers, &part);
        plain();
        feed();
    }
    CHECK(tap_input_counters(input)->drop_fragment_limit == 96);
    rig_wait(&rig, 31000);
    feed();
    CHECK(tap_input_counters(input)->drop_fragment_time == 4);
    stop();
}

int main(void)
{
    check_begin();
    CHECK_CASE(link_types);
    CHECK_CASE(tags_and_labels);
    CHECK_CASE(tunnels);
    CHECK_CASE(extension_headers);
    CHECK_CASE(depth_is_bounded);
    CHECK_CASE(every_cut_is_survived);
    CHECK_CASE(a_snap_length_leaves_gaps);
    CHECK_CASE(wrong_checksums_are_seen);
    CHECK_CASE(networks_are_kept_apart);
    CHECK_CASE(fragments_are_put_together);
    CHECK_CASE(fragments_are_bounded);
    return check_end();
}
