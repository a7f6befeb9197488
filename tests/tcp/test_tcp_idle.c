/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"
#include "dataplane/tcp/tcp_timer.h"
#include "dataplane/tcp/tcp_user_timeout.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* Peers that say nothing: keep-alive and user timeout. And those who may not be made to speak too
 * often. */

static const struct span none;
static const uint64_t second = 1000000;

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

static void begin(struct tcp_raw *r, uint32_t keepalive_ms)
{
    struct tcp_link_options o = {.seed = 1, .tcp = {.keepalive_ms = keepalive_ms}};

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

/* RFC 9293 MUST-24 to MUST-29 */
static void keep_alive_is_off_and_two_hours(void)
{
    struct tcp_raw r;
    uint32_t sent;

    begin(&r, 0);
    sent = r.server->sent;
    tcp_raw_wait(&r, 100000 * second);
    CHECK(r.server->sent == sent);
    tcp_link_run(r.link, r.link->now);
    tcp_set_keepalive(r.server->tcp, r.conn, true);
    tcp_raw_wait(&r, 7199 * second);
    CHECK(r.server->sent == sent);
    tcp_raw_wait(&r, 2 * second);
    CHECK(r.server->sent == sent + 1 && r.server->last.flags == TCP_ACK && !r.server->last.len);
    CHECK(r.server->last.seq == r.conn->snd_una - 1 && r.server->last.ack == r.seq);
    tcp_raw_send(&r, TCP_ACK, none); /* it lives */
    tcp_raw_wait(&r, 7199 * second);
    CHECK(r.server->sent == sent + 1);
    tcp_set_keepalive(r.server->tcp, r.conn, false);
    tcp_raw_wait(&r, 100000 * second);
    CHECK(r.server->sent == sent + 1 && counters(&r)->keepalives == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void a_dead_peer_is_given_up(void)
{
    struct tcp_raw r;
    uint32_t sent;

    begin(&r, 60000);
    sent = r.server->sent;
    tcp_raw_wait(&r, 30 * second);
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(0, 10));
    tcp_raw_wait(&r, 59 * second);
    CHECK(counters(&r)->keepalives == 0);
    tcp_raw_wait(&r, 2 * second);
    CHECK(counters(&r)->keepalives == 1 && r.server->sent == sent + 2);
    tcp_raw_wait(&r, 8 * 60 * second);
    CHECK(counters(&r)->keepalives == 9 && !(r.events & TCP_EVENT_CLOSED));
    tcp_raw_wait(&r, 61 * second);
    CHECK(r.events & TCP_EVENT_CLOSED && strcmp(tcp_close_reason(r.conn), "timed out") == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* MUST-26: not while something is under way. */
static void keep_alive_waits_for_what_is_under_way(void)
{
    struct tcp_raw r;

    begin(&r, 10000);
    put(&r, 100);
    tcp_raw_wait(&r, 60 * second);
    CHECK(counters(&r)->keepalives == 0 && counters(&r)->timeouts > 3);
    r.ack += 100;
    tcp_raw_send(&r, TCP_ACK, none);
    tcp_raw_wait(&r, 11 * second);
    CHECK(counters(&r)->keepalives == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* The other side's probe is answered, garbage octet or not. */
static void a_keep_alive_is_answered(void)
{
    struct tcp_raw r;

    begin(&r, 0);
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(0, 10));
    tcp_raw_wait(&r, second);
    CHECK(tcp_raw_send_at(&r, r.seq - 1, TCP_ACK, none) == 1 && r.server->last.ack == r.seq);
    CHECK(tcp_raw_send_at(&r, r.seq - 1, TCP_ACK, span_text("x")) == 1);
    CHECK(r.server->last.ack == r.seq && tcp_unread(r.conn) == 10);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 9293 section 3.8.3: the session says how long. */
static void bytes_may_stay_unacknowledged_so_long(void)
{
    struct tcp_raw r;

    begin(&r, 0);
    CHECK(tcp_set_user_timeout(r.server->tcp, r.conn, 10000, false));
    put(&r, 100);
    CHECK(r.server->last.options_len == 0);
    tcp_raw_wait(&r, 9900000);
    CHECK(!(r.events & TCP_EVENT_CLOSED) && counters(&r)->timeouts > 3);
    tcp_raw_wait(&r, 300000);
    CHECK(r.events & TCP_EVENT_CLOSED && strcmp(tcp_close_reason(r.conn), "timed out") == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void longer_than_fifteen_repetitions(void)
{
    struct tcp_raw r;

    begin(&r, 0);
    CHECK(tcp_set_user_timeout(r.server->tcp, r.conn, 3000000, false));
    put(&r, 100);
    tcp_raw_wait(&r, 2990 * second);
    CHECK(!(r.events & TCP_EVENT_CLOSED) && counters(&r)->timeouts > 40);
    tcp_raw_wait(&r, 11 * second);
    CHECK(r.events & TCP_EVENT_CLOSED);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5482 section 3.1: what the peer asks for is followed within limits, if we offer it at all. */
static void the_peer_may_ask_for_more(void)
{
    struct tcp_raw r;
    struct tcp_option o;
    struct tcp_segment s = {.destination_port = TCP_LINK_PORT, .flags = TCP_ACK, .window = 1000};
    struct writer w = writer_of(s.options, sizeof(s.options));

    begin(&r, 0);
    s.seq = r.seq;
    s.ack = r.ack;
    o = (struct tcp_option){.present = TCP_OPTION_USER_TIMEOUT, .user_timeout = 60000};
    tcp_option_put(&w, &o);
    s.options_len = (uint8_t)w.len;
    CHECK(w.len == 4);
    tcp_set_user_timeout(r.server->tcp, r.conn, 10000, false);
    tcp_link_inject(r.link, TCP_LINK_SERVER, r.port, &s, none);
    CHECK(tcp_side_of(r.server->tcp, r.conn)->user_timeout == 10000);
    tcp_set_user_timeout(r.server->tcp, r.conn, 10000, true);
    put(&r, 2000);
    CHECK(tcp_option_parse(span_of(r.server->last.options, r.server->last.options_len), &o));
    CHECK(o.present == TCP_OPTION_USER_TIMEOUT && o.user_timeout == 10000 &&
          r.server->last.mss == 1456);
    tcp_link_inject(r.link, TCP_LINK_SERVER, r.port, &s, none);
    CHECK(tcp_side_of(r.server->tcp, r.conn)->user_timeout == 60000);
    o = (struct tcp_option){.present = TCP_OPTION_USER_TIMEOUT, .user_timeout = 86400000};
    w.len = 0;
    tcp_option_put(&w, &o);
    tcp_link_inject(r.link, TCP_LINK_SERVER, r.port, &s, none);
    CHECK(tcp_side_of(r.server->tcp, r.conn)->user_timeout == TCP_USER_TIMEOUT_MOST);
    tcp_raw_wait(&r, 1000);
    put(&r, 10);
    CHECK(r.server->last.options_len == 0); /* said once */
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5482 section 2: seconds, or minutes. */
static void user_timeouts_are_seconds_or_minutes(void)
{
    static const struct {
        uint8_t bytes[4];
        uint32_t ms;
    } cases[] = {{{28, 4, 0, 1}, 1000},
                 {{28, 4, 0x7f, 0xff}, 32767000},
                 {{28, 4, 0x80, 2}, 120000},
                 {{28, 4, 0, 0}, 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[4];
        struct writer w = writer_of(bytes, sizeof(bytes));
        struct tcp_option o;

        CHECK(tcp_option_parse(span_of(cases[i].bytes, 4), &o) && o.user_timeout == cases[i].ms);
        tcp_option_put(&w, &o);
        if (i != 2)
            CHECK(memcmp(bytes, cases[i].bytes, 4) == 0);
    }
    CHECK(!tcp_option_parse(span_of((uint8_t[3]){28, 3, 1}, 3), &(struct tcp_option){0}));
}

/* RFC 5961 section 7: ten in five seconds, each connection; others still get theirs. */
static void challenges_are_limited_for_each_connection(void)
{
    struct tcp_raw r;
    struct tcp_conn *first;

    begin(&r, 0);
    first = r.conn;
    for (int i = 0; i < 100; i++)
        tcp_raw_send_at(&r, r.seq + 5, TCP_SYN, none);
    CHECK(counters(&r)->challenges == 10 && counters(&r)->limited_challenges == 90);
    r.port++;
    r.seq = TCP_RAW_ISN;
    tcp_raw_open(&r);
    CHECK(tcp_raw_send_at(&r, r.seq + 5, TCP_RST, none) == 1 && counters(&r)->challenges == 11);
    r.port--;
    tcp_raw_wait(&r, 5 * second);
    CHECK(tcp_raw_send_at(&r, r.seq + 5, TCP_SYN, none) == 1 && counters(&r)->challenges == 12);
    tcp_abort(r.server->tcp, first);
    tcp_forget(r.server->tcp, first);
    r.port++;
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Side blocks come from a pool that can be empty, and come back. */
static void connections_do_without_side_blocks(void)
{
    struct tcp_raw r;
    uint32_t used;

    begin(&r, 0);
    used = r.server->tcp->sides.free;
    r.server->tcp->sides.free = 0;
    CHECK(!tcp_set_user_timeout(r.server->tcp, r.conn, 10000, false));
    CHECK(tcp_raw_send_at(&r, r.seq + 5, TCP_SYN, none) == 1);
    put(&r, 3000);
    CHECK(tcp_path_too_big(r.server->tcp, r.conn, 1400, r.conn->snd_una) && r.conn->mss == 1360);
    CHECK(counters(&r)->sides_short == 3);
    r.server->tcp->sides.free = used;
    CHECK(tcp_set_user_timeout(r.server->tcp, r.conn, 10000, false));
    CHECK(r.server->tcp->sides.used == 1);
    tcp_abort(r.server->tcp, r.conn);
    CHECK(r.server->tcp->sides.used == 0 && r.server->tcp->sides.free == used);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 1337: a reset does not cut TIME-WAIT short. */
static void time_wait_is_not_assassinated(void)
{
    struct tcp_raw r;

    begin(&r, 0);
    tcp_shutdown(r.server->tcp, r.conn);
    tcp_link_run(r.link, r.link->now);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send(&r, TCP_ACK | TCP_FIN, none);
    CHECK(r.conn->state == TCP_TIME_WAIT);
    CHECK(tcp_raw_send_at(&r, r.seq, TCP_RST, none) == 0 && r.conn->state == TCP_TIME_WAIT);
    CHECK(counters(&r)->drop_reset == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 5961 section 4.2: a peer that has forgotten the connection, or another one behind the same
 * address, says so when its SYN is challenged, and its next SYN is taken. */
static void a_challenged_syn_may_end_time_wait(void)
{
    struct tcp_raw r;
    uint32_t next;

    begin(&r, 0);
    tcp_shutdown(r.server->tcp, r.conn);
    tcp_link_run(r.link, r.link->now);
    r.ack = r.server->last.seq + 1;
    tcp_raw_send(&r, TCP_ACK | TCP_FIN, none);
    CHECK(r.conn->state == TCP_TIME_WAIT);
    next = r.conn->rcv_nxt;
    CHECK(tcp_raw_send_at(&r, next, TCP_RST, none) == 0 && r.conn->state == TCP_TIME_WAIT);
    CHECK(tcp_raw_send_at(&r, next - 5000, TCP_SYN, none) == 1);
    CHECK(r.conn->state == TCP_TIME_WAIT && r.server->last.flags == TCP_ACK);
    CHECK(tcp_raw_send_at(&r, next + 1, TCP_RST, none) == 0 && r.conn->state == TCP_TIME_WAIT);
    CHECK(counters(&r)->drop_reset == 2 && counters(&r)->drop_syn == 1);
    CHECK(tcp_raw_send_at(&r, next, TCP_RST, none) == 0 && r.conn->state == TCP_CLOSED);
    CHECK(counters(&r)->resets_in == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* MUST-56, RFC 5927 section 5.2: told, not believed. */
static void an_icmp_error_is_the_reason_of_a_timeout(void)
{
    for (int heard = 0; heard < 2; heard++) {
        struct tcp_raw r;
        uint8_t quoted[8] = {0, TCP_LINK_PORT, 4000 >> 8, 4000 & 255};
        struct writer w = writer_of(quoted + 4, 4);
        struct tcp_packet p = {.header = span_of(quoted, 8)};

        begin(&r, 0);
        p.source = r.server->address;
        p.destination = r.link->ends[0].address;
        put(&r, 100);
        writer_uint(&w, r.ack, 4);
        tcp_icmp_error(r.server->tcp, &p, 0, true, r.link->now);
        CHECK(r.conn->state == TCP_ESTABLISHED);
        if (heard) {
            r.ack += 100;
            tcp_raw_send(&r, TCP_ACK, none);
            put(&r, 100);
        }
        tcp_raw_wait(&r, 1000 * second);
        CHECK(r.events & TCP_EVENT_CLOSED);
        CHECK(strcmp(tcp_close_reason(r.conn), heard ? "timed out" : "unreachable") == 0);
        CHECK(tcp_raw_fini(&r) == 0);
    }
}

/* Asked for at the very tick at which it is due, as a tail's probe is that the timeout has caught
 * up with (RFC 8985 section 7.2): the wheel has been there, the next tick is told. */
static void a_time_that_is_over_is_the_next_tick(void)
{
    struct tcp_raw r;
    struct tcp *tcp;

    begin(&r, 0);
    put(&r, 100);
    tcp = r.server->tcp;
    tcp_raw_wait(&r, 1000 - r.link->now % 1000);
    CHECK(tcp->now % 1000 == 0 && tcp->wheel.now == tcp->now / 1000);
    tcp_timer_start(tcp, r.conn, TCP_TIMER_PROBE, 0);
    CHECK(r.conn->timer_due == tcp->now / 1000 + 1);
    CHECK(tcp_next_timer(tcp) == tcp->now + 1000);
    CHECK(tcp_raw_fini(&r) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(keep_alive_is_off_and_two_hours);
    CHECK_CASE(a_dead_peer_is_given_up);
    CHECK_CASE(keep_alive_waits_for_what_is_under_way);
    CHECK_CASE(a_keep_alive_is_answered);
    CHECK_CASE(bytes_may_stay_unacknowledged_so_long);
    CHECK_CASE(longer_than_fifteen_repetitions);
    CHECK_CASE(the_peer_may_ask_for_more);
    CHECK_CASE(user_timeouts_are_seconds_or_minutes);
    CHECK_CASE(challenges_are_limited_for_each_connection);
    CHECK_CASE(connections_do_without_side_blocks);
    CHECK_CASE(time_wait_is_not_assassinated);
    CHECK_CASE(a_challenged_syn_may_end_time_wait);
    CHECK_CASE(a_time_that_is_over_is_the_next_tick);
    CHECK_CASE(an_icmp_error_is_the_reason_of_a_timeout);
    return check_end();
}
