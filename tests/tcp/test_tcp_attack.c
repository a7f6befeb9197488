/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* Peers that want the endpoint to run out of something; what others get meanwhile. */

static const struct span none;

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

static void begin(struct tcp_raw *r, const struct tcp_options *options)
{
    struct tcp_link_options o = {.seed = 1, .tcp = *options};

    tcp_raw_init(r, &o);
}

/* One SYN from an address that does not exist. */
static void spoof(struct tcp_raw *r, uint32_t n)
{
    struct tcp_segment s = {
        .destination_port = TCP_LINK_PORT,
        .seq = n * 2654435761u,
        .flags = TCP_SYN,
        .window = 1000,
        .source = ip_address_v4((uint8_t[4]){198, 19, (uint8_t)(n >> 8), (uint8_t)n})};

    tcp_link_inject(r->link, TCP_LINK_SERVER, (uint16_t)(n >> 16 | 1024), &s, none);
}

static bool opens(struct tcp_raw *r, uint16_t port)
{
    struct tcp_conn *before = r->conn;

    r->port = port;
    r->seq = TCP_RAW_ISN;
    tcp_raw_open(r);
    return r->conn != before && r->conn->state == TCP_ESTABLISHED;
}

static void let_go(struct tcp_raw *r)
{
    tcp_abort(r->server->tcp, r->conn);
    tcp_forget(r->server->tcp, r->conn);
    r->conn = NULL;
}

static void a_flood_of_syns_leaves_connections_alone(void)
{
    enum { FLOOD = 1000000 };
    struct tcp_raw r;
    struct tcp_conn *old;
    uint32_t seq, ack;

    begin(&r, &(struct tcp_options){.half_open = 256});
    r.read = true;
    CHECK(opens(&r, 4000));
    old = r.conn;
    seq = r.seq, ack = r.ack;
    for (uint32_t n = 0; n < FLOOD; n++) {
        spoof(&r, n);
        if (n % 100000 == 99999) {
            /* Another client gets in ... */
            if (!CHECK(opens(&r, (uint16_t)(5000 + n / 100000))))
                break;
            let_go(&r);
            /* ... and the old connection goes on. */
            r.port = 4000;
            r.seq = seq, r.ack = ack;
            tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(r.bytes_read, 1000));
            seq = r.seq;
            tcp_raw_wait(&r, 1000000);
        }
    }
    CHECK(r.conn == old && r.bytes_read == 10000 && !r.wrong);
    CHECK(r.server->tcp->half.count <= 256 && tcp_connections(r.server->tcp) == 1);
    CHECK(counters(&r)->cookies_sent > FLOOD - 20000 && counters(&r)->cookies_accepted == 10);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void flood(struct tcp_raw *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        spoof(r, i);
}

/* All that was agreed on survives, in the sequence number and in the timestamp. */
static void a_cookie_keeps_what_was_offered(void)
{
    for (int scale = 0; scale <= 14; scale += 7)
        for (int sack = 0; sack < 2; sack++) {
            struct tcp_raw r;
            struct tcp_option o;
            uint32_t clock;

            begin(&r, &(struct tcp_options){.half_open = 16});
            flood(&r, 100);
            r.ts = 12345;
            r.sack = sack;
            tcp_raw_send(&r, TCP_SYN, none);
            CHECK(counters(&r)->cookies_sent == 85 && r.server->last.flags == (TCP_SYN | TCP_ACK));
            CHECK(
                tcp_option_parse(span_of(r.server->last.options, r.server->last.options_len), &o));
            CHECK(o.present & TCP_OPTION_SCALE && o.present & TCP_OPTION_TIMESTAMPS &&
                  o.ts_echo == 12345 && o.mss == 1460);
            clock = o.ts_value;
            r.ts_echo = o.ts_value;
            r.ts = 12399;
            r.ack = r.server->last.seq + 1;
            tcp_raw_wait(&r, 500000);
            tcp_raw_send(&r, TCP_ACK, span_text("EHLO"));
            if (!CHECK(r.conn && r.events == (TCP_EVENT_ACCEPTED | TCP_EVENT_READABLE)))
                return;
            CHECK(r.conn->snd_scale == 2 && r.conn->flags & CONN_TIMESTAMPS &&
                  r.conn->ts_recent == 12399 && r.conn->mss == 1448 &&
                  r.conn->snd_wnd == 65535u << 2);
            CHECK(!!(r.conn->modes & TCP_MODE_SACK) == sack);
            tcp_raw_wait(&r, 100000);
            tcp_option_parse(span_of(r.server->last.options, r.server->last.options_len), &o);
            CHECK(seq_lt(clock, o.ts_value) && o.ts_value - clock < 1000);
            CHECK(tcp_raw_fini(&r) == 0);
        }
}

