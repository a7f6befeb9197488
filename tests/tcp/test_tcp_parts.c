/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "dataplane/tcp/flow_owner.h"
#include "dataplane/tcp/sendq.h"
#include "proto/base/siphash.h"
#include "dataplane/tcp/tcp_congestion.h"
#include "dataplane/tcp/tcp_flow.h"
#include "dataplane/tcp/tcp_option.h"
#include "dataplane/tcp/tcp_rto.h"
#include "dataplane/tcp/tcp_sequence.h"
#include "dataplane/tcp/timer_wheel.h"
#include "tests/harness/check.h"

static uint64_t state = 1;

static uint32_t random_below(uint32_t n)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 33) % n;
}

static void sequence_numbers_compare_on_the_circle(void)
{
    CHECK(seq_lt(0xfffffff0, 5) && !seq_lt(5, 0xfffffff0) && seq_le(7, 7) && !seq_lt(7, 7));
    CHECK(seq_max(0xffffffff, 0) == 0 && seq_min(0xffffffff, 0) == 0xffffffff);
    CHECK(seq_within(0xffffffff, 0xfffffffe, 1) && seq_within(0, 0xfffffffe, 1) &&
          !seq_within(1, 0xfffffffe, 1));
}

/* Appendix A of the SipHash paper: key 00..0f, message 00..0e */
static void siphash_gives_the_published_value(void)
{
    uint8_t key[16], message[15];

    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        message[i] = i;
    CHECK(siphash(key, span_of(message, 15)) == 0xa129ca6149be45e5);
    CHECK(siphash(key, span_of(message, 8)) != siphash(key, span_of(message, 7)));
    CHECK(siphash_table(key, span_of(message, 0)) == 0xabac0158050fc4dc);
    CHECK(siphash_table(key, span_of(message, 1)) == 0xc9f49bf37d57ca93);
    for (size_t len = 8; len <= 15; len++)
        CHECK(siphash_behind(key, 0x0706050403020100, span_of(message + 8, len - 8)) ==
              siphash(key, span_of(message, len)));
    for (size_t a = 0; a <= 15; a++)
        for (size_t b = a; b <= 15; b++) {
            struct siphash_stream s;

            siphash_init(&s, key);
            siphash_feed(&s, span_of(message, a));
            siphash_feed(&s, span_of(message + a, b - a));
            siphash_feed(&s, span_of(message + b, 15 - b));
            CHECK(siphash_result(&s) == 0xa129ca6149be45e5);
        }
}

/* The definition, bit by bit: for each set bit of the input the 32 bits of the key that begin
 * there. */
static uint32_t toeplitz(const uint8_t *input, size_t len)
{
    uint32_t hash = 0;

    for (size_t bit = 0; bit < len * 8; bit++) {
        uint32_t window = 0;

        for (size_t i = 0; i < 32; i++)
            window = window << 1 | (flow_owner_key[(bit + i) / 8] >> (7 - (bit + i) % 8) & 1);
        if (input[bit / 8] >> (7 - bit % 8) & 1)
            hash ^= window;
    }
    return hash;
}

static void flow_owner_is_the_symmetric_toeplitz_hash(void)
{
    uint32_t owners[4] = {0};

    for (int n = 0; n < 4000; n++) {
        struct ip_address a, b;
        uint8_t input[36], bytes[32];
        uint16_t ports[2] = {(uint16_t)random_below(65536), (uint16_t)random_below(65536)};
        bool v4 = n % 2;
        struct writer w = writer_of(input, sizeof(input));
        uint32_t hash;

        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)random_below(256);
        a = v4 ? ip_address_v4(bytes) : ip_address_v6(bytes);
        b = v4 ? ip_address_v4(bytes + 4) : ip_address_v6(bytes + 16);
        writer_span_put(&w, v4 ? span_of(bytes, 8) : span_of(bytes, 32));
        writer_uint(&w, ports[0], 2);
        writer_uint(&w, ports[1], 2);
        hash = flow_owner_hash(&a, &b, ports[0], ports[1]);
        if (!CHECK(hash == toeplitz(input, w.len)) ||
            !CHECK(hash == flow_owner_hash(&b, &a, ports[1], ports[0])))
            return;
        owners[flow_owner_of(hash, 4)]++;
    }
    for (int i = 0; i < 4; i++)
        CHECK(owners[i] > 800 && owners[i] < 1200);
    CHECK(flow_owner_of(128 + 5, 4) == 1 && flow_owner_of(0xffffffff, 3) == 127 % 3);
}

