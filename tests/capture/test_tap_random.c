/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/tap_input.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/tcp/tcp.h"
#include "tests/capture/layers.h"
#include "tests/harness/check.h"

/*
 * A conversation is cut to packets; those are split, repeated, put out of order, fragmented,
 * tunnelled and lost at random. Whatever happens, the bytes are those of the conversation, each at
 * its place. TAP_RANDOM_SEED and TAP_RANDOM_COUNT choose what runs; a failure names its seed.
 */
enum { STREAM = 20000, PACKETS = 6000, TURNS = 12, MS = 1000000 };

struct packet {
    uint64_t when;
    uint32_t seq, ack, len;
    uint8_t from; /* enum tcp_direction */
    uint8_t flags;
};

/* What was said, and when: turn i's answer needs all of turn i - 1. */
static struct {
    uint8_t bytes[2][STREAM];
    uint32_t len[2];
    uint32_t turn_end[2][TURNS];
    uint32_t isn[2];
    bool v6;
} talk;

static struct {
    uint8_t bytes[2][STREAM];
    bool there[2][STREAM];
    uint64_t at[2];
    uint64_t gaps;
    uint32_t flows, ends, differing, early;
} heard;

static struct packet packets[PACKETS];
static uint32_t count;
static uint64_t state;

static uint32_t roll(uint32_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

static void heard_begin(void *context, struct tcp_observed_flow *flow)
{
    heard.flows++;
}

/* The other side's words that these answer were heard. */
static bool answers_what_was_heard(enum tcp_direction d, uint64_t offset)
{
    for (int t = 0; t < TURNS; t++)
        if (offset < talk.turn_end[d][t])
            return d == TCP_TO_SERVER ? heard.at[TCP_TO_CLIENT] >= talk.turn_end[TCP_TO_CLIENT][t]
                   : t ? heard.at[TCP_TO_SERVER] >= talk.turn_end[TCP_TO_SERVER][t - 1]
                       : true;
    return true;
}

static void heard_bytes(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                        struct span bytes, uint64_t offset, uint64_t time_ns)
{
    CHECK(offset == heard.at[d] && offset + bytes.len <= STREAM);
    heard.early += !answers_what_was_heard(d, offset);
    memcpy(heard.bytes[d] + offset, bytes.data, bytes.len);
    memset(heard.there[d] + offset, 1, bytes.len);
    heard.at[d] += bytes.len;
}

static void heard_gap(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                      uint64_t offset, uint64_t len, uint64_t time_ns)
{
    CHECK(offset == heard.at[d]);
    heard.gaps += len;
    heard.at[d] += len;
}

static void heard_finished(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                           uint64_t time_ns)
{
}

static void heard_event(void *context, struct tcp_observed_flow *flow,
                        const struct tcp_observation *observation)
{
    heard.differing += observation->other.len > 0;
}

static void heard_end(void *context, struct tcp_observed_flow *flow, enum tcp_observer_end reason,
                      uint64_t time_ns)
{
    heard.ends++;
}

static void add(enum tcp_direction from, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    if (count < PACKETS)
        packets[count++] = (struct packet){0, seq, ack, len, (uint8_t)from, flags};
}

/* One side says up to `end`; the other acknowledges now and then. */
static void say(enum tcp_direction from, uint32_t sent[2], uint32_t end, bool answered)
{
    while (sent[from] < end) {
        uint32_t len = 1 + roll(roll(4) ? 1448 : 40);

        if (len > end - sent[from])
            len = end - sent[from];
        add(from, TCP_ACK | TCP_PSH, 1 + sent[from], 1 + sent[!from], len);
        sent[from] += len;
        if (answered && roll(2))
            add(!from, TCP_ACK, 1 + sent[!from], 1 + sent[from], 0);
    }
    if (answered)
        add(!from, TCP_ACK, 1 + sent[!from], 1 + sent[from], 0);
}

static void make_talk(void)
{
    uint32_t sent[2] = {0, 0};

    count = 0;
    talk.v6 = roll(2);
    for (int d = 0; d < 2; d++) {
        talk.isn[d] = roll(2) ? UINT32_MAX - roll(STREAM) : roll(UINT32_MAX);
        for (int i = 0; i < STREAM; i++)
            talk.bytes[d][i] = (uint8_t)roll(256);
    }
    add(TCP_TO_SERVER, TCP_SYN, 0, 0, 0);
    add(TCP_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 1, 0);
    add(TCP_TO_SERVER, TCP_ACK, 1, 1, 0);
    for (int t = 0; t < TURNS; t++) {
        for (int d = 1; d >= 0; d--) {
            uint32_t end = sent[d] + 1 + roll(roll(3) ? 60 : STREAM / TURNS - 1);

            talk.turn_end[d][t] = end;
            say((enum tcp_direction)d, sent, end, true);
        }
    }
    talk.len[0] = sent[0];
    talk.len[1] = sent[1];
    add(TCP_TO_SERVER, TCP_FIN | TCP_ACK, 1 + sent[0], 1 + sent[1], 0);
    add(TCP_TO_CLIENT, TCP_FIN | TCP_ACK, 1 + sent[1], 2 + sent[0], 0);
    add(TCP_TO_SERVER, TCP_ACK, 2 + sent[0], 2 + sent[1], 0);
}

/* Cuts some in two, and sends some again, also across old borders. */
static void cut_and_repeat(void)
{
    uint32_t before = count;

    for (uint32_t i = 0; i < before; i++) {
        struct packet *p = &packets[i];

        p->when = i * UINT64_C(10);
        if (p->len > 1 && roll(3) == 0) {
            uint32_t at = 1 + roll(p->len - 1);

            add(p->from, p->flags, p->seq + at, p->ack, p->len - at);
            packets[count - 1].when = p->when + 1;
            p->len = at;
        }
        if (roll(8) == 0) {
            uint32_t back = p->len ? roll(p->seq < 100 ? p->seq : 100) : 0;

            add(p->from, p->flags, p->seq - back, p->ack, p->len ? p->len + back : 0);
            packets[count - 1].when = p->when + roll(400);
        }
    }
}

static int by_time(const void *a, const void *b)
{
    const struct packet *p = a, *q = b;

    return p->when < q->when ? -1 : p->when > q->when;
}

static void put_out_of_order(uint32_t reach)
{
    for (uint32_t i = 0; i < count; i++)
        packets[i].when += roll(reach * 10 + 1);
    qsort(packets, count, sizeof(*packets), by_time);
}

static struct layers layers;

static void feed(struct tap_input *input, uint64_t now, bool tunnelled)
{
    struct tap_input_frame frame = {.link = 1, .time_ns = now};

    if (tunnelled) {
        struct layers_ip ip = {.source = ip_address_v4((const uint8_t[]){198, 19, 0, 1}),
                               .destination = ip_address_v4((const uint8_t[]){198, 19, 0, 2}),
                               .protocol = layers_ip_type(&layers) == 0x0800 ? 4 : 41,
                               .hop_limit = 64};

        layers_ip(&layers, &ip);
    }
    layers_ethernet(&layers, layers_ip_type(&layers));
    frame.bytes = layers_span(&layers);
    frame.wire_len = (uint32_t)frame.bytes.len;
    tap_input_feed(input, &frame);
}

/* In pieces of a random size, in a random order, some twice. */
static void feed_fragments(struct tap_input *input, struct layers_ip ip, struct span segment,
                           uint64_t now)
{
    static uint32_t identification;
    uint32_t size = 8 * (1 + roll(40)), parts = ((uint32_t)segment.len + size - 1) / size;
    uint32_t order[256];
    struct layers whole;

    layers_init(&whole, segment);
    ip.identification = ++identification & 0xffff;
    for (uint32_t i = 0; i < parts; i++)
        order[i] = i;
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t other = i + roll(parts - i), n = order[other];

        order[other] = order[i];
        ip.offset = (uint16_t)(n * size);
        ip.more = n + 1 != parts;
        for (int again = roll(10) == 0 && i + 1 != parts; again >= 0; again--) {
            layers_init(&layers, span_head(span_skip(layers_span(&whole), n * size), size));
            layers_ip(&layers, &ip);
            feed(input, now, false);
        }
    }
}

