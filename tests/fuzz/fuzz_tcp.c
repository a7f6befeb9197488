/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "dataplane/tcp/tcp_conn.h"
#include "proto/base/cursor.h"
#include "tests/fuzz/snapshot.h"

/*
 * Sequences of raw segments with state. The input is a program: an octet says what happens, the
 * octets behind it say how. Segments may be wholly raw, or relative to what the endpoint last sent,
 * so that they reach deep states. At the end everything is aborted, and no chunk and no connection
 * may be left.
 */
enum { PEERS = 4, CONNECTIONS = 6 };

struct peer {
    uint32_t seq, ack; /* what the endpoint would accept next, as far as its last segment says */
    uint32_t isn;
};

struct run {
    struct cursor in;
    struct tcp *tcp;
    struct chunk_pool *pool;
    uint64_t now;
    struct peer peers[PEERS];
    struct tcp_conn *conns[CONNECTIONS];
    uint32_t conn_count;
    uint32_t pins;
};

static const uint8_t filler[70000];

static void check(bool ok)
{
    if (!ok)
        abort();
}

static struct ip_address address_of(uint32_t peer)
{
    uint8_t v4[4] = {198, 18, 0, (uint8_t)(1 + peer)},
            v6[16] = {0x20, 1, 0, 2, [15] = (uint8_t)(1 + peer)};

    return peer % 2 ? ip_address_v6(v6) : ip_address_v4(v4);
}

static struct ip_address local_of(uint32_t peer)
{
    return address_of(peer + 100);
}

/* SACK-permitted on a SYN, else up to four blocks at and behind what the endpoint last sent. */
static void put_sack(struct run *r, struct writer *w, uint8_t flags, const struct peer *peer)
{
    struct tcp_option o = {.present = TCP_OPTION_SACK};

    if (flags & TCP_SYN) {
        o.present = TCP_OPTION_SACK_PERMITTED;
    } else {
        o.sack_count = cursor_u8(&r->in) % TCP_SACK_BLOCKS + 1;
        for (uint32_t i = 0; i < o.sack_count; i++) {
            o.sack[i].start = peer->ack - cursor_u16(&r->in);
            o.sack[i].end = o.sack[i].start + cursor_u16(&r->in) % 8192;
        }
    }
    tcp_option_put(w, &o);
}

/* One segment; `raw` takes the header as it stands in the input. */
static void segment(struct run *r, bool raw)
{
    uint8_t choice = cursor_u8(&r->in), flags = cursor_u8(&r->in), header[60] = {0};
    struct peer *peer = &r->peers[choice % PEERS];
    struct writer w = writer_of(header, sizeof(header));
    struct tcp_packet p = {.source = address_of(choice % PEERS),
                           .destination = local_of(choice % PEERS)};
    uint32_t len = cursor_u16(&r->in) % 9000, at = 0;
    struct span options, copy;
    uint8_t *payload, *guarded;

    if (raw) {
        struct span s = cursor_take(&r->in, flags % 61 < cursor_left(&r->in) ? flags % 61
                                                                             : cursor_left(&r->in));

        writer_span_put(&w, s);
    } else {
        int8_t seq_off = (int8_t)cursor_u8(&r->in), ack_off = (int8_t)cursor_u8(&r->in);
        uint32_t scale = choice >> 6;

        options = cursor_take(&r->in, choice & 32 ? 12 : 0);
        writer_uint(&w, 1000 + choice % PEERS, 2);
        writer_uint(&w, choice & 16 ? 26 : 25, 2);
        writer_uint(&w, peer->seq + (uint32_t)((int32_t)seq_off * (1 << scale * 4)), 4);
        writer_uint(&w, peer->ack + (uint32_t)ack_off, 4);
        writer_byte(&w, 0); /* the length, below */
        writer_byte(&w, flags);
        writer_uint(&w, cursor_u16(&r->in), 2);
        writer_uint(&w, 0, 4);
        writer_span_put(&w, options);
        if (choice & 4)
            put_sack(r, &w, flags, peer);
        header[12] = (uint8_t)(w.len / 4 << 4);
        p.ecn = choice & 8 ? 3 : 2;
    }
    guarded = malloc(w.len + 1);
    memcpy(guarded, header, w.len);
    p.header = span_of(guarded, w.len);
    payload = malloc(len + 1);
    memset(payload, 'x', len);
    copy = span_of(payload, len);
    for (p.pieces = 0; p.pieces < TCP_PIECES && at < len; p.pieces++) {
        uint32_t n = p.pieces + 1 == TCP_PIECES ? len - at : (len - at) / 2 + 1;

        p.payload[p.pieces] = span_head(span_skip(copy, at), n);
        at += n;
    }
    tcp_receive(r->tcp, &p, r->now);
    tcp_settle(r->tcp);
    free(payload);
    free(guarded);
}