static void options_are_read_whatever_their_order(void)
{
    static const uint8_t linux_syn[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
                                        0, 9, 0, 0,    0, 7, 1, 3,  3, 20};
    static const uint8_t unknown[] = {1, 254, 4, 9, 9, 3, 3, 2, 0, 2, 4, 1, 1};
    static const uint8_t bad[][6] = {{2, 3, 5, 2, 4, 1},  {3, 0}, {3, 1},
                                     {8, 10, 0, 0, 0, 0}, {2},    {4, 3, 0}};
    static const uint8_t bad_len[] = {6, 2, 2, 6, 1, 3};
    struct tcp_option o;

    CHECK(tcp_option_parse(span_of(linux_syn, sizeof(linux_syn)), &o));
    CHECK(o.present == 15 && o.mss == 1460 && o.ts_value == 9 && o.ts_echo == 7 && o.scale == 14);
    CHECK(tcp_option_parse(span_of(unknown, sizeof(unknown)), &o));
    CHECK(o.present == TCP_OPTION_SCALE && o.scale == 2);
    for (size_t i = 0; i < sizeof(bad_len); i++) {
        struct span guarded = guard_copy(span_of(bad[i], bad_len[i]), true);

        CHECK(!tcp_option_parse(guarded, &o) && o.present == 0);
        guard_free(guarded);
    }
    for (size_t len = 0; len <= sizeof(linux_syn); len++) {
        struct span guarded = guard_copy(span_of(linux_syn, len), true);

        tcp_option_parse(guarded, &o);
        CHECK(!!(o.present & TCP_OPTION_MSS) == (len >= 4) &&
              !!(o.present & TCP_OPTION_TIMESTAMPS) == (len >= 16));
        guard_free(guarded);
    }
}

static void options_come_back_as_written(void)
{
    for (uint32_t bits = 0; bits < 8; bits++) {
        struct tcp_option in = {.present = bits,
                                .mss = 1234,
                                .scale = 5,
                                .ts_value = 0x01020304,
                                .ts_echo = 0x05060708},
                          out;
        uint8_t bytes[40];
        struct writer w = writer_of(bytes, sizeof(bytes));

        tcp_option_put(&w, &in);
        CHECK(w.len % 4 == 0 && w.len <= 20 && tcp_option_parse(writer_span(&w), &out) &&
              out.present == bits);
        CHECK(!(bits & TCP_OPTION_MSS) || out.mss == 1234);
        CHECK(!(bits & TCP_OPTION_TIMESTAMPS) ||
              (out.ts_value == 0x01020304 && out.ts_echo == 0x05060708));
    }
}

static void timeout_follows_the_round_trip(void)
{
    struct tcp_rto rto = {0};

    CHECK(tcp_rto_value(&rto, 0, false) == 1000000 && tcp_rto_value(&rto, 2, false) == 4000000);
    CHECK(tcp_rto_value(&rto, 0, true) == 3000000 &&
          tcp_rto_value(&rto, 200, false) == TCP_RTO_MAX);
    tcp_rto_sample(&rto, 100000);
    CHECK(rto.srtt == 100000 && rto.rttvar == 50000 && tcp_rto_value(&rto, 0, true) == 300000);
    tcp_rto_sample(&rto, 300000);
    CHECK(rto.rttvar == 50000 - 12500 + 50000 && rto.srtt == 100000 - 12500 + 37500);
    for (int i = 0; i < 200; i++)
        tcp_rto_sample(&rto, 40000);
    CHECK(rto.srtt < 41000 && tcp_rto_value(&rto, 0, false) < 250000);
    tcp_rto_sample(&rto, UINT32_MAX);
    CHECK(tcp_rto_value(&rto, 0, false) <= TCP_RTO_MAX);
}

static void acked(struct tcp_congestion *c, uint32_t bytes)
{
    struct tcp_congestion_ack ack = {.mss = 1000, .bytes = bytes};

    tcp_congestion_acked(c, NULL, &ack);
}