static void send_packet(struct tap_input *input, const struct packet *p, uint64_t now,
                        uint32_t fragmented)
{
    static const uint8_t v4[2][4] = {{198, 18, 0, 9}, {198, 18, 0, 2}};
    static const uint8_t v6[2][16] = {{0x20, 1, 0, 2, [15] = 1}, {0x20, 1, 0, 2, [15] = 2}};
    uint8_t bytes[4096];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct layers_ip ip = {.protocol = 6, .hop_limit = 60};

    ip.source = talk.v6 ? ip_address_v6(v6[p->from]) : ip_address_v4(v4[p->from]);
    ip.destination = talk.v6 ? ip_address_v6(v6[!p->from]) : ip_address_v4(v4[!p->from]);
    writer_uint(&w, p->from ? 25 : 1025, 2);
    writer_uint(&w, p->from ? 1025 : 25, 2);
    writer_uint(&w, talk.isn[p->from] + p->seq, 4);
    writer_uint(&w, p->flags & TCP_ACK ? talk.isn[!p->from] + p->ack : 0, 4);
    writer_uint(&w, 0x5000u | p->flags, 2);
    writer_uint(&w, 65535, 2);
    writer_uint(&w, 0, 4);
    if (p->len)
        writer_span_put(&w, span_of(talk.bytes[p->from] + p->seq - 1, p->len));
    layers_init(&layers, writer_span(&w));
    layers_tcp_sum(&layers, &ip.source, &ip.destination);
    if (fragmented && roll(fragmented) == 0) {
        memcpy(bytes, layers_span(&layers).data, layers.len);
        feed_fragments(input, ip, span_of(bytes, layers.len), now);
    } else {
        layers_ip(&layers, &ip);
        feed(input, now, fragmented && roll(5) == 0);
    }
}

