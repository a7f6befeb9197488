/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_link.h"

/* Both ends send `total` bytes of the pattern, read what comes in their own way, close, and let go.
 */
struct peer {
    uint32_t total, queued, read, events;
    uint32_t pins_out;
    uint32_t slow; /* reads in 1 of so many turns only */
    bool eof, closed, accepted, shut;
    struct tcp_conn *conn;
    const char *reason;
};

static void read_all(struct tcp_link *link, struct peer *p, struct tcp *tcp)
{
    while (tcp_unread(p->conn)) {
        struct span s = tcp_peek(p->conn);
        uint32_t n = (uint32_t)s.len;

        if (!CHECK(n > 0 && n <= tcp_unread(p->conn)))
            return;
        if (n > 1 && tcp_link_random(link) % 8 == 0)
            n = 1 + (uint32_t)(tcp_link_random(link) % n);
        if (n > 60000)
            n = 60000;
        if (!CHECK(span_equal(span_head(s, n), tcp_link_bytes(p->read, n))))
            return;
        tcp_consume(tcp, p->conn, n);
        p->read += n;
    }
}

static void write_some(struct tcp_link *link, struct peer *p, struct tcp *tcp,
                       struct chunk_pool *pool)
{
    struct sendq *q = tcp_sendq(p->conn);

    while (p->queued < p->total) {
        uint32_t room = tcp_send_room(p->conn), n = 1 + (uint32_t)(tcp_link_random(link) % 30000);
        struct span s;
        bool ok;

        n = n < p->total - p->queued ? n : p->total - p->queued;
        if (!room)
            break;
        s = tcp_link_bytes(p->queued, n < room ? n : room);
        switch (tcp_link_random(link) % 3) {
        case 0:
            s = span_head(s, 2000);
            ok = sendq_copy(q, pool, s);
            break;
        case 1:
            ok = sendq_view(q, pool, s, SENDQ_STATIC, NULL);
            break;
        default:
            ok = sendq_view(q, pool, s, SENDQ_PIN, p);
            p->pins_out += ok;
        }
        if (!ok)
            break;
        p->queued += (uint32_t)s.len;
    }
    tcp_send(tcp, p->conn);
}

static void app(struct tcp_link *link, int end, struct tcp_conn *conn)
{
    struct tcp_link_end *e = &link->ends[end];
    struct peer *p = e->user;
    uint32_t events = tcp_events(conn);

    p->events |= events;
    p->conn = conn;
    p->accepted |= !!(events & TCP_EVENT_ACCEPTED);
    p->eof |= !!(events & TCP_EVENT_EOF);
    if (!p->accepted && !(events & TCP_EVENT_CLOSED))
        return;
    if (!p->slow || tcp_link_random(link) % p->slow == 0 || events & TCP_EVENT_CLOSED)
        read_all(link, p, e->tcp);
    while (sendq_released(tcp_sendq(conn), e->pool))
        p->pins_out--;
    if (!(events & TCP_EVENT_CLOSED))
        write_some(link, p, e->tcp, e->pool);
    if (p->queued == p->total && !p->shut) {
        p->shut = true;
        tcp_shutdown(e->tcp, conn);
    }
    e->wake_conn = conn;
    e->wake = tcp_unread(conn) || p->queued < p->total ? link->now + 10000 : 0;
    if (events & TCP_EVENT_CLOSED) {
        e->wake = 0;
        p->closed = true;
        p->reason = tcp_close_reason(conn);
        tcp_forget(e->tcp, conn);
    }
}

/* Set: no connection finds a flight block (see tcp_flight.h). */
static bool without_flights;

static bool transfer(struct tcp_link_options options, uint32_t up, uint32_t down, uint32_t slow)
{
    struct peer peers[TCP_LINK_ENDS] = {{.total = up}, {.total = down, .slow = slow}};
    struct tcp_link *link = tcp_link_new(&options);
    enum tcp_state states[TCP_LINK_ENDS];
    bool ok;

    for (int i = 0; i < TCP_LINK_ENDS; i++) {
        link->ends[i].app = app;
        link->ends[i].user = &peers[i];
        if (without_flights)
            link->ends[i].tcp->flight_count = 0;
    }
    ok = CHECK(tcp_link_connect(link, TCP_LINK_CLIENT_PORT) != NULL);
    tcp_link_run(link, link->now + 4000000000ull);
    ok = CHECK(peers[0].read == down) && CHECK(peers[1].read == up) && ok;
    for (int i = 0; i < TCP_LINK_ENDS; i++) {
        ok = CHECK(peers[i].closed && strcmp(peers[i].reason, "closed") == 0) && ok;
        states[i] = peers[i].conn ? (enum tcp_state)peers[i].conn->state : TCP_CLOSED;
        ok = CHECK(peers[i].pins_out == 0) && CHECK(tcp_connections(link->ends[i].tcp) == 0) && ok;
        for (int c = 0; c < CHUNK_CLASSES; c++)
            ok = CHECK(chunk_used(link->ends[i].pool, (enum chunk_class)c) == 0) && ok;
    }
    ok = CHECK(tcp_link_free(link) == 0) && ok;
    for (int i = 0; i < TCP_LINK_ENDS; i++)
        ok = CHECK(states[i] == TCP_CLOSED) && ok;
    if (!ok)
        printf("# client %s, server %s\n", tcp_state_name(states[0]), tcp_state_name(states[1]));
    if (!ok)
        printf("# seed %llu, loss %u of 1000\n", (unsigned long long)options.seed, options.loss);
    return ok;
}

static void loss_free_both_ways(void)
{
    struct tcp_link_options o = {.seed = 1, .delay_us = 1000};

    CHECK(transfer(o, 2000000, 3000000, 0));
    o.v6 = true;
    CHECK(transfer(o, 500000, 300000, 0));
    CHECK(transfer(o, 0, 0, 0));
    CHECK(transfer(o, 1, 0, 0));
}