static void a_cookie_carries_each_option(void)
{
    for (uint32_t n = 0; n < 1u << 12; n++) {
        struct tcp_half h = {.scale = (n & 15) > 14 ? 0 : n & 15, .ecn = n >> 5 & 1}, back = {0};
        uint32_t clock = n * 2654435761u, ts;

        h.present = (uint8_t)(((n & 15) > 14 ? 0 : TCP_OPTION_SCALE) |
                              (n >> 4 & 1 ? TCP_OPTION_SACK_PERMITTED : 0));
        ts = tcp_cookie_timestamp(&h, clock);
        CHECK(clock - ts < 1u << TCP_COOKIE_TS_BITS);
        tcp_cookie_options(&back, ts);
        if (!CHECK(back.present == h.present && back.scale == h.scale && back.ecn == h.ecn))
            return;
    }
}

static void a_cookie_keeps_a_class_of_mss(void)
{
    static const uint16_t said[] = {0, 60, 500, 536, 1219, 1220, 1300, 1400, 1459, 1460, 8960},
                          kept[] = {536, 64, 64, 536, 536, 1220, 1300, 1380, 1440, 1460, 1460};
    struct tcp_cookies c;
    uint8_t secret[16] = {9};

    tcp_cookie_init(&c, secret);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        struct tcp_half h = {.irs = 7, .mss = said[i], .present = said[i] ? TCP_OPTION_MSS : 0};

        h.local = ip_address_v4((uint8_t[4]){198, 18, 0, 1});
        h.isn = tcp_cookie_make(&c, &h, 0);
        CHECK(tcp_cookie_check(&c, &h, 1000) && h.mss == kept[i]);
        h.local_port = 1;
        CHECK(!tcp_cookie_check(&c, &h, 1000));
    }
}

/* Good in its period and the next; the secrets change, whatever time passes in between. */
static void a_cookie_grows_old(void)
{
    struct tcp_cookies c;
    uint8_t secret[16] = {9};
    struct tcp_half h = {.irs = 7};
    uint32_t first;

    tcp_cookie_init(&c, secret);
    CHECK(!tcp_cookie_recent(&c, 0));
    h.isn = first = tcp_cookie_make(&c, &h, 60000000);
    CHECK(tcp_cookie_check(&c, &h, 127000000) && tcp_cookie_recent(&c, 127000000));
    CHECK(!tcp_cookie_check(&c, &h, 128000001) && !tcp_cookie_recent(&c, 128000001));
    for (uint64_t now = 192; now < 2000; now += 64) {
        h.isn = first;
        CHECK(!tcp_cookie_check(&c, &h, now * 1000000));
        h.isn = tcp_cookie_make(&c, &h, now * 1000000);
        CHECK(h.isn != first);
    }
    CHECK(tcp_cookie_check(&c, &h, 2000000000) && !tcp_cookie_check(&c, &h, 100000000000));
}