static void congestion_window_grows_and_halves(void)
{
    struct tcp_congestion c;
    uint32_t before;

    tcp_congestion_init(&c, 1460, false);
    CHECK(c.cwnd == 14600);
    tcp_congestion_init(&c, 9000, false);
    CHECK(c.cwnd == 18000);
    tcp_congestion_init(&c, 1000, true);
    CHECK(c.cwnd == 1000);
    for (int i = 0; i < 5; i++)
        acked(&c, c.cwnd);
    CHECK(c.cwnd == 32000);
    acked(&c, 1000000); /* one acknowledgement never more than doubles */
    CHECK(c.cwnd == 64000);
    tcp_congestion_reduce(&c, NULL, 1000, 60000, 99);
    tcp_congestion_inflate(&c, 1000);
    CHECK(c.ssthresh == 30000 && c.cwnd == 33000 && c.recover == 99);
    tcp_congestion_duplicate(&c, 1000);
    CHECK(c.cwnd == 34000);
    tcp_congestion_partial(&c, 1000, 5000);
    CHECK(c.cwnd == 30000);
    tcp_congestion_recovered(&c, 1000, 50000);
    CHECK(c.cwnd == 30000);
    for (int i = 0; i < 30; i++)
        acked(&c, 1000);
    CHECK(c.cwnd > 30900 && c.cwnd <= 31000); /* congestion avoidance: a segment a round trip */
    tcp_congestion_reduce(&c, NULL, 1000, 31000, 99);
    CHECK(c.ssthresh == 15500);
    tcp_congestion_partial(&c, 1000, 9000000);
    CHECK(c.cwnd == 1000);
    tcp_congestion_reduce(&c, NULL, 1000, 500, 99);
    before = c.ssthresh;
    CHECK(before == 2000);
}

struct record {
    uint64_t due;
    struct timer_node node;
};

/* Against an array that is searched. */
static void wheel_fires_each_timer_at_its_tick(void)
{
    enum { N = 300 };
    struct record r[N];
    struct timer_wheel w;
    uint64_t now = 5000000000 - 3000;

    timer_wheel_init(&w, &r[0].node, sizeof(r[0]), now);
    for (int i = 0; i < N; i++) {
        r[i].due = UINT64_MAX;
        timer_node_init(&r[i].node);
    }
    CHECK(timer_wheel_due(&w) == UINT64_MAX);
    for (int step = 0; step < 20000; step++) {
        uint32_t i = random_below(N), span = 1u << random_below(25), fired;
        uint64_t target = now + random_below(3) * random_below(random_below(50) ? 100 : 100000);

        if (random_below(8) == 0) {
            timer_wheel_stop(&w, i);
            r[i].due = UINT64_MAX;
        } else {
            r[i].due = now + 1 + random_below(span < 16000000 ? span : 16000000);
            timer_wheel_set(&w, i, r[i].due);
        }
        while ((fired = timer_wheel_next(&w, target)) != TIMER_NONE) {
            if (!CHECK(r[fired].due == w.now && w.now <= target))
                return;
            r[fired].due = UINT64_MAX;
        }
        now = target;
        for (int j = 0; j < N; j++)
            if (!CHECK(r[j].due > now) || !CHECK(r[j].due >= timer_wheel_due(&w)))
                return;
    }
}

static void flow_table_finds_what_was_added(void)
{
    enum { N = 200 };
    struct tcp_flows flows = {0};
    struct tcp_flow_key keys[N] = {0};
    uint8_t secret[16] = {1};

    CHECK(tcp_flow_init(&flows, N, secret));
    for (uint32_t i = 0; i < N; i++) {
        keys[i].remote = ip_address_v4((uint8_t[4]){198, 18, (uint8_t)(i / 16), 1});
        keys[i].remote_port = (uint16_t)(i % 16);
        CHECK(tcp_flow_find(&flows, tcp_flow_hash(&flows, &keys[i]), &keys[i]) == TCP_FLOW_NONE);
        tcp_flow_add(&flows, i, tcp_flow_hash(&flows, &keys[i]), &keys[i]);
    }
    for (uint32_t i = 0; i < N; i += 2)
        tcp_flow_remove(&flows, i);
    for (uint32_t i = 0; i < N; i++)
        CHECK(tcp_flow_find(&flows, tcp_flow_hash(&flows, &keys[i]), &keys[i]) ==
              (i % 2 ? i : TCP_FLOW_NONE));
    tcp_flow_fini(&flows);
}

/* Each addition or removal changes one chain, and splits or joins one more at most; chains stay
 * short on the way up and down. */
static void flow_table_grows_a_chain_at_a_time(void)
{
    enum { N = 100000 };
    struct tcp_flows flows = {0};
    struct tcp_flow_key key = {0};
    uint8_t secret[16] = {1};
    uint32_t before, longest = 0;

    CHECK(tcp_flow_init(&flows, N, secret));
    for (uint32_t i = 0; i < 2 * N; i++) {
        before = flows.buckets;
        memcpy(key.remote.bytes, &(uint32_t){i % N}, 4);
        if (i < N)
            tcp_flow_add(&flows, i, tcp_flow_hash(&flows, &key), &key);
        else
            tcp_flow_remove(&flows, i % N);
        if (!CHECK(flows.buckets - before + 2 <= 3)) /* two fewer to one more */
            break;
        if (!CHECK(flows.buckets == TCP_FLOW_LEAST || flows.count <= flows.buckets ||
                   flows.buckets == flows.capacity))
            break;
        if (i % 977 == 0 && i < N)
            for (uint32_t b = 0; b < flows.buckets; b++) {
                uint32_t length = 0;

                for (uint32_t at = flows.heads[b]; at; at = flows.entries[at - 1].next)
                    length++;
                longest = length > longest ? length : longest;
            }
        if (i < N && i % 101 == 0)
            CHECK(tcp_flow_find(&flows, tcp_flow_hash(&flows, &key), &key) == i);
    }
    CHECK(flows.count == 0 && flows.buckets == TCP_FLOW_LEAST);
    CHECK(longest < 16);
    tcp_flow_fini(&flows);
}