static void loss_up_to_five_percent(void)
{
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct tcp_link_options o = {.seed = seed, .delay_us = 5000, .loss = seed % 11 * 5};

        if (!transfer(o, 400000 + seed * 1001, 300000, 0))
            return;
    }
}

static void loss_reordering_and_duplicates(void)
{
    for (uint32_t seed = 1000; seed < 1060; seed++) {
        struct tcp_link_options o = {.seed = seed,
                                     .delay_us = 3000,
                                     .jitter_us = seed % 3 * 2000,
                                     .duplicate = 20,
                                     .loss = seed % 6 * 10,
                                     .merge = seed % 2 * 500,
                                     .v6 = seed % 5 == 0};

        if (!transfer(o, 200000, 250000, seed % 4))
            return;
    }
}

static void small_windows_and_segments(void)
{
    static const uint32_t windows[] = {2048, 4096, 20000, 65535};

    for (uint32_t seed = 2000; seed < 2040; seed++) {
        struct tcp_link_options o = {
            .seed = seed, .delay_us = 1000, .jitter_us = 500, .loss = seed % 4 * 10};

        o.tcp.receive_window = windows[seed % 4];
        o.tcp.mss_v4 = seed % 3 ? 536 : 1460;
        o.tcp.send_limit = 30000;
        if (!transfer(o, 50000, 60000, seed % 5))
            return;
    }
}

/* Sequence numbers wrap in the middle: the clock is started so that the client's (RFC 6528) begin
 * near 2^32. */
static void sequence_numbers_wrap(void)
{
    for (uint32_t before = 0; before < 300000; before += 49999) {
        struct tcp_link_options o = {
            .seed = 3000 + before, .delay_us = 1000, .loss = before % 3 * 10};
        struct tcp_link *probe = tcp_link_new(&o);
        uint32_t isn;

        tcp_link_connect(probe, TCP_LINK_CLIENT_PORT);
        tcp_link_run(probe, probe->now);
        isn = probe->ends[TCP_LINK_CLIENT].isn;
        tcp_link_free(probe);
        o.start = 1000000 + 4ull * (uint32_t)(-before - isn);
        if (!transfer(o, 600000, 100000, 0))
            return;
    }
}

static void few_chunks_only_slow_it_down(void)
{
    for (uint32_t seed = 4000; seed < 4020; seed++) {
        struct tcp_link_options o = {
            .seed = seed, .delay_us = 2000, .jitter_us = 1000, .loss = 10, .chunks = {40, 12, 1}};

        if (!transfer(o, 150000, 150000, 3))
            return;
    }
}

/* All of it together: windows, segment sizes, delays, losses, repetitions, merged segments, slow
 * readers, few chunks. */
static void everything_at_once(void)
{
    static const uint32_t windows[] = {2048, 4096, 20000, 65535, 262144, 1 << 20};

    for (uint32_t seed = 10000; seed < 10400; seed++) {
        struct tcp_link_options o = {.seed = seed,
                                     .delay_us = 100 + seed % 7 * 3000,
                                     .jitter_us = seed % 4 * 1500,
                                     .loss = seed % 12 * 5,
                                     .duplicate = seed % 3 * 10,
                                     .merge = seed % 2 * 300};

        o.v6 = seed % 5 == 0;
        o.tcp.ecn = seed % 3 ? TCP_ECN_ASK : TCP_ECN_ANSWER;
        o.tcp.newreno = seed % 8 == 0;
        if (seed % 7 < 3) {
            o.rate = 5000000 + seed % 13 * 10000000;
            o.queue = 20000 + seed % 11 * 10000;
            o.mark = seed % 2 * 15000;
        }
        o.tcp.receive_window = windows[seed % 6];
        o.tcp.mss_v4 = seed % 3 ? 1460 : 536;
        o.tcp.send_limit = seed % 5 ? 200000 : 20000;
        if (seed % 9 == 0)
            memcpy(o.chunks, (uint32_t[CHUNK_CLASSES]){40, 12, 1}, sizeof(o.chunks));
        if (!transfer(o, 20000 + seed % 300 * 1000, 30000 + seed % 200 * 1000, seed % 4))
            return;
    }
}

/* The pool of flights is empty: RFC 5681 and 6582 alone. */
static void without_a_flight_all_arrives_too(void)
{
    without_flights = true;
    for (uint32_t seed = 5000; seed < 5060; seed++) {
        struct tcp_link_options o = {.seed = seed,
                                     .delay_us = 2000,
                                     .jitter_us = seed % 3 * 2000,
                                     .duplicate = 10,
                                     .loss = seed % 8 * 6};

        if (!transfer(o, 200000, 150000, seed % 4))
            break;
    }
    without_flights = false;
}

static void twenty_megabytes_with_some_loss(void)
{
    struct tcp_link_options o = {.seed = 5,
                                 .delay_us = 1000,
                                 .loss = 5,
                                 .tcp = {.receive_window = 1 << 20, .send_limit = 1 << 20}};

    CHECK(transfer(o, 20000000, 0, 0));
}

int main(void)
{
    check_begin();
    CHECK_CASE(loss_free_both_ways);
    CHECK_CASE(loss_up_to_five_percent);
    CHECK_CASE(loss_reordering_and_duplicates);
    CHECK_CASE(small_windows_and_segments);
    CHECK_CASE(sequence_numbers_wrap);
    CHECK_CASE(few_chunks_only_slow_it_down);
    CHECK_CASE(everything_at_once);
    CHECK_CASE(without_a_flight_all_arrives_too);
    CHECK_CASE(twenty_megabytes_with_some_loss);
    return check_end();
}
