/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* Every way in which a connection ends (RFC 9293 section 3.6), and what is left afterwards:
 * nothing. */

static const struct span none;

/* One end of a pair: remembers, reads, and lets go when all is over. */
struct side {
    struct tcp_conn *conn;
    uint32_t events, read;
    bool keep; /* does not let go */
    char reason[20];
};

static void app(struct tcp_link *link, int end, struct tcp_conn *conn)
{
    struct tcp_link_end *e = &link->ends[end];
    struct side *s = e->user;
    uint32_t events = tcp_events(conn);

    s->conn = conn;
    s->events |= events;
    while (tcp_unread(conn)) {
        uint32_t n = (uint32_t)tcp_peek(conn).len;

        s->read += n;
        tcp_consume(e->tcp, conn, n);
    }
    if (events & TCP_EVENT_CLOSED && !s->keep) {
        strcpy(s->reason, tcp_close_reason(conn));
        tcp_forget(e->tcp, conn);
        s->conn = NULL;
    }
}

struct pair {
    struct tcp_link *link;
    struct tcp *tcp[2];
    struct side side[2];
};

static void pair_open(struct pair *p, struct tcp_link_options o)
{
    *p = (struct pair){.link = tcp_link_new(&o)};
    for (int i = 0; i < 2; i++) {
        p->tcp[i] = p->link->ends[i].tcp;
        p->link->ends[i].app = app;
        p->link->ends[i].user = &p->side[i];
    }
    tcp_link_connect(p->link, TCP_LINK_CLIENT_PORT);
    tcp_link_run(p->link, p->link->now + 300000);
    CHECK(p->side[0].conn && p->side[1].conn && p->side[1].events == TCP_EVENT_ACCEPTED);
}

static void pair_wait(struct pair *p, uint64_t microseconds)
{
    tcp_link_run(p->link, p->link->now + microseconds);
}

static void pair_send(struct pair *p, int end, uint32_t offset, uint32_t len)
{
    CHECK(sendq_copy(tcp_sendq(p->side[end].conn), p->link->ends[end].pool,
                     tcp_link_bytes(offset, len)));
    tcp_send(p->tcp[end], p->side[end].conn);
}

/* Both ends have let go, the one that closed first waits in TIME-WAIT, and at last nothing is left.
 */
static void pair_end(struct pair *p, uint32_t waiting_client, uint32_t waiting_server)
{
    CHECK(strcmp(p->side[0].reason, "closed") == 0 && strcmp(p->side[1].reason, "closed") == 0);
    CHECK(p->tcp[0]->gauge[TCP_TIME_WAIT] == waiting_client &&
          tcp_connections(p->tcp[0]) == waiting_client);
    CHECK(p->tcp[1]->gauge[TCP_TIME_WAIT] == waiting_server &&
          tcp_connections(p->tcp[1]) == waiting_server);
    pair_wait(p, 59000000);
    CHECK(tcp_connections(p->tcp[0]) == waiting_client &&
          tcp_connections(p->tcp[1]) == waiting_server);
    pair_wait(p, 3000000);
    CHECK(tcp_connections(p->tcp[0]) == 0 && tcp_connections(p->tcp[1]) == 0);
    CHECK(tcp_next_timer(p->tcp[0]) == UINT64_MAX && tcp_next_timer(p->tcp[1]) == UINT64_MAX);
    CHECK(tcp_link_free(p->link) == 0);
}

static const struct tcp_link_options plain = {.seed = 1, .delay_us = 1000};

static void client_closes_first(void)
{
    struct pair p;

    pair_open(&p, plain);
    tcp_shutdown(p.tcp[0], p.side[0].conn);
    pair_wait(&p, 100000);
    CHECK(p.side[1].events & TCP_EVENT_EOF && p.side[1].conn->state == TCP_CLOSE_WAIT);
    CHECK(p.side[0].conn->state == TCP_FIN_WAIT_2);
    tcp_shutdown(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 100000);
    pair_end(&p, 1, 0);
}

static void server_closes_first(void)
{
    struct pair p;

    pair_open(&p, plain);
    pair_send(&p, 1, 0, 20);
    tcp_shutdown(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 100000);
    /* The last reply and the FIN went out together. */
    CHECK(p.link->ends[1].last.flags == (TCP_FIN | TCP_ACK | TCP_PSH) &&
          p.link->ends[1].last.len == 20);
    CHECK(p.side[0].read == 20 && p.side[0].events & TCP_EVENT_EOF);
    tcp_shutdown(p.tcp[0], p.side[0].conn);
    pair_wait(&p, 100000);
    pair_end(&p, 0, 1);
}

