/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* What the path carries: ICMP "too big", true and forged, and paths that say nothing. */

static const struct span none;

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

static void begin(struct tcp_raw *r, bool v6)
{
    struct tcp_link_options o = {.seed = 1, .v6 = v6};

    tcp_raw_init(r, &o);
    tcp_raw_open(r);
}

static void put(struct tcp_raw *r, uint32_t len)
{
    struct span s = tcp_link_bytes(0, len);

    CHECK(sendq_view(tcp_sendq(r->conn), r->server->pool, s, SENDQ_STATIC, NULL));
    tcp_send(r->server->tcp, r->conn);
    tcp_link_run(r->link, r->link->now);
}

/* All that is under way is acknowledged. */
static void acknowledge(struct tcp_raw *r)
{
    while (r->conn->snd_una != r->conn->snd_max || r->conn->queue.bytes) {
        r->ack = r->conn->snd_max;
        tcp_raw_send(r, TCP_ACK, none);
    }
}

static void too_big(struct tcp_raw *r, uint32_t seq, uint32_t mtu)
{
    uint8_t quoted[8];
    struct writer w = writer_of(quoted, sizeof(quoted));
    struct tcp_packet p = {.source = r->server->address,
                           .destination = r->link->ends[0].address,
                           .header = span_of(quoted, sizeof(quoted))};

    writer_uint(&w, TCP_LINK_PORT, 2);
    writer_uint(&w, r->port, 2);
    writer_uint(&w, seq, 4);
    tcp_icmp_error(r->server->tcp, &p, mtu, false, r->link->now);
    tcp_link_run(r->link, r->link->now);
}

/* RFC 5927 section 7.2: nothing of this size was acknowledged yet, so the error is believed. */
static void a_new_path_is_believed_at_once(void)
{
    struct tcp_raw r;

    begin(&r, false);
    put(&r, 5000);
    too_big(&r, r.conn->snd_una, 1400);
    CHECK(r.conn->mss == 1360 && r.server->last.mss == 1360 && r.server->last.seq == r.ack);
    CHECK(counters(&r)->icmp_taken == 1);
    acknowledge(&r);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Once full segments get through, a claim waits for a timeout; it is void if they get through. */
static void a_proven_path_is_not_given_up_for_a_claim(void)
{
    struct tcp_raw r;

    begin(&r, false);
    put(&r, 5000);
    acknowledge(&r);
    put(&r, 5000);
    too_big(&r, r.conn->snd_una, 600);
    CHECK(r.conn->mss == 1460 && counters(&r)->icmp_delayed == 1);
    acknowledge(&r);
    put(&r, 5000);
    tcp_raw_wait(&r, 400000); /* a timeout of something else */
    CHECK(r.conn->mss == 1460 && counters(&r)->timeouts == 1);
    acknowledge(&r);
    put(&r, 5000);
    too_big(&r, r.conn->snd_una, 1300);
    tcp_raw_wait(&r, 500000); /* still backed off: nothing was measured since */
    CHECK(r.conn->mss == 1260 && counters(&r)->icmp_delayed == 2);
    acknowledge(&r);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5927 section 4.1; RFC 8201 section 4 for the least */
static void forged_claims_do_little(void)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct tcp_raw r;

        begin(&r, v6);
        put(&r, 5000);
        too_big(&r, r.conn->snd_una - 1, 600);
        too_big(&r, r.conn->snd_max, 600);
        too_big(&r, r.conn->snd_una + 0x80000000, 600);
        too_big(&r, r.conn->snd_una, 1500);
        too_big(&r, r.conn->snd_una, 9000);
        CHECK(r.conn->mss == (v6 ? 1440 : 1460) && counters(&r)->icmp_ignored == 5);
        too_big(&r, r.conn->snd_una, 68);
        CHECK(r.conn->mss == (v6 ? 1220 : 536));
        acknowledge(&r);
        CHECK(tcp_raw_fini(&r) == 0);
    }
}