struct how {
    uint32_t reach;            /* places a packet may be off */
    uint32_t fragmented, lost; /* one in so many; 0 none */
    bool one_way, repeated;
};

static void play(uint64_t seed, const struct how *how)
{
    struct tcp_observer_calls calls = {NULL,           heard_begin, heard_bytes, heard_gap,
                                       heard_finished, heard_event, heard_end};
    struct tcp_observer_options options;
    struct tap_input_options input_options;
    struct tcp_observer *observer;
    struct tap_input *input;
    uint64_t now = UINT64_C(1000) * MS;

    state = seed;
    memset(&heard, 0, sizeof(heard));
    make_talk();
    if (how->repeated)
        cut_and_repeat();
    else
        for (uint32_t i = 0; i < count; i++)
            packets[i].when = i * UINT64_C(10);
    put_out_of_order(how->reach);
    tcp_observer_defaults(&options);
    options.flows = 4;
    options.memory = 4 << 20;
    observer = tcp_observer_new(&options, &calls);
    tap_input_defaults(&input_options);
    input_options.datagrams = 64;
    input = tap_input_new(&input_options, observer);
    for (uint32_t i = 0; i < count; i++) {
        /* Without a SYN nobody knows how much came before. */
        if ((how->lost && !(packets[i].flags & TCP_SYN) && roll(how->lost) == 0) ||
            (how->one_way && packets[i].from))
            continue;
        send_packet(input, &packets[i], now, how->fragmented);
        now += 3 * MS;
    }
    tcp_observer_finish(observer);
    CHECK(tcp_observer_flows(observer) == 0 && tcp_observer_held(observer) == 0);
    CHECK(tap_input_counters(input)->drop_malformed == 0);
    tap_input_free(input);
    tcp_observer_free(observer);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

/* What was heard is what was said, place by place. */
static bool heard_rightly(bool whole)
{
    bool right = heard.flows == 1 && heard.ends == 1 && heard.differing == 0;

    for (int d = 0; d < 2; d++) {
        right &= !whole || heard.at[d] == talk.len[d];
        right &= heard.at[d] <= talk.len[d];
        for (uint32_t i = 0; i < heard.at[d]; i++)
            right &= !heard.there[d][i] || heard.bytes[d][i] == talk.bytes[d][i];
    }
    return right && (!whole || !heard.gaps);
}

static void many(const struct how *how, bool whole)
{
    uint64_t first = number("TAP_RANDOM_SEED", 1), n = number("TAP_RANDOM_COUNT", 60);

    for (uint64_t seed = first; seed < first + n; seed++) {
        play(seed, how);
        if (!CHECK(heard_rightly(whole)) || (whole && !CHECK(heard.early == 0)))
            printf("# seed %llu: %llu of %u, %llu of %u, gaps %llu, early %u, differing %u, flows "
                   "%u\n",
                   (unsigned long long)seed, (unsigned long long)heard.at[0], talk.len[0],
                   (unsigned long long)heard.at[1], talk.len[1], (unsigned long long)heard.gaps,
                   heard.early, heard.differing, heard.flows);
    }
}

static void as_it_was(void)
{
    many(&(struct how){0}, true);
}

static void repeated_and_cut_anew(void)
{
    many(&(struct how){.repeated = true}, true);
}

static void out_of_order(void)
{
    many(&(struct how){.reach = 20, .repeated = true}, true);
}

static void fragmented_and_tunnelled(void)
{
    many(&(struct how){.reach = 20, .repeated = true, .fragmented = 2}, true);
}

static void with_losses(void)
{
    many(&(struct how){.reach = 5, .repeated = true, .lost = 20}, false);
}

static void with_heavy_losses(void)
{
    many(&(struct how){.reach = 40, .repeated = true, .fragmented = 4, .lost = 2}, false);
}

/* Of the server's direction nothing is seen; the client's is whole. */
static void of_one_direction(void)
{
    uint64_t first = number("TAP_RANDOM_SEED", 1), n = number("TAP_RANDOM_COUNT", 60);

    for (uint64_t seed = first; seed < first + n; seed++) {
        play(seed, &(struct how){.reach = 20, .repeated = true, .one_way = true});
        CHECK(heard_rightly(false) && heard.at[0] == talk.len[0] && heard.gaps == 0);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(as_it_was);
    CHECK_CASE(repeated_and_cut_anew);
    CHECK_CASE(out_of_order);
    CHECK_CASE(fragmented_and_tunnelled);
    CHECK_CASE(with_losses);
    CHECK_CASE(with_heavy_losses);
    CHECK_CASE(of_one_direction);
    return check_end();
}