static void both_close_at_once(void)
{
    struct pair p;

    pair_open(&p, plain);
    pair_send(&p, 0, 0, 30);
    pair_send(&p, 1, 0, 40);
    tcp_shutdown(p.tcp[0], p.side[0].conn);
    tcp_shutdown(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 1500);
    CHECK(p.side[0].conn->state == TCP_CLOSING && p.side[1].conn->state == TCP_CLOSING);
    pair_wait(&p, 100000);
    CHECK(p.side[0].read == 40 && p.side[1].read == 30);
    pair_end(&p, 1, 1);
}

static void half_closed_connection_goes_on_the_other_way(void)
{
    struct pair p;

    pair_open(&p, plain);
    tcp_shutdown(p.tcp[0], p.side[0].conn);
    pair_wait(&p, 600000000); /* a session that still reads is not hurried */
    CHECK(p.side[0].conn->state == TCP_FIN_WAIT_2);
    pair_send(&p, 1, 0, 60000);
    pair_wait(&p, 1000000);
    pair_send(&p, 1, 60000, 50000);
    tcp_shutdown(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 1000000);
    CHECK(p.side[0].read == 110000);
    pair_end(&p, 1, 0);
}

static void every_order_survives_loss(void)
{
    for (uint32_t seed = 1; seed <= 90; seed++) {
        struct tcp_link_options o = {
            .seed = seed, .delay_us = 1000, .jitter_us = 3000, .duplicate = 100};
        struct pair p;

        pair_open(&p, o);
        p.link->options.loss = 250;
        pair_send(&p, 0, 0, 3000);
        pair_send(&p, 1, 0, 5000);
        if (seed % 3 != 2)
            tcp_shutdown(p.tcp[0], p.side[0].conn);
        if (seed % 3 == 1)
            pair_wait(&p, 2000000);
        tcp_shutdown(p.tcp[1], p.side[1].conn);
        if (seed % 3 == 2) {
            pair_wait(&p, 300000);
            tcp_shutdown(p.tcp[0], p.side[0].conn);
        }
        pair_wait(&p, 1200000000);
        for (int i = 0; i < 2; i++)
            CHECK(tcp_connections(p.tcp[i]) == 0 && p.side[i].reason[0]);
        CHECK(p.side[0].read == 5000 && p.side[1].read == 3000);
        if (!CHECK(tcp_link_free(p.link) == 0))
            return;
    }
}

static void abort_resets_the_peer(void)
{
    struct pair p;

    pair_open(&p, plain);
    pair_send(&p, 0, 0, 5000);
    pair_wait(&p, 500);
    tcp_abort(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 100000);
    CHECK(strcmp(p.side[0].reason, "reset by peer") == 0 &&
          strcmp(p.side[1].reason, "aborted") == 0);
    CHECK(tcp_connections(p.tcp[0]) == 0 && tcp_connections(p.tcp[1]) == 0);
    CHECK(tcp_link_free(p.link) == 0);
}

/* The session lets go without a word: what comes then is lost, and the peer learns it. */
static void a_peer_that_goes_on_is_reset(void)
{
    struct pair p;

    pair_open(&p, plain);
    pair_send(&p, 1, 0, 100);
    pair_send(&p, 0, 0, 200000);
    tcp_forget(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 5000000);
    CHECK(p.side[0].read == 100 && p.side[1].read == 0);
    CHECK(strcmp(p.side[0].reason, "reset by peer") == 0 && p.link->ends[1].rsts > 0);
    CHECK(tcp_connections(p.tcp[0]) == 0 && tcp_connections(p.tcp[1]) == 0);
    CHECK(tcp_link_free(p.link) == 0);
}

/* What was queued before leaves; the end is an orderly one. */
static void forgotten_connection_closes_on_its_own(void)
{
    struct pair p;

    pair_open(&p, plain);
    pair_send(&p, 1, 0, 100);
    tcp_forget(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 5000000);
    CHECK(p.side[0].read == 100 && p.side[0].events & TCP_EVENT_EOF && p.link->ends[1].rsts == 0);
    tcp_shutdown(p.tcp[0], p.side[0].conn);
    pair_wait(&p, 100000);
    strcpy(p.side[1].reason, "closed");
    pair_end(&p, 0, 1);
}