/* The next connection to the same destination starts right; after ten minutes it is forgotten. */
static void what_was_found_is_remembered(void)
{
    struct tcp_raw r;
    struct tcp_conn *first;

    begin(&r, false);
    first = r.conn;
    put(&r, 5000);
    too_big(&r, r.conn->snd_una, 1400);
    acknowledge(&r);
    tcp_abort(r.server->tcp, first);
    tcp_forget(r.server->tcp, first);
    r.port++;
    r.seq = TCP_RAW_ISN;
    tcp_raw_open(&r);
    CHECK(r.conn->mss == 1360);
    tcp_abort(r.server->tcp, r.conn);
    tcp_forget(r.server->tcp, r.conn);
    tcp_raw_wait(&r, 601000000);
    r.port++;
    r.seq = TCP_RAW_ISN;
    tcp_raw_open(&r);
    CHECK(r.conn->mss == 1460);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void the_memory_of_paths_is_bounded(void)
{
    struct tcp_raw r;
    uint32_t kept = 0;

    begin(&r, false);
    put(&r, 5000);
    for (uint32_t n = 0; n < 5000; n++) {
        struct ip_address *remote = &r.server->tcp->flows.entries[r.conn->index].remote,
                          before = *remote;

        /* As if it were a connection to somebody else. */
        *remote = ip_address_v4((uint8_t[4]){198, 19, (uint8_t)(n >> 8), (uint8_t)n});
        r.conn->mss = 1460;
        r.conn->modes &= (uint16_t) ~(TCP_MODE_PROVEN | TCP_MODE_REDUCED);
        CHECK(tcp_path_too_big(r.server->tcp, r.conn, 1400, r.conn->snd_una));
        CHECK(tcp_path_limit(r.server->tcp, r.conn, 1460) == 1360);
        *remote = before;
    }
    for (uint32_t i = 0; i < TCP_PATHS; i++)
        kept += r.server->tcp->paths->entries[i].mtu == 1400;
    CHECK(kept > TCP_PATHS * 9 / 10);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 4821 section 7.7: full segments vanish, and nobody says why. */
static void a_black_hole_is_found(void)
{
    struct tcp_raw r;

    begin(&r, false);
    put(&r, 5000);
    tcp_raw_wait(&r, 230000);
    CHECK(counters(&r)->timeouts == 1 && r.conn->mss == 1460);
    tcp_raw_wait(&r, 450000);
    CHECK(counters(&r)->timeouts == 2 && r.conn->mss == 1240 && r.server->last.len == 1240);
    CHECK(counters(&r)->black_holes == 1);
    acknowledge(&r);
    CHECK(r.conn->mss == 1240);
    /* Later the whole size is tried again, with a full segment. */
    tcp_raw_wait(&r, 601000000);
    put(&r, 1240);
    acknowledge(&r);
    CHECK(r.conn->mss == 1460 && counters(&r)->path_raised == 1);
    put(&r, 3000);
    CHECK(r.server->last.mss == 1460);
    tcp_raw_wait(&r, 800000);
    CHECK(r.conn->mss == 1240 && counters(&r)->black_holes == 2);
    acknowledge(&r);
    tcp_raw_wait(&r, 601000000); /* the wait has grown */
    put(&r, 1240);
    acknowledge(&r);
    CHECK(r.conn->mss == 1240);
    tcp_raw_wait(&r, 601000000);
    put(&r, 1240);
    acknowledge(&r);
    CHECK(r.conn->mss == 1460);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void small_segments_that_are_lost_prove_nothing(void)
{
    struct tcp_raw r;

    begin(&r, false);
    put(&r, 536);
    tcp_raw_wait(&r, 3000000);
    CHECK(counters(&r)->timeouts >= 3 && r.conn->mss == 1460 && counters(&r)->black_holes == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* A whole message may be smaller than a segment, and too large for the hole all the same. */
static void a_black_hole_swallows_what_is_not_full_too(void)
{
    struct tcp_raw r;

    begin(&r, false);
    put(&r, 1000);
    tcp_raw_wait(&r, 230000);
    CHECK(counters(&r)->timeouts == 1 && r.conn->mss == 1460);
    tcp_raw_wait(&r, 450000);
    CHECK(counters(&r)->black_holes == 1 && r.conn->mss == 536 && r.server->last.len == 536);
    CHECK(tcp_raw_fini(&r) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_new_path_is_believed_at_once);
    CHECK_CASE(a_proven_path_is_not_given_up_for_a_claim);
    CHECK_CASE(forged_claims_do_little);
    CHECK_CASE(what_was_found_is_remembered);
    CHECK_CASE(the_memory_of_paths_is_bounded);
    CHECK_CASE(a_black_hole_is_found);
    CHECK_CASE(small_segments_that_are_lost_prove_nothing);
    CHECK_CASE(a_black_hole_swallows_what_is_not_full_too);
    return check_end();
}
