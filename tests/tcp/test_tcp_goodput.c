/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_link.h"

/*
 * How much one connection gets through a link of 20 ms and limited rate, against what the standard
 * expects of it: the average window of RFC 9438 section 5.1, or the link's rate if that is less.
 */
enum { ROUND_TRIP = 20000, SECONDS = 60, MSS = 1460 };

struct run {
    uint64_t read, queued;
    struct tcp_counters client;
};

static void client(struct tcp_link *link, int end, struct tcp_conn *conn)
{
    struct tcp_link_end *e = &link->ends[end];
    struct run *r = e->user;

    if (tcp_events(conn) & TCP_EVENT_CLOSED)
        return;
    while (tcp_send_room(conn)) {
        uint32_t room = tcp_send_room(conn);
        struct span s = tcp_link_bytes((uint32_t)r->queued % 65521, room < 60000 ? room : 60000);

        if (!CHECK(sendq_view(tcp_sendq(conn), e->pool, s, SENDQ_STATIC, NULL)))
            return;
        r->queued += s.len;
    }
    tcp_send(e->tcp, conn);
}

static void server(struct tcp_link *link, int end, struct tcp_conn *conn)
{
    struct tcp_link_end *e = &link->ends[end];
    struct run *r = e->user;

    tcp_events(conn);
    while (tcp_unread(conn)) {
        struct span s = span_head(tcp_peek(conn), 60000);

        CHECK(span_equal(s, tcp_link_bytes((uint32_t)(r->read % 65521), (uint32_t)s.len)));
        r->read += s.len;
        tcp_consume(e->tcp, conn, (uint32_t)s.len);
    }
}

/* Bytes a second, after what the first `skip` seconds brought. */
static double measure(const struct tcp_link_options *options, struct run *run, uint32_t skip)
{
    struct tcp_link *link = tcp_link_new(options);
    struct tcp_conn *conn;
    uint64_t before;

    *run = (struct run){0};
    link->track = false;
    link->ends[TCP_LINK_CLIENT].app = client;
    link->ends[TCP_LINK_SERVER].app = server;
    link->ends[TCP_LINK_CLIENT].user = link->ends[TCP_LINK_SERVER].user = run;
    conn = tcp_link_connect(link, TCP_LINK_CLIENT_PORT);
    tcp_link_run(link, link->now + skip * 1000000ull);
    before = run->read;
    tcp_link_run(link, link->now + SECONDS * 1000000ull);
    run->client = *tcp_counters(link->ends[TCP_LINK_CLIENT].tcp);
    CHECK(conn->state == TCP_ESTABLISHED);
    link->faults = 0; /* the connections still stand, with their chunks */
    tcp_link_free(link);
    return (double)(run->read - before) / SECONDS;
}

/* RFC 9438 section 5.1, equations 5 and 6: the average window in segments, of CUBIC or of Reno
 * where that is larger. */
static double expected_window(double p)
{
    double cubic =
        pow(0.4 * (3 + 0.7) / (4 * (1 - 0.7)), 0.25) * pow(ROUND_TRIP / 1e6, 0.75) / pow(p, 0.75);
    double reno = sqrt(3 / (2 * p));

    return cubic > reno ? cubic : reno;
}

static struct tcp_link_options link_of(uint32_t seed, uint64_t rate, uint32_t loss)
{
    static const uint32_t chunks[CHUNK_CLASSES] = {4000, 4000, 1000};
    struct tcp_link_options o = {.seed = seed,
                                 .delay_us = ROUND_TRIP / 2,
                                 .loss = loss,
                                 .rate = rate,
                                 .queue = (uint32_t)(rate / 8 * ROUND_TRIP / 1000000)};

    memcpy(o.chunks, chunks, sizeof(chunks));
    o.tcp.receive_window = o.tcp.send_limit = 4 << 20;
    return o;
}

static bool goodput(uint64_t rate, uint32_t loss, uint32_t seeds, double least)
{
    double sum = 0, want = (double)rate / 8 * MSS / (MSS + 52);
    uint64_t timeouts = 0, spurious = 0;

    if (loss) {
        double window = expected_window(loss / 1000.0) * (MSS - 12) / (ROUND_TRIP / 1e6);

        want = window < want ? window : want;
    }
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        struct tcp_link_options o = link_of(seed, rate, loss);
        struct run run;

        sum += measure(&o, &run, 0);
        timeouts += run.client.timeouts;
        spurious += run.client.spurious;
    }
    printf("# %.0f Mbit/s, loss %.1f %%: %.2f of %.2f Mbit/s expected (%.1f %%), %.1f timeouts, "
           "%.1f spurious a run\n",
           (double)rate / 1e6, loss / 10.0, sum / seeds * 8 / 1e6, want * 8 / 1e6,
           100 * sum / seeds / want, (double)timeouts / seeds, (double)spurious / seeds);
    return sum / seeds >= least * want;
}

static void the_link_is_filled_without_loss(void)
{
    CHECK(goodput(10000000, 0, 1, 0.99));
    CHECK(goodput(100000000, 0, 1, 0.99));
}

static void loss_of_a_thousandth(void)
{
    CHECK(goodput(100000000, 1, 5, 0.9));
}

static void loss_of_a_hundredth(void)
{
    CHECK(goodput(100000000, 10, 8, 0.9));
}

int main(void)
{
    check_begin();
    CHECK_CASE(the_link_is_filled_without_loss);
    CHECK_CASE(loss_of_a_thousandth);
    CHECK_CASE(loss_of_a_hundredth);
    return check_end();
}
