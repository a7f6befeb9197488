/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"
#include "dataplane/tcp/tcp_ecn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* Explicit congestion notification (RFC 3168). */
enum { MSS = 1460, ASKS = TCP_ECE | TCP_CWR };

static const struct span none;

static void begin(struct tcp_raw *r, uint8_t policy, uint8_t flags)
{
    struct tcp_link_options o = {.seed = 1, .tcp = {.ecn = policy}};

    tcp_raw_init(r, &o);
    r->sack = true;
    tcp_raw_send(r, (uint8_t)(TCP_SYN | flags), none);
    r->ack = r->server->last.seq + 1;
    tcp_raw_wait(r, 10000);
    CHECK((r->server->last.flags & ASKS) == 0 || (r->server->last.flags & ASKS) == TCP_ECE);
    tcp_raw_send(r, TCP_ACK, none);
}

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

/* Section 6.1.1: an ECN-setup SYN has both flags, the answer only ECE. */
static void it_is_agreed_on_in_the_handshake(void)
{
    static const struct {
        uint8_t policy, flags;
        bool agreed;
    } rows[] = {
        {TCP_ECN_ANSWER, ASKS, true}, {TCP_ECN_ASK, ASKS, true},
        {TCP_ECN_OFF, ASKS, false},   {TCP_ECN_ANSWER, TCP_ECE, false},
        {TCP_ECN_ANSWER, 0, false},   {TCP_ECN_ANSWER, TCP_CWR, false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tcp_raw r;

        begin(&r, rows[i].policy, rows[i].flags);
        CHECK(!!(r.conn->modes & TCP_MODE_ECN) == rows[i].agreed);
        CHECK(tcp_raw_sent(&r, 0)->ecn == ECN_NOT_ECT); /* never the SYN-ACK itself */
        tcp_raw_put(&r, 0, 100);
        CHECK(r.server->last.ecn == (rows[i].agreed ? ECN_ECT0 : ECN_NOT_ECT));
        CHECK(tcp_raw_fini(&r) == 0);
    }
}

/* As the one that opens; section 6.1.1.1: a SYN that is sent again no longer asks. */
static void a_connection_of_ours_asks_once(void)
{
    struct tcp_link_options o = {.seed = 1, .delay_us = 1000, .tcp = {.ecn = TCP_ECN_ASK}};
    struct tcp_link *link = tcp_link_new(&o);
    struct tcp_link_end *client = &link->ends[TCP_LINK_CLIENT];
    struct tcp_conn *conn = tcp_link_connect(link, TCP_LINK_CLIENT_PORT);

    tcp_link_run(link, link->now + 100000);
    CHECK(client->log[0].flags == (TCP_SYN | ASKS) && conn->modes & TCP_MODE_ECN);
    tcp_abort(client->tcp, conn);
    tcp_forget(client->tcp, conn);
    link->cut[TCP_LINK_SERVER] = true;
    conn = tcp_link_connect(link, TCP_LINK_CLIENT_PORT + 1);
    tcp_link_run(link, link->now + 1500000);
    CHECK(client->last.flags == TCP_SYN);
    link->cut[TCP_LINK_SERVER] = false;
    tcp_link_run(link, link->now + 5000000);
    CHECK(conn->state == TCP_ESTABLISHED && !(conn->modes & TCP_MODE_ECN));
    tcp_abort(client->tcp, conn);
    tcp_forget(client->tcp, conn);
    link->faults = 0; /* the server's session let nothing go */
    tcp_link_free(link);
}

/* Section 6.1.3: ECE on each acknowledgement from the mark until CWR. */
static void a_mark_is_echoed_until_cwr(void)
{
    struct tcp_raw r;

    begin(&r, TCP_ECN_ANSWER, ASKS);
    r.read = true;
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(0, 1000));
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(1000, 1000));
    CHECK(!(r.server->last.flags & TCP_ECE));
    r.ecn = ECN_CE;
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(2000, 1000));
    r.ecn = ECN_ECT0;
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(3000, 1000));
    CHECK(r.server->last.flags & TCP_ECE && counters(&r)->congestion_marks == 1);
    for (uint32_t i = 4; i < 8; i++)
        tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(i * 1000, 1000));
    CHECK(r.server->last.flags & TCP_ECE);
    tcp_raw_put(&r, 0, 100); /* data says it as well */
    CHECK(r.server->last.flags & TCP_ECE && r.server->last.len == 100);
    tcp_raw_send(&r, TCP_ACK | TCP_CWR, tcp_link_bytes(8000, 1000));
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(9000, 1000));
    tcp_raw_wait(&r, 100000);
    CHECK(!(r.server->last.flags & TCP_ECE));
    r.ecn = ECN_CE; /* CWR and a new mark in one: marked again */
    tcp_raw_send(&r, TCP_ACK | TCP_CWR, tcp_link_bytes(10000, 1000));
    tcp_raw_wait(&r, 100000);
    CHECK(r.server->last.flags & TCP_ECE);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Section 6.1.2: cwnd falls as for a loss, once for a window of data; the next new data, and only
 * one packet of it, says CWR; what is sent again is not ECN-capable (6.1.5). */