static void remember(struct run *r, struct tcp_conn *conn)
{
    for (uint32_t i = 0; i < r->conn_count; i++)
        if (r->conns[i] == conn)
            return;
    check(r->conn_count < CONNECTIONS);
    r->conns[r->conn_count++] = conn;
}

static void collect(struct run *r, struct tcp_conn *conn)
{
    while (sendq_released(tcp_sendq(conn), r->pool))
        r->pins--;
}

static void let_go(struct run *r, uint32_t i)
{
    struct tcp_conn *conn = r->conns[i];

    r->conns[i] = r->conns[--r->conn_count];
    tcp_abort(r->tcp, conn);
    collect(r, conn);
    tcp_forget(r->tcp, conn);
}

/* The scoreboard's sums are those of its records. */
static void check_flight(const struct run *r, const struct tcp_conn *conn)
{
    const struct tcp_flight *f = tcp_flight_of(r->tcp, conn);
    uint32_t sacked = 0, lost = 0, at = conn->snd_una;

    for (uint32_t i = 0; f && i < f->count; i++) {
        const struct tcp_sent *s = &f->sent[i];

        check(seq_lt(at, s->end) && s->flags <= 7 && (s->flags & 3) != 3);
        sacked += s->flags & SENT_SACKED ? s->end - at : 0;
        lost += s->flags & SENT_LOST ? s->end - at : 0;
        at = s->end;
    }
    if (f)
        check(f->sacked == sacked && f->lost == lost && at == conn->snd_max);
}

static void turn(struct run *r)
{
    struct tcp_segment out[8];
    struct tcp_conn *conn;
    uint32_t n, most = 5000;

    while ((conn = tcp_ready(r->tcp))) {
        tcp_events(conn);
        remember(r, conn);
        collect(r, conn);
    }
    tcp_timers(r->tcp, r->now);
    while ((n = tcp_output(r->tcp, r->now, out, 8)))
        for (uint32_t i = 0; i < n; i++) {
            uint32_t p = 0, at = 0;

            check(most-- > 0);
            while (p < PEERS && out[i].destination_port != 1000 + p)
                p++;
            if (p < PEERS && !(out[i].flags & TCP_RST)) {
                r->peers[p].seq = out[i].ack;
                r->peers[p].ack = out[i].seq + out[i].len + !!(out[i].flags & (TCP_SYN | TCP_FIN));
            }
            while (at < out[i].len) {
                struct span s = sendq_at(out[i].queue, out[i].offset + at, out[i].len - at);

                check(s.len > 0);
                at += (uint32_t)s.len;
            }
        }
    for (uint32_t i = 0; i < r->conn_count; i++)
        check_flight(r, r->conns[i]);
}