/* Without an attack no acknowledgement is taken for a cookie's; under one, a wrong one is not. */
static void cookies_are_believed_while_some_are_out(void)
{
    struct tcp_raw r;
    uint32_t good, irs;

    begin(&r, &(struct tcp_options){.half_open = 16});
    r.seq = 500;
    r.ack = 500;
    CHECK(tcp_raw_send(&r, TCP_ACK, none) == 1 && r.server->last.flags == TCP_RST);
    CHECK(counters(&r)->cookies_bad == 0);
    flood(&r, 16);
    r.seq = irs = TCP_RAW_ISN;
    tcp_raw_send(&r, TCP_SYN, none);
    good = r.server->last.seq + 1;
    for (int bit = 0; bit < 32; bit++) {
        r.ack = good ^ 1u << bit;
        CHECK(tcp_raw_send_at(&r, irs + 1, TCP_ACK, none) == 1 && r.server->last.flags == TCP_RST);
    }
    r.ack = good;
    CHECK(tcp_raw_send_at(&r, irs + 2, TCP_ACK, none) == 1);
    /* What overtook the first acknowledgement is not refused, since that would reset the peer. */
    CHECK(tcp_raw_send_at(&r, irs + 4, TCP_ACK, span_text("lo")) == 0);
    CHECK(counters(&r)->cookies_bad == 34 && !r.conn);
    r.port++;
    CHECK(tcp_raw_send_at(&r, irs + 1, TCP_ACK, none) == 1);
    r.port--;
    tcp_raw_wait(&r, 130000000);
    CHECK(tcp_raw_send_at(&r, irs + 1, TCP_ACK, none) == 1 && r.server->last.flags == TCP_RST);
    CHECK(counters(&r)->cookies_bad == 35 && counters(&r)->cookies_accepted == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Its cookie was the last thing said: who waits for a greeting would wait for ever. */
static void a_cookie_that_finds_no_room_is_reset(void)
{
    struct tcp_raw r;
    uint32_t ack;

    begin(&r, &(struct tcp_options){.half_open = 16, .connections = 1});
    flood(&r, 16);
    r.port = 5000;
    r.seq = TCP_RAW_ISN;
    tcp_raw_send(&r, TCP_SYN, none);
    ack = r.server->last.seq + 1;
    CHECK(counters(&r)->cookies_sent == 1);
    CHECK(opens(&r, 6000));
    r.port = 5000;
    r.ack = ack;
    CHECK(tcp_raw_send_at(&r, TCP_RAW_ISN + 1, TCP_ACK, none) == 1 &&
          r.server->last.flags == TCP_RST && counters(&r)->drop_connections == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Above the mark only those get a cookie who lose nothing by it. */
static void the_last_entries_are_for_peers_without_timestamps(void)
{
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){.half_open = 16});
    flood(&r, 12);
    r.ts = 1;
    tcp_raw_send(&r, TCP_SYN, none);
    CHECK(r.server->tcp->half.count == 12 && counters(&r)->cookies_sent == 1);
    r.port++;
    r.ts = 0;
    tcp_raw_send_at(&r, TCP_RAW_ISN, TCP_SYN, none);
    CHECK(r.server->tcp->half.count == 13 && counters(&r)->cookies_sent == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void without_cookies_the_oldest_handshake_goes(void)
{
    struct tcp_raw r;

    begin(&r, &(struct tcp_options){.half_open = 16, .no_cookies = true});
    tcp_raw_send(&r, TCP_SYN, none);
    r.ack = r.server->last.seq + 1;
    tcp_raw_wait(&r, 1500000);
    flood(&r, 15);
    CHECK(counters(&r)->half_open_evicted == 0);
    spoof(&r, 999);
    CHECK(r.server->tcp->half.count == 16 && counters(&r)->half_open_evicted == 1);
    CHECK(tcp_raw_send(&r, TCP_ACK, none) == 1 && r.server->last.flags == TCP_RST);
    CHECK(opens(&r, 4001) && counters(&r)->cookies_sent == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* One network opens all it can; it gets its share, another one is served. */
static void a_network_that_hogs_has_its_share(void)
{
    struct tcp_raw r;
    struct tcp_conn *held[8];
    uint32_t got = 0;

    begin(&r,
          &(struct tcp_options){
              .connections = 64, .half_open = 64, .prefix_connections = 4, .prefix_half_open = 6});
    for (uint32_t n = 0; n < 20; n++) {
        r.source = ip_address_v4((uint8_t[4]){198, 19, 7, (uint8_t)n});
        if (opens(&r, 4000))
            held[got++ % 8] = r.conn;
    }
    CHECK(got == 4 && counters(&r)->drop_prefix_connections == 16);
    r.source = ip_address_v4((uint8_t[4]){198, 19, 8, 1});
    if (CHECK(opens(&r, 4000)))
        let_go(&r);
    for (uint32_t n = 0; n < 4; n++) {
        r.conn = held[n];
        let_go(&r);
    }
    r.source = ip_address_v4((uint8_t[4]){198, 19, 7, 77});
    if (CHECK(opens(&r, 4000)))
        let_go(&r);
    /* Half-open: beyond its share it gets cookies, and takes no entry from others. */
    for (uint32_t n = 0; n < 20; n++) {
        r.source = ip_address_v4((uint8_t[4]){198, 19, 7, (uint8_t)n});
        r.port = 5000;
        tcp_raw_send_at(&r, TCP_RAW_ISN, TCP_SYN, none);
    }
    CHECK(r.server->tcp->half.count == 6 && counters(&r)->cookies_sent == 14);
    CHECK(tcp_raw_fini(&r) == 0);
}

static uint32_t out_of_order(struct tcp_raw *r, struct tcp_conn *conn, uint16_t port, uint32_t n)
{
    r->port = port;
    r->ack = conn->snd_nxt;
    for (uint32_t i = 1; i <= n; i++)
        tcp_raw_send_at(r, conn->rcv_nxt + 2000 * i, TCP_ACK, tcp_link_bytes(0, 1000));
    return conn->ooo_bytes;
}

/* Hogs fill the budget, not the pool: others still get bytes in order, and a little out of order.
 */
static void out_of_order_bytes_have_a_budget(void)
{
    enum { BUDGET = 1 << 20 };
    struct tcp_raw r;
    struct tcp_conn *hogs[8];

    begin(&r, &(struct tcp_options){.out_of_order = BUDGET});
    for (uint16_t i = 0; i < 8; i++) {
        CHECK(opens(&r, (uint16_t)(4000 + i)));
        hogs[i] = r.conn;
    }
    for (uint16_t i = 0; i < 7; i++)
        out_of_order(&r, hogs[i], (uint16_t)(4000 + i), 120);
    CHECK(r.server->tcp->ooo_held <= BUDGET && r.server->tcp->ooo_held > BUDGET / 2);
    CHECK(counters(&r)->drop_out_of_order > 0);
    CHECK(out_of_order(&r, hogs[7], 4007, 20) >= 10000);
    r.conn = NULL;
    tcp_raw_send_at(&r, hogs[7]->rcv_nxt, TCP_ACK, tcp_link_bytes(0, 1000));
    CHECK(r.conn == hogs[7] && tcp_unread(hogs[7]) == 1000);
    for (uint16_t i = 0; i < 8; i++) {
        r.conn = hogs[i];
        let_go(&r);
    }
    CHECK(r.server->tcp->ooo_held == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void networks_are_64_bits_of_ipv6(void)
{
    struct tcp_prefixes p = {0};
    uint32_t limit[TCP_PREFIX_KINDS] = {2, 0};
    uint8_t secret[16] = {3};
    uint8_t v6[16] = {0x20, 0x01, 0, 2, 0, 0, 0, 1};

    CHECK(tcp_prefix_init(&p, 4, limit, secret));
    for (uint8_t i = 0; i < 4; i++) {
        struct ip_address a;

        v6[15] = i;
        v6[7] = i / 2;
        a = ip_address_v6(v6);
        CHECK(tcp_prefix_room(&p, &a, TCP_PREFIX_CONNECTIONS));
        tcp_prefix_take(&p, &a, TCP_PREFIX_CONNECTIONS);
        CHECK(tcp_prefix_room(&p, &a, TCP_PREFIX_CONNECTIONS) == !(i % 2));
        CHECK(tcp_prefix_room(&p, &a, TCP_PREFIX_HALF_OPEN));
    }
    CHECK(p.fresh == 2);
    for (uint8_t i = 0; i < 4; i++) {
        struct ip_address a;

        v6[15] = i;
        v6[7] = i / 2;
        a = ip_address_v6(v6);
        tcp_prefix_give(&p, &a, TCP_PREFIX_CONNECTIONS);
        CHECK(tcp_prefix_room(&p, &a, TCP_PREFIX_CONNECTIONS));
    }
    CHECK(p.free && p.fresh == 2);
    tcp_prefix_fini(&p);
}

/* Keys that one secret puts into one chain: an attacker who knew the secret would have them. */
static void chains_cannot_be_aimed_at_without_the_secret(void)
{
    enum { N = 4096, AIMED = 256, BUCKETS = 1024 };
    struct tcp_flows known = {0}, other = {0};
    uint8_t secrets[2][16] = {{1}, {2}};
    uint32_t aimed = 0, n[BUCKETS] = {0}, most = 0;

    CHECK(tcp_flow_init(&known, N, secrets[0]) && tcp_flow_init(&other, N, secrets[1]));
    for (uint32_t i = 0; aimed < AIMED; i++) {
        struct tcp_flow_key key = {.remote_port = (uint16_t)i};
        uint32_t bucket;

        memcpy(key.remote.bytes + 12, &i, 4);
        if (tcp_flow_hash(&known, &key) % BUCKETS)
            continue;
        bucket = (uint32_t)(tcp_flow_hash(&other, &key) % BUCKETS);
        n[bucket]++;
        most = n[bucket] > most ? n[bucket] : most;
        aimed++;
    }
    CHECK(most < 8);
    tcp_flow_fini(&known);
    tcp_flow_fini(&other);
}

/* A peer that asks for much and takes nothing holds what send_limit says, for as long as its window
 * is shut; and what it has out of order does not add to that. */
static void a_peer_that_takes_nothing_holds_bounded_memory(void)
{
    struct tcp_raw r;
    uint32_t room, most;

    begin(&r, &(struct tcp_options){.send_limit = 65536, .receive_window = 65536});
    r.window = 0;
    CHECK(opens(&r, 4000));
    while ((room = tcp_send_room(r.conn)) != 0) {
        static uint8_t text[1000];

        room = room < sizeof(text) ? room : sizeof(text);
        if (!CHECK(sendq_copy(tcp_sendq(r.conn), r.server->pool, span_of(text, room))))
            break;
    }
    tcp_send(r.server->tcp, r.conn);
    CHECK(r.conn->queue.bytes == 65536);
    for (uint32_t i = 0; i < 20000; i++)
        tcp_raw_send_at(&r, r.seq + 2 + i * 7 % 60000, TCP_ACK, tcp_link_bytes(i, 5));
    most = r.server->tcp->receive_limit;
    CHECK(r.conn->held <= most && r.conn->queue.bytes == 65536 && tcp_send_room(r.conn) == 0);
    CHECK(r.conn->ooo_pieces <= TCP_OOO_PIECES && counters(&r)->drop_pieces > 0);
    let_go(&r);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* What became of payload: it was taken, kept, or a row says why not. */
static uint64_t outcomes(const struct tcp_raw *r)
{
    const struct tcp_counters *c = counters(r);
    uint64_t sum = c->bytes_in + c->out_of_order + c->resets_in + c->closed_data + c->cookies_bad;

#define TCP_COUNTER(name, text) sum += strncmp(#name, "drop_", 5) == 0 ? c->name : 0;
#include "dataplane/tcp/tcp_counter.def"
#undef TCP_COUNTER
    return sum;
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % below;
}

/* Segments at random, within connections in all states and outside of them: none with payload, SYN
 * or RST, and none without ACK, is dropped in silence. */
static void whatever_is_dropped_is_counted(void)
{
    static const uint32_t places[] = {0,     0,        0,        1,   5,   100,
                                      65535, 1u << 20, 1u << 31, -1u, -5u, -100u};
    struct tcp_raw r;
    uint64_t state = 1, before;

    begin(&r, &(struct tcp_options){.half_open = 16, .time_wait_ms = 1000});
    r.read = true;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t at = places[draw(&state, 12)], ack = r.ack, len = draw(&state, 3) * 7;
        uint8_t flags = (uint8_t)draw(&state, 64);

        if (i % 50 == 0) {
            if (r.conn && r.conn->state != TCP_CLOSED)
                tcp_abort(r.server->tcp, r.conn);
            if (r.conn)
                tcp_forget(r.server->tcp, r.conn);
            r.conn = NULL;
            r.ts = draw(&state, 2) ? 1 + i : 0;
            opens(&r, (uint16_t)(1024 + i / 50 % 60000));
            if (r.conn && draw(&state, 3) == 0)
                tcp_shutdown(r.server->tcp, r.conn);
            if (r.conn && draw(&state, 4) == 0)
                tcp_discard(r.server->tcp, r.conn);
            if (r.conn && draw(&state, 4) == 0) {
                tcp_forget(r.server->tcp, r.conn);
                r.conn = NULL;
            }
            tcp_raw_wait(&r, 1000);
            ack = r.ack;
        }
        if (draw(&state, 4))
            flags = (uint8_t)((flags & (TCP_FIN | TCP_PSH)) | TCP_ACK);
        r.ack += places[draw(&state, 12)];
        before = outcomes(&r);
        tcp_raw_send_at(&r, r.seq + at, flags, tcp_link_bytes(0, len));
        if (len || flags & TCP_RST || !(flags & (TCP_ACK | TCP_SYN)))
            if (!CHECK(outcomes(&r) > before))
                break;
        r.ack = ack;
        if (r.conn && r.conn->state == TCP_CLOSED) {
            tcp_forget(r.server->tcp, r.conn);
            r.conn = NULL;
        }
    }
    r.ack = r.conn ? r.conn->snd_max : r.ack;
    CHECK(tcp_raw_fini(&r) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_flood_of_syns_leaves_connections_alone);
    CHECK_CASE(a_cookie_keeps_what_was_offered);
    CHECK_CASE(a_cookie_carries_each_option);
    CHECK_CASE(a_cookie_keeps_a_class_of_mss);
    CHECK_CASE(a_cookie_grows_old);
    CHECK_CASE(cookies_are_believed_while_some_are_out);
    CHECK_CASE(a_cookie_that_finds_no_room_is_reset);
    CHECK_CASE(the_last_entries_are_for_peers_without_timestamps);
    CHECK_CASE(without_cookies_the_oldest_handshake_goes);
    CHECK_CASE(a_network_that_hogs_has_its_share);
    CHECK_CASE(out_of_order_bytes_have_a_budget);
    CHECK_CASE(networks_are_64_bits_of_ipv6);
    CHECK_CASE(chains_cannot_be_aimed_at_without_the_secret);
    CHECK_CASE(a_peer_that_takes_nothing_holds_bounded_memory);
    CHECK_CASE(whatever_is_dropped_is_counted);
    return check_end();
}
