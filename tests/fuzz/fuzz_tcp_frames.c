/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "proto/base/cursor.h"
#include "tests/fuzz/snapshot.h"
#include "tests/sim/sim_host.h"

/*
 * Two endpoints that talk in whole frames, and an input that says what befalls each frame: it
 * arrives, is lost, comes twice or in another order, has bytes of the input laid over it, with its
 * checksums mended or not; or frames of the input's own arrive. In between the clock moves, and the
 * sessions open, write, read late, close, reset. At the end nothing may be left.
 */
enum { HOSTS = 2, CONNECTIONS = 6, QUEUE = 128, PORT = 25, STEPS = 3000, OVERLAY = 8, FRAME = 300 };

struct run {
    struct cursor in;
    uint64_t now;
    struct sim_host hosts[HOSTS]; /* packets of way i leave hosts[i] */
    struct sim_packet *queue[SIM_WAYS][QUEUE];
    uint32_t queued[SIM_WAYS];
    struct tcp_conn *conns[HOSTS][CONNECTIONS];
    uint32_t conn_count[HOSTS];
    uint16_t port;
    bool deaf;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t filler[40000];
static struct run run;

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void sent(void *user, struct sim_packet *p)
{
    struct run *r = user;

    if (r->queued[p->way] < QUEUE)
        r->queue[p->way][r->queued[p->way]++] = p;
    else
        free(p);
}

static void news_of(struct run *r, int host, struct tcp_conn *conn)
{
    uint32_t events = tcp_events(conn), i = 0, *count = &r->conn_count[host];
    struct tcp *tcp = r->hosts[host].tcp;
    struct span s;

    while (i < *count && r->conns[host][i] != conn)
        i++;
    if (i == *count) {
        check(*count < CONNECTIONS);
        r->conns[host][(*count)++] = conn;
    }
    while (!r->deaf && (s = tcp_peek(conn)).len)
        tcp_consume(tcp, conn, (uint32_t)s.len);
    if (events & TCP_EVENT_EOF)
        tcp_shutdown(tcp, conn);
    if (events & TCP_EVENT_CLOSED) {
        r->conns[host][i] = r->conns[host][--*count];
        tcp_forget(tcp, conn);
    }
}

static void news_in(void *user, struct tcp_conn *conn)
{
    news_of(user, SIM_IN, conn);
}

static void news_out(void *user, struct tcp_conn *conn)
{
    news_of(user, SIM_OUT, conn);
}

static void open_host(struct run *r, int way)
{
    struct sim_host_options o = {.tcp = {.connections = CONNECTIONS,
                                         .half_open = 3,
                                         .receive_window = 20000,
                                         .send_limit = 30000,
                                         .mss_v4 = 500,
                                         .mss_v6 = 480,
                                         .ecn = TCP_ECN_ASK,
                                         .flights = 4,
                                         .secret = {(uint8_t)way}},
                                 .chunks = {100, 60, 8},
                                 .way = way,
                                 .send = sent,
                                 .news = way == SIM_IN ? news_in : news_out,
                                 .user = r};

    sim_host_init(&r->hosts[way], &o);
}

static struct ip_address address_of(uint8_t v6, int host)
{
    uint8_t v4[4] = {198, 18, 0, (uint8_t)(1 + host)},
            six[16] = {0x20, 1, 0, 2, [15] = (uint8_t)(1 + host)};

    return v6 & 1 ? ip_address_v6(six) : ip_address_v4(v4);
}

static struct sim_packet *take(struct run *r, int way, uint32_t at)
{
    struct sim_packet *p;