/* What the session may do. */
static void act(struct run *r, uint8_t what)
{
    uint8_t n = cursor_u8(&r->in);
    struct tcp_conn *conn;
    struct span s = span_of(filler, (size_t)n * n);

    if (!r->conn_count)
        return;
    conn = r->conns[n % r->conn_count];
    switch (what % 10) {
    case 0:
        s = tcp_peek(conn);
        if (s.len)
            tcp_consume(r->tcp, conn, s.len < 3 ? 1 : (uint32_t)s.len / (n % 3 + 1));
        break;
    case 1:
        if (tcp_send_room(conn))
            sendq_copy(tcp_sendq(conn), r->pool, s);
        tcp_send(r->tcp, conn);
        break;
    case 2:
        if (tcp_send_room(conn) && sendq_view(tcp_sendq(conn), r->pool, s, SENDQ_PIN, r))
            r->pins++;
        tcp_send(r->tcp, conn);
        break;
    case 3:
        tcp_shutdown(r->tcp, conn);
        break;
    case 4:
        tcp_discard(r->tcp, conn);
        break;
    case 5:
        let_go(r, n % r->conn_count);
        break;
    case 8:
        tcp_set_keepalive(r->tcp, conn, n & 1);
        break;
    case 9:
        tcp_set_user_timeout(r->tcp, conn, n * 100u, n & 1);
        break;
    default:
        while ((s = tcp_peek(conn)).len)
            tcp_consume(r->tcp, conn, (uint32_t)s.len);
        check(tcp_unread(conn) == 0);
    }
}

static void step(struct run *r)
{
    uint8_t op = cursor_u8(&r->in);
    struct tcp_packet quoted = {.source = local_of(op >> 4 & 3),
                                .destination = address_of(op >> 4 & 3)};
    struct ip_address local = local_of(op >> 4 & 3), remote = address_of(op >> 4 & 3);
    struct tcp_conn *conn;

    switch (op % 16) {
    case 0:
        segment(r, true);
        break;
    case 1:
        r->now += 1ull << cursor_u8(&r->in) % 30;
        break;
    case 2:
        quoted.header = cursor_take(&r->in, 8);
        if (quoted.header.len)
            tcp_icmp_error(r->tcp, &quoted, cursor_u16(&r->in), op & 128, r->now);
        break;
    case 3:
        conn = tcp_connect(r->tcp, &local, op & 64 ? 0 : 25, &remote,
                           (uint16_t)(1000 + (op >> 4 & 3)), r->now);
        if (conn)
            remember(r, conn);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        act(r, cursor_u8(&r->in));
        break;
    default:
        segment(r, false);
    }
    turn(r);
}

/* The endpoint that the input's first octet asks for, as new. All have the same pool, which is
 * empty between two inputs. */
static void set_up(struct run *r, uint8_t how)
{
    static const uint32_t chunks[CHUNK_CLASSES] = {60, 30, 6};
    static struct {
        struct tcp *tcp;
        struct snapshot *snapshot;
    } made[256];
    static struct chunk_pool *pool;
    struct tcp_options options = {.connections = CONNECTIONS,
                                  .half_open = 3,
                                  .send_limit = 100000,
                                  .mss_v4 = 1460,
                                  .mss_v6 = 1440};

    r->pool = pool = pool ? pool : chunk_pool_new(chunks);
    r->tcp = made[how].tcp;
    if (r->tcp) {
        snapshot_restore(made[how].snapshot);
        return;
    }
    options.receive_window = how & 1 ? 300000 : 10000;
    options.no_cookies = how & 2;
    options.prefix_connections = how & 4 ? 2 : 0;
    options.prefix_half_open = how & 4 ? 1 : 0;
    options.out_of_order = how & 8 ? 20000 : 0;
    options.keepalive_ms = how & 16 ? 20000 : 0;
    options.flights = how & 32 ? 1 : 0;
    options.ecn = how >> 6 & 1;
    options.newreno = how & 128;
    snapshot_begin();
    r->tcp = made[how].tcp = tcp_new(&options, pool);
    tcp_listen(r->tcp, 25, 1);
    made[how].snapshot = snapshot_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run r = {.in = cursor_of(span_of(data, size)), .now = 1000000};

    set_up(&r, cursor_u8(&r.in));
    while (cursor_left(&r.in) && !r.in.bad)
        step(&r);
    while (r.conn_count)
        let_go(&r, 0);
    for (int i = 0; i < 3000 && tcp_connections(r.tcp); i++) {
        r.now += 1000000;
        turn(&r);
        while (r.conn_count)
            let_go(&r, 0);
    }
    check(tcp_connections(r.tcp) == 0 && r.pins == 0 && r.tcp->flights_used == 0);
    for (int c = 0; c < CHUNK_CLASSES; c++)
        check(chunk_used(r.pool, (enum chunk_class)c) == 0);
    return 0;
}