/* A peer that reads a little now and then keeps its window closed without ever being silent. */
static void orphan_is_cut_that_delivers_by_the_sip(void)
{
    struct pair p;
    struct tcp_link_options o = plain;

    o.tcp.receive_window = 16384;
    pair_open(&p, o);
    p.link->ends[0].app = NULL;
    pair_send(&p, 1, 0, 200000);
    tcp_forget(p.tcp[1], p.side[1].conn);
    for (int i = 0; i < 17; i++) {
        pair_wait(&p, 10000000);
        tcp_consume(p.tcp[0], p.side[0].conn,
                    (uint32_t)span_head(tcp_peek(p.side[0].conn), 3000).len);
        CHECK(tcp_connections(p.tcp[1]) == 1);
    }
    pair_wait(&p, 60000000);
    CHECK(tcp_connections(p.tcp[1]) == 0 && tcp_counters(p.tcp[1])->orphans_cut == 1);
    CHECK(p.side[0].conn->reason == TCP_REASON_RESET);
    tcp_forget(p.tcp[0], p.side[0].conn);
    CHECK(tcp_link_free(p.link) == 0);
}

static void nobody_waits_for_ever_for_the_other_fin(void)
{
    struct pair p;

    pair_open(&p, plain);
    tcp_forget(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 1000000);
    CHECK(p.tcp[1]->gauge[TCP_FIN_WAIT_2] == 1);
    pair_wait(&p, 61000000);
    CHECK(tcp_connections(p.tcp[1]) == 0);
    tcp_abort(p.tcp[0], p.side[0].conn);
    pair_wait(&p, 1000000);
    CHECK(tcp_link_free(p.link) == 0);
}