    if (!r->queued[way])
        return NULL;
    at %= r->queued[way];
    p = r->queue[way][at];
    r->queued[way]--;
    memmove(&r->queue[way][at], &r->queue[way][at + 1],
            (r->queued[way] - at) * sizeof(struct sim_packet *));
    return p;
}

static void mend(struct sim_packet *p)
{
    struct sim_view v;

    if (sim_packet_view(p, &v) && v.l4_len >= 20)
        sim_view_sum(&v);
}

/* Bytes of the input laid over the packet, most often over its headers. */
static void overlay(struct run *r, struct sim_packet *p, bool whole)
{
    uint8_t at = cursor_u8(&r->in);
    struct span bytes = cursor_take(&r->in, 1u + cursor_u8(&r->in) % OVERLAY);
    uint32_t from = SIM_ETHERNET + at % 80;

    if (from + bytes.len <= p->len && bytes.len)
        memcpy(p->frame + from, bytes.data, bytes.len);
    if (whole)
        mend(p);
}

static void arrives(struct run *r, struct sim_packet *p)
{
    struct sim_host *to = &r->hosts[!p->way];

    sim_host_input(to, p);
    sim_host_turn(to, r->now);
}

static void foreign(struct run *r, int way)
{
    uint8_t frame[SIM_ETHERNET + FRAME] = {0};
    size_t len = cursor_u8(&r->in);
    struct span bytes = cursor_take(&r->in, len < cursor_left(&r->in) ? len : cursor_left(&r->in));
    struct sim_packet *p;

    if (!bytes.len)
        return;
    memcpy(frame + SIM_ETHERNET, bytes.data, bytes.len);
    sim_put16(frame + 12, bytes.data[0] >> 4 == 4 ? 0x0800 : 0x86dd);
    p = sim_packet_new(way, span_of(frame, SIM_ETHERNET + bytes.len));
    mend(p);
    arrives(r, p);
}

static void session(struct run *r, int host)
{
    uint8_t what = cursor_u8(&r->in), n = cursor_u8(&r->in);
    struct sim_host *h = &r->hosts[host];
    struct ip_address own = address_of(n, host), peer = address_of(n, !host);
    struct tcp_conn *conn = r->conn_count[host] ? r->conns[host][n % r->conn_count[host]] : NULL;

    if (what % 8 == 0) {
        conn = tcp_connect(h->tcp, &own, ++r->port, &peer, PORT, r->now);
        if (conn)
            r->conns[host][r->conn_count[host]++] = conn;
    } else if (what % 8 == 1) {
        r->deaf = n & 1;
    } else if (conn && what % 8 == 2) {
        tcp_shutdown(h->tcp, conn);
    } else if (conn && what % 8 == 3) {
        tcp_abort(h->tcp, conn);
    } else if (conn && tcp_send_room(conn)) {
        sendq_copy(tcp_sendq(conn), h->pool, span_of(filler, n * 100u));
        tcp_send(h->tcp, conn);
    }
    sim_host_turn(h, r->now);
}

static void step(struct run *r)
{
    uint8_t op = cursor_u8(&r->in);
    int way = op >> 7;
    struct sim_packet *p = op % 8 < 6 ? take(r, way, op % 8 == 5 ? cursor_u8(&r->in) : 0) : NULL;

    if (op % 8 == 6) {
        session(r, way);
    } else if (op % 8 == 7) {
        if (op & 64)
            foreign(r, way);
        r->now += 1ull << (op >> 3 & 7) * 4;
        sim_host_turn(&r->hosts[SIM_IN], r->now);
        sim_host_turn(&r->hosts[SIM_OUT], r->now);
    } else if (!p) {
        return;
    } else if (op % 8 == 1) {
        free(p);
    } else {
        if (op % 8 == 2)
            sent(r, sim_packet_copy(p));
        else if (op % 8 == 3 || op % 8 == 4)
            overlay(r, p, op % 8 == 3);
        arrives(r, p);
    }
}

/* Everything is let go of, and time passes until nothing is left. */
static void end(struct run *r)
{
    for (uint32_t i = 0, left = 1; left && i < STEPS; i++) {
        left = 0;
        for (int h = 0; h < HOSTS; h++) {
            while (r->conn_count[h]) {
                struct tcp_conn *conn = r->conns[h][--r->conn_count[h]];

                tcp_abort(r->hosts[h].tcp, conn);
                tcp_forget(r->hosts[h].tcp, conn);
            }
            sim_host_turn(&r->hosts[h], r->now);
            left += tcp_connections(r->hosts[h].tcp) + r->conn_count[h];
        }
        r->now += 1000000;
    }
    for (int h = 0; h < HOSTS; h++) {
        while (r->queued[h])
            free(r->queue[h][--r->queued[h]]);
        check(tcp_connections(r->hosts[h].tcp) == 0);
        check(tcp_counters(r->hosts[h].tcp)->illegal_states == 0);
        for (int c = 0; c < CHUNK_CLASSES; c++)
            check(chunk_used(r->hosts[h].pool, (enum chunk_class)c) == 0);
        free(r->hosts[h].held);
    }
}

/* Both hosts, as new. */
static void set_up(struct run *r)
{
    static struct sim_host made[HOSTS];
    static struct snapshot *snapshot;

    if (snapshot) {
        memcpy(r->hosts, made, sizeof(made));
        snapshot_restore(snapshot);
        return;
    }
    snapshot_begin();
    for (int way = 0; way < HOSTS; way++) {
        open_host(r, way);
        tcp_listen(r->hosts[way].tcp, PORT, 1);
    }
    snapshot = snapshot_end();
    memcpy(made, r->hosts, sizeof(made));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run = (struct run){.in = cursor_of(span_of(data, size)), .now = 1000000, .port = 1000};
    set_up(&run);
    while (cursor_left(&run.in) && !run.in.bad)
        step(&run);
    end(&run);
    return 0;
}