static uint8_t stream[1 << 20];

static bool queue_is(const struct sendq *q, uint32_t from, uint32_t to)
{
    uint32_t at = 0;

    if (!CHECK(q->bytes == to - from))
        return false;
    while (at < q->bytes) {
        struct span s = sendq_at(q, at, 1 + random_below(9000));

        if (!CHECK(s.len > 0 && memcmp(s.data, stream + from + at, s.len) == 0))
            return false;
        at += (uint32_t)s.len;
    }
    return CHECK(sendq_at(q, at, 10).len == 0);
}

/* Random appends and acknowledgements, with few chunks, against the plain stream. */
static void send_queue_keeps_the_stream(void)
{
    static const uint32_t limits[CHUNK_CLASSES] = {12, 4, 1};
    struct chunk_pool *pool = chunk_pool_new(limits);
    struct sendq q;
    uint32_t from = 0, to = 0, pins = 0, refused = 0;

    for (size_t i = 0; i < sizeof(stream); i++)
        stream[i] = (uint8_t)random_below(256);
    sendq_init(&q);
    while (to < sizeof(stream) - 200000) {
        struct span s = span_of(stream + to, random_below(random_below(20) ? 900 : 150000));
        uint32_t kind = random_below(4);
        bool ok = kind == 3 ? sendq_copy(&q, pool, s)
                            : sendq_view(&q, pool, s, kind == 2 ? SENDQ_PIN : SENDQ_STATIC, &pins);

        to += ok ? (uint32_t)s.len : 0;
        pins += ok && kind == 2;
        refused += !ok;
        if (random_below(3) == 0 || !ok) {
            uint32_t n = random_below(q.bytes + 1);

            sendq_acknowledge(&q, pool, n);
            from += n;
        }
        if (random_below(5) == 0 || !ok)
            while (sendq_released(&q, pool))
                pins--;
        if (random_below(50) == 0 && !queue_is(&q, from, to))
            break;
    }
    CHECK(refused > 0);
    sendq_fini(&q, pool);
    while (sendq_released(&q, pool))
        pins--;
    CHECK(pins == 0);
    for (int c = 0; c < CHUNK_CLASSES; c++)
        CHECK(chunk_used(pool, (enum chunk_class)c) == 0);
    chunk_pool_free(pool);
}

static void small_replies_share_a_chunk(void)
{
    static const uint32_t limits[CHUNK_CLASSES] = {2, 0, 0};
    struct chunk_pool *pool = chunk_pool_new(limits);
    struct sendq q;

    sendq_init(&q);
    for (int i = 0; i < 30; i++)
        CHECK(sendq_copy(&q, pool, span_text("250 2.1.5 Ok\r\n")));
    CHECK(chunk_used(pool, CHUNK_SMALL) == 2);
    CHECK(!sendq_copy(&q, pool, span_of(stream, 100)) && q.bytes == 420);
    CHECK(!sendq_view(&q, pool, span_of(stream, 100), SENDQ_PIN, stream) && q.bytes == 420);
    sendq_acknowledge(&q, pool, 420);
    CHECK(chunk_used(pool, CHUNK_SMALL) == 0);
    chunk_pool_free(pool);
}

int main(void)
{
    check_begin();
    CHECK_CASE(sequence_numbers_compare_on_the_circle);
    CHECK_CASE(siphash_gives_the_published_value);
    CHECK_CASE(flow_owner_is_the_symmetric_toeplitz_hash);
    CHECK_CASE(options_are_read_whatever_their_order);
    CHECK_CASE(options_come_back_as_written);
    CHECK_CASE(timeout_follows_the_round_trip);
    CHECK_CASE(congestion_window_grows_and_halves);
    CHECK_CASE(wheel_fires_each_timer_at_its_tick);
    CHECK_CASE(flow_table_finds_what_was_added);
    CHECK_CASE(flow_table_grows_a_chain_at_a_time);
    CHECK_CASE(send_queue_keeps_the_stream);
    CHECK_CASE(small_replies_share_a_chunk);
    return check_end();
}