static void discard_drops_what_is_unread(void)
{
    struct tcp_link_options o = {.seed = 1};
    struct tcp_raw r;

    tcp_raw_init(&r, &o);
    tcp_raw_open(&r);
    tcp_raw_send_at(&r, r.seq + 5, TCP_ACK, span_text("ahead"));
    tcp_raw_send(&r, TCP_ACK, span_text("abc"));
    CHECK(tcp_unread(r.conn) == 3);
    tcp_discard(r.server->tcp, r.conn);
    CHECK(tcp_unread(r.conn) == 0 && r.conn->held == 0);
    tcp_raw_send(&r, TCP_ACK, span_text("defghi"));
    CHECK(tcp_unread(r.conn) == 0 && r.conn->rcv_nxt == r.seq && r.conn->held == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/*
 * RFC 9293 section 3.6.1, SHLD-3: when the session has let go, what comes is lost, and the peer is
 * told, with a RST at what it expects next (RFC 5961 section 3.2). Before and after our FIN is
 * acknowledged, in order and ahead.
 */
static void bytes_after_the_close_are_answered_with_a_reset(void)
{
    for (int acked = 0; acked < 2; acked++)
        for (uint32_t ahead = 0; ahead < 2; ahead++) {
            struct tcp_link_options o = {.seed = 1};
            struct tcp_raw r;

            tcp_raw_init(&r, &o);
            r.read = true;
            tcp_raw_open(&r);
            tcp_raw_send(&r, TCP_ACK, span_text("read"));
            tcp_forget(r.server->tcp, r.conn);
            r.conn = NULL;
            tcp_raw_wait(&r, 1000);
            CHECK(r.server->last.flags & TCP_FIN);
            if (acked) {
                r.ack++;
                tcp_raw_send(&r, TCP_ACK, none);
            }
            /* What was read before is acknowledged once more. */
            CHECK(tcp_raw_send_at(&r, r.seq - 4, TCP_ACK, span_text("read")) == 1);
            CHECK(r.server->last.ack == r.seq && !(r.server->last.flags & TCP_RST));
            CHECK(tcp_connections(r.server->tcp) == 1);
            CHECK(tcp_raw_send_at(&r, r.seq + 5 * ahead, TCP_ACK, span_text("late")) == 1);
            CHECK(r.server->last.flags == TCP_RST && r.server->last.seq == r.ack);
            CHECK(tcp_counters(r.server->tcp)->closed_data == 1);
            CHECK(tcp_connections(r.server->tcp) == 0);
            CHECK(tcp_raw_fini(&r) == 0);
        }
}

/* Who lingers instead has the last reply arrive: bytes and FIN in one segment, after our own. */
static void a_session_that_lingers_resets_nobody(void)
{
    struct tcp_link_options o = {.seed = 1};
    struct tcp_raw r;

    tcp_raw_init(&r, &o);
    tcp_raw_open(&r);
    tcp_shutdown(r.server->tcp, r.conn);
    tcp_discard(r.server->tcp, r.conn);
    tcp_raw_wait(&r, 1000);
    CHECK(r.server->last.flags & TCP_FIN);
    r.ack++;
    tcp_raw_send(&r, TCP_ACK, span_text("more"));
    tcp_raw_send(&r, TCP_ACK | TCP_FIN, span_text("and the end"));
    CHECK(r.server->last.flags == TCP_ACK && r.server->last.ack == r.seq);
    CHECK(tcp_counters(r.server->tcp)->drop_discarded == 2);
    CHECK(tcp_counters(r.server->tcp)->resets_out == 0 && r.conn->state == TCP_TIME_WAIT);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Opens a connection whose server closes first, up to TIME-WAIT. */
static void enter_time_wait(struct tcp_raw *r)
{
    r->conn = NULL;
    tcp_raw_open(r);
    tcp_shutdown(r->server->tcp, r->conn);
    tcp_forget(r->server->tcp, r->conn);
    tcp_raw_wait(r, 1000);
    r->ack++;
    tcp_raw_send(r, TCP_ACK | TCP_FIN, none);
    r->conn = NULL;
}

static void time_wait_answers_the_fin_again(void)
{
    struct tcp_link_options o = {.seed = 1, .tcp = {.time_wait_ms = 10000}};
    struct tcp_raw r;

    tcp_raw_init(&r, &o);
    enter_time_wait(&r);
    CHECK(r.server->tcp->gauge[TCP_TIME_WAIT] == 1 && r.server->last.ack == r.seq);
    tcp_raw_wait(&r, 9000000);
    CHECK(tcp_raw_send_at(&r, r.seq - 1, TCP_ACK | TCP_FIN, none) == 1 &&
          r.server->last.ack == r.seq);
    tcp_raw_wait(&r, 9000000);
    CHECK(r.server->tcp->gauge[TCP_TIME_WAIT] == 1);
    tcp_raw_wait(&r, 1100000);
    CHECK(tcp_connections(r.server->tcp) == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Only a bare acknowledgement of all there was needs none. */
static void time_wait_answers_what_lies_elsewhere(void)
{
    struct tcp_link_options o = {.seed = 1, .tcp = {.time_wait_ms = 10000}};
    struct tcp_raw r;
    uint32_t seq;

    tcp_raw_init(&r, &o);
    enter_time_wait(&r);
    seq = r.seq;
    CHECK(tcp_raw_send_at(&r, seq, TCP_ACK, none) == 0);
    CHECK(tcp_raw_send_at(&r, seq + 1, TCP_ACK, none) == 1 && r.server->last.ack == seq);
    CHECK(tcp_raw_send_at(&r, seq, TCP_ACK, span_text("late")) == 1 && r.server->last.ack == seq);
    tcp_raw_wait(&r, 9000000);
    CHECK(tcp_raw_send_at(&r, seq, TCP_ACK | TCP_FIN, none) == 1 && r.server->last.ack == seq);
    tcp_raw_wait(&r, 9000000);
    CHECK(r.server->tcp->gauge[TCP_TIME_WAIT] == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void syn_reopens_from_time_wait(void)
{
    struct tcp_link_options o = {.seed = 1};
    struct tcp_raw r;
    uint32_t used;

    tcp_raw_init(&r, &o);
    enter_time_wait(&r);
    used = r.server->tcp->conns[0].snd_max +=
        1000000; /* as if it had sent more than the clock of RFC 6528 moves */
    CHECK(tcp_raw_send_at(&r, r.seq - 500, TCP_SYN, none) == 1 &&
          r.server->last.flags == TCP_ACK); /* an old one */
    r.seq += 5000;
    tcp_raw_send(&r, TCP_SYN, none);
    CHECK(r.server->last.flags == (TCP_SYN | TCP_ACK) && r.server->last.ack == r.seq);
    CHECK(tcp_connections(r.server->tcp) == 0 && r.server->tcp->half.count == 1 &&
          r.server->last.seq == used + 1);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn && r.conn->state == TCP_ESTABLISHED);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void time_wait_makes_room_under_pressure(void)
{
    struct tcp_link_options o = {.seed = 1};
    struct tcp_raw r;

    tcp_raw_init(&r, &o);
    for (uint16_t i = 0; i < 40; i++) {
        r.port = (uint16_t)(5000 + i);
        enter_time_wait(&r);
    }
    CHECK(r.server->tcp->gauge[TCP_TIME_WAIT] == 16 &&
          tcp_counters(r.server->tcp)->time_wait_recycled == 24);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void fin_is_repeated_until_given_up(void)
{
    struct tcp_link_options o = {.seed = 1};
    struct tcp_raw r;

    tcp_raw_init(&r, &o);
    tcp_raw_open(&r);
    tcp_forget(r.server->tcp, r.conn);
    r.conn = NULL;
    tcp_raw_wait(&r, 600000000);
    CHECK(r.server->fins == 9 && tcp_connections(r.server->tcp) == 0 &&
          tcp_counters(r.server->tcp)->timed_out == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void connect_is_refused_or_times_out(void)
{
    struct tcp_link_options o = plain;
    struct tcp_link *link = tcp_link_new(&o);
    struct side s = {0};
    struct tcp_link_end *c = &link->ends[0];

    c->app = app;
    c->user = &s;
    link->track = false;
    tcp_connect(c->tcp, &c->address, 999, &link->ends[1].address, 99, link->now);
    tcp_link_run(link, link->now + 1000000);
    CHECK(strcmp(s.reason, "refused") == 0 && tcp_connections(c->tcp) == 0);
    link->cut[0] = true;
    tcp_connect(c->tcp, &c->address, 999, &link->ends[1].address, TCP_LINK_PORT, link->now);
    CHECK(tcp_connect(c->tcp, &c->address, 999, &link->ends[1].address, TCP_LINK_PORT, link->now) ==
          NULL);
    tcp_link_run(link,
                 link->now + 180000000); /* RFC 9293 MUST-23: R2 of a SYN is 3 minutes at least */
    CHECK(tcp_connections(c->tcp) == 1 && c->syns == 1 + 8);
    tcp_link_run(link, link->now + 60000000);
    CHECK(strcmp(s.reason, "timed out") == 0 && tcp_connections(c->tcp) == 0);
    CHECK(tcp_link_free(link) == 0);
}

static void both_open_at_once(void)
{
    struct tcp_link_options o = plain;
    struct pair p = {.link = tcp_link_new(&o)};

    for (int i = 0; i < 2; i++) {
        struct tcp_link_end *e = &p.link->ends[i];

        p.tcp[i] = e->tcp;
        e->app = app;
        e->user = &p.side[i];
        tcp_connect(e->tcp, &e->address, (uint16_t)(100 + i), &p.link->ends[!i].address,
                    (uint16_t)(101 - i), p.link->now);
    }
    pair_wait(&p, 100000);
    CHECK(p.side[0].conn->state == TCP_ESTABLISHED && p.side[1].conn->state == TCP_ESTABLISHED);
    pair_send(&p, 0, 0, 5000);
    tcp_shutdown(p.tcp[0], p.side[0].conn);
    pair_wait(&p, 100000);
    CHECK(p.side[1].read == 5000);
    tcp_shutdown(p.tcp[1], p.side[1].conn);
    pair_wait(&p, 100000);
    pair_end(&p, 1, 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(client_closes_first);
    CHECK_CASE(server_closes_first);
    CHECK_CASE(both_close_at_once);
    CHECK_CASE(half_closed_connection_goes_on_the_other_way);
    CHECK_CASE(every_order_survives_loss);
    CHECK_CASE(abort_resets_the_peer);
    CHECK_CASE(a_peer_that_goes_on_is_reset);
    CHECK_CASE(forgotten_connection_closes_on_its_own);
    CHECK_CASE(orphan_is_cut_that_delivers_by_the_sip);
    CHECK_CASE(nobody_waits_for_ever_for_the_other_fin);
    CHECK_CASE(discard_drops_what_is_unread);
    CHECK_CASE(bytes_after_the_close_are_answered_with_a_reset);
    CHECK_CASE(a_session_that_lingers_resets_nobody);
    CHECK_CASE(time_wait_answers_the_fin_again);
    CHECK_CASE(time_wait_answers_what_lies_elsewhere);
    CHECK_CASE(syn_reopens_from_time_wait);
    CHECK_CASE(time_wait_makes_room_under_pressure);
    CHECK_CASE(fin_is_repeated_until_given_up);
    CHECK_CASE(connect_is_refused_or_times_out);
    CHECK_CASE(both_open_at_once);
    return check_end();
}