static void an_echo_reduces_once_a_window(void)
{
    struct tcp_raw r;
    uint32_t before, cwr = 0;

    begin(&r, TCP_ECN_ANSWER, ASKS);
    tcp_raw_put(&r, 0, 200000);
    r.ack += 2 * MSS;
    before = r.server->sent;
    tcp_raw_send(&r, TCP_ACK | TCP_ECE, none);
    CHECK(counters(&r)->congestion_echoes == 1 && counters(&r)->retransmitted == 0);
    CHECK(r.conn->congestion.cwnd == 7 * MSS);
    r.ack += 2 * MSS;
    tcp_raw_send(&r, TCP_ACK | TCP_ECE, none); /* of the same window */
    CHECK(counters(&r)->congestion_echoes == 1);
    r.ack = r.conn->snd_max;
    tcp_raw_send(&r, TCP_ACK, none);
    for (uint32_t i = before; i < r.server->sent; i++) {
        const struct tcp_segment *s = &r.server->log[i % TCP_LINK_LOG];

        CHECK(!s->len || s->ecn == ECN_ECT0);
        if (s->flags & TCP_CWR) {
            cwr++;
            CHECK(s->len <= MSS);
        }
    }
    CHECK(cwr == 1);
    while (!counters(&r)->timeouts)
        tcp_raw_wait(&r, 1000);
    CHECK(r.server->last.seq == r.ack && r.server->last.ecn == ECN_NOT_ECT);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void without_agreement_flags_mean_nothing(void)
{
    struct tcp_raw r;

    begin(&r, TCP_ECN_ANSWER, 0);
    r.read = true;
    tcp_raw_put(&r, 0, 200000);
    r.ack += 2 * MSS;
    r.ecn = ECN_CE;
    tcp_raw_send(&r, TCP_ACK | TCP_ECE, tcp_link_bytes(0, 10));
    tcp_raw_wait(&r, 50000);
    CHECK(counters(&r)->congestion_echoes == 0 && counters(&r)->congestion_marks == 0);
    CHECK(!(r.server->last.flags & ASKS) && r.conn->congestion.cwnd == 12 * MSS);
    CHECK(tcp_raw_fini(&r) == 0);
}

struct sender {
    uint64_t queued, read;
};

static void fill(struct tcp_link *link, int end, struct tcp_conn *conn)
{
    struct tcp_link_end *e = &link->ends[end];
    struct sender *s = e->user;

    tcp_events(conn);
    while (end == TCP_LINK_CLIENT && tcp_send_room(conn) > 60000 && s->queued < 20000000) {
        sendq_view(tcp_sendq(conn), e->pool, tcp_link_bytes(0, 60000), SENDQ_STATIC, NULL);
        s->queued += 60000;
    }
    tcp_send(e->tcp, conn);
    while (tcp_unread(conn)) {
        uint32_t n = (uint32_t)tcp_peek(conn).len;

        s->read += n;
        tcp_consume(e->tcp, conn, n);
    }
}

/* A queue that marks instead of dropping: 20 MB and not one packet lost. */
static void a_marking_queue_loses_nothing(void)
{
    struct tcp_link_options o = {.seed = 1,
                                 .delay_us = 5000,
                                 .rate = 50000000,
                                 .queue = 500000,
                                 .mark = 60000,
                                 .tcp = {.ecn = TCP_ECN_ASK, .send_limit = 1 << 20}};
    struct tcp_link *link = tcp_link_new(&o);
    struct sender s[2] = {{0}};
    const struct tcp_counters *c = tcp_counters(link->ends[TCP_LINK_CLIENT].tcp);

    o.tcp.receive_window = 1 << 20;
    link->track = false;
    for (int i = 0; i < 2; i++) {
        link->ends[i].app = fill;
        link->ends[i].user = &s[i];
    }
    tcp_link_connect(link, TCP_LINK_CLIENT_PORT);
    tcp_link_run(link, link->now + 6000000);
    CHECK(s[1].read == s[0].queued && s[1].read >= 20000000);
    CHECK(link->ends[TCP_LINK_CLIENT].overflows == 0 && c->retransmitted == 0);
    CHECK(c->congestion_echoes > 2 && c->congestion_echoes < 100);
    link->faults = 0; /* both connections still stand */
    tcp_link_free(link);
}

int main(void)
{
    check_begin();
    CHECK_CASE(it_is_agreed_on_in_the_handshake);
    CHECK_CASE(a_connection_of_ours_asks_once);
    CHECK_CASE(a_mark_is_echoed_until_cwr);
    CHECK_CASE(an_echo_reduces_once_a_window);
    CHECK_CASE(without_agreement_flags_mean_nothing);
    CHECK_CASE(a_marking_queue_loses_nothing);
    return check_end();
}
