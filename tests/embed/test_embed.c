/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/embed/wirepost_tcp.h"

#include "tests/harness/check.h"

/* Two stacks and what each sends the other. */
enum { QUEUE = 256, MTU = 1500 };

struct queue {
    size_t count;
    struct {
        size_t len;
        uint8_t bytes[MTU];
    } packets[QUEUE];
};

struct pair {
    uint64_t now;
    struct queue to[2];
    struct wirepost_tcp *stack[2];
    struct wirepost_tcp_endpoint own[2];
    struct wirepost_tcp_conn *conn[2];
};

static void on_output(void *user, const uint8_t *packet, size_t len)
{
    struct queue *q = user;

    if (q->count == QUEUE)
        return;
    memcpy(q->packets[q->count].bytes, packet, len);
    q->packets[q->count++].len = len;
}

static void init(struct pair *p, bool v4)
{
    memset(p, 0, sizeof(*p));
    p->now = 5000000;
    for (int i = 0; i < 2; i++) {
        struct wirepost_tcp_config config = {.addresses = &p->own[i],
                                             .address_count = 1,
                                             .connections = 8,
                                             .time_wait_ms = 1000,
                                             .output = on_output,
                                             .output_user = &p->to[!i]};
        enum wirepost_tcp_error error;
        const char *text = v4 ? (i ? "198.18.0.2" : "198.18.0.1") : i ? "2001:2::2" : "2001:2::1";

        CHECK(wirepost_tcp_endpoint_parse(text, i ? 25 : 0, &p->own[i]));
        p->stack[i] = wirepost_tcp_new(&config, &error);
        CHECK(p->stack[i] && error == WIREPOST_TCP_OK);
    }
}

static void fini(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        wirepost_tcp_free(p->stack[i]);
}

/* Packets go back and forth until none is under way. */
static void run(struct pair *p)
{
    size_t moved = 1;

    while (moved) {
        moved = wirepost_tcp_output(p->stack[0], p->now) + wirepost_tcp_output(p->stack[1], p->now);
        for (int i = 0; i < 2; i++) {
            struct queue *q = &p->to[i];

            for (size_t k = 0; k < q->count; k++) {
                struct span copy =
                    guard_copy(span_of(q->packets[k].bytes, q->packets[k].len), k % 2);

                CHECK(wirepost_tcp_input(p->stack[i], copy.data, copy.len, p->now) ==
                      WIREPOST_TCP_OK);
                guard_free(copy);
            }
            moved += q->count;
            q->count = 0;
        }
        p->now += 100;
    }
}

static void pass(struct pair *p, uint64_t microseconds)
{
    uint64_t until = p->now + microseconds;

    run(p);
    while (p->now < until) {
        uint64_t due = until;

        for (int i = 0; i < 2; i++) {
            uint64_t timer = wirepost_tcp_next_timer(p->stack[i]);

            due = timer < due ? timer : due;
        }
        p->now = due > p->now ? due : p->now + 1;
        for (int i = 0; i < 2; i++)
            wirepost_tcp_timers(p->stack[i], p->now);
        run(p);
    }
}

static void connect_pair(struct pair *p, bool v4)
{
    init(p, v4);
    CHECK(wirepost_tcp_listen(p->stack[1], 25) == WIREPOST_TCP_OK);
    CHECK(wirepost_tcp_accept(p->stack[1], 25, &p->conn[1]) == WIREPOST_TCP_AGAIN);
    CHECK(wirepost_tcp_connect(p->stack[0], &p->own[0], &p->own[1], p->now, &p->conn[0]) ==
          WIREPOST_TCP_OK);
    CHECK(!wirepost_tcp_readiness(p->conn[0]));
    run(p);
    CHECK(wirepost_tcp_accept(p->stack[1], 25, &p->conn[1]) == WIREPOST_TCP_OK);
    CHECK(wirepost_tcp_news(p->stack[0]) == p->conn[0] && !wirepost_tcp_news(p->stack[0]));
    CHECK(wirepost_tcp_news(p->stack[1]) == p->conn[1] && !wirepost_tcp_news(p->stack[1]));
    for (int i = 0; i < 2; i++)
        CHECK(wirepost_tcp_readiness(p->conn[i]) ==
              (WIREPOST_TCP_CONNECTED | WIREPOST_TCP_WRITABLE));
}

static uint64_t counter(const struct wirepost_tcp *stack, const char *name)
{
    const char *at;
    uint64_t value;

    for (uint32_t i = 0; wirepost_tcp_counter(stack, i, &at, &value); i++)
        if (!strcmp(at, name))
            return value;
    CHECK(!"there is such a counter");
    return 0;
}

static void bytes_go_both_ways_and_the_end_is_told(void)
{
    static struct pair p;

    for (int v4 = 0; v4 < 2; v4++) {
        uint8_t bytes[64];
        size_t n;

        connect_pair(&p, v4);
        CHECK(wirepost_tcp_read(p.conn[1], bytes, 64, &n) == WIREPOST_TCP_AGAIN && !n);
        CHECK(wirepost_tcp_write(p.conn[0], "hello", 5, &n) == WIREPOST_TCP_OK && n == 5);
        CHECK(wirepost_tcp_unsent(p.conn[0]) == 5);
        run(&p);
        CHECK(wirepost_tcp_news(p.stack[1]) == p.conn[1] && wirepost_tcp_unread(p.conn[1]) == 5);
        CHECK(!memcmp(wirepost_tcp_peek(p.conn[1], &n), "hello", 5) && n == 5);
        CHECK(wirepost_tcp_read(p.conn[1], bytes, 3, &n) == WIREPOST_TCP_OK && n == 3);
        CHECK(wirepost_tcp_read(p.conn[1], bytes + 3, 64, &n) == WIREPOST_TCP_OK && n == 2);
        CHECK(!memcmp(bytes, "hello", 5));
        pass(&p, 100000);
        CHECK(wirepost_tcp_unsent(p.conn[0]) == 0);
        CHECK(wirepost_tcp_shutdown(p.conn[0]) == WIREPOST_TCP_OK);
        CHECK(wirepost_tcp_write(p.conn[0], "x", 1, &n) == WIREPOST_TCP_SHUT_DOWN);
        run(&p);
        CHECK(wirepost_tcp_readiness(p.conn[1]) & WIREPOST_TCP_END);
        CHECK(wirepost_tcp_read(p.conn[1], bytes, 64, &n) == WIREPOST_TCP_OK && !n);
        CHECK(!strcmp(wirepost_tcp_state(p.conn[1]), "CLOSE-WAIT"));
        CHECK(!strcmp(wirepost_tcp_state(p.conn[0]), "FIN-WAIT-2"));
        CHECK(wirepost_tcp_write(p.conn[1], "bye", 3, &n) == WIREPOST_TCP_OK);
        wirepost_tcp_close(p.conn[1]);
        run(&p);
        CHECK(wirepost_tcp_read(p.conn[0], bytes, 64, &n) == WIREPOST_TCP_OK && n == 3);
        CHECK(wirepost_tcp_error(p.conn[0]) == WIREPOST_TCP_OK);
        wirepost_tcp_close(p.conn[0]);
        pass(&p, 2000000);
        CHECK(!wirepost_tcp_connections(p.stack[0]) && !wirepost_tcp_connections(p.stack[1]));
        fini(&p);
    }
}

static void close_with_unread_bytes_resets(void)
{
    static struct pair p;
    size_t n;

    connect_pair(&p, true);
    wirepost_tcp_write(p.conn[0], "unread", 6, &n);
    run(&p);
    wirepost_tcp_close(p.conn[1]);
    run(&p);
    CHECK(wirepost_tcp_readiness(p.conn[0]) & WIREPOST_TCP_ENDED);
    CHECK(wirepost_tcp_error(p.conn[0]) == WIREPOST_TCP_RESET);
    CHECK(wirepost_tcp_read(p.conn[0], NULL, 1, &n) == WIREPOST_TCP_RESET);
    CHECK(wirepost_tcp_write(p.conn[0], "x", 1, &n) == WIREPOST_TCP_RESET);
    wirepost_tcp_close(p.conn[0]);
    fini(&p);
}

static void errors_have_names_of_their_own(void)
{
    static struct pair p;
    struct wirepost_tcp_conn *conn;
    size_t n;

    init(&p, false);
    CHECK(wirepost_tcp_listen(p.stack[1], 0) == WIREPOST_TCP_ARGUMENT);
    CHECK(wirepost_tcp_accept(p.stack[1], 25, &conn) == WIREPOST_TCP_ARGUMENT);
    CHECK(wirepost_tcp_connect(p.stack[0], &p.own[1], &p.own[1], 0, &conn) ==
          WIREPOST_TCP_ARGUMENT);
    CHECK(wirepost_tcp_connect(p.stack[0], &p.own[0], &p.own[1], 0, &conn) == WIREPOST_TCP_OK);
    CHECK(wirepost_tcp_read(conn, NULL, 1, &n) == WIREPOST_TCP_NOT_CONNECTED);
    CHECK(wirepost_tcp_shutdown(conn) == WIREPOST_TCP_NOT_CONNECTED);
    run(&p);
    CHECK(wirepost_tcp_news(p.stack[0]) == conn);
    CHECK(wirepost_tcp_error(conn) == WIREPOST_TCP_REFUSED);
    wirepost_tcp_close(conn);
    CHECK(wirepost_tcp_listen(p.stack[1], 25) == WIREPOST_TCP_OK);
    CHECK(wirepost_tcp_listen(p.stack[1], 25) == WIREPOST_TCP_IN_USE);
    for (uint16_t port = 1000; port < 1063; port++)
        CHECK(wirepost_tcp_listen(p.stack[1], port) == WIREPOST_TCP_OK);
    CHECK(wirepost_tcp_listen(p.stack[1], 2000) == WIREPOST_TCP_FULL);
    wirepost_tcp_unlisten(p.stack[1], 1000);
    CHECK(wirepost_tcp_listen(p.stack[1], 2000) == WIREPOST_TCP_OK);
    for (int i = 0; i < WIREPOST_TCP_ERRORS; i++)
        CHECK(strlen(wirepost_tcp_error_text((enum wirepost_tcp_error)i)) > 3);
    fini(&p);
}

/* Those that nobody accepted go with their listener; those that were stay. */
static void unlisten_resets_what_waits(void)
{
    static struct pair p;
    struct wirepost_tcp_conn *second;

    connect_pair(&p, true);
    CHECK(!wirepost_tcp_connect(p.stack[0], &p.own[0], &p.own[1], p.now, &second));
    run(&p);
    wirepost_tcp_unlisten(p.stack[1], 25);
    run(&p);
    CHECK(wirepost_tcp_error(second) == WIREPOST_TCP_RESET);
    CHECK(!wirepost_tcp_error(p.conn[0]) && !strcmp(wirepost_tcp_state(p.conn[1]), "ESTABLISHED"));
    wirepost_tcp_abort(p.conn[1]);
    run(&p);
    CHECK(wirepost_tcp_error(p.conn[0]) == WIREPOST_TCP_RESET);
    wirepost_tcp_close(second);
    wirepost_tcp_close(p.conn[0]);
    fini(&p);
}

static void connections_are_as_many_as_configured(void)
{
    static struct pair p;
    struct wirepost_tcp_conn *conns[9];

    init(&p, true);
    for (int i = 0; i < 9; i++)
        CHECK(wirepost_tcp_connect(p.stack[0], &p.own[0], &p.own[1], 0, &conns[i]) ==
              (i < 8 ? WIREPOST_TCP_OK : WIREPOST_TCP_FULL));
    wirepost_tcp_close(conns[3]);
    wirepost_tcp_output(p.stack[0], 0);
    CHECK(!wirepost_tcp_connect(p.stack[0], &p.own[0], &p.own[1], 0, &conns[3]));
    fini(&p);
}

/* Every flipped byte of a packet is found, but for what no checksum covers. */
static void wrong_packets_are_dropped_and_counted(void)
{
    static struct pair p;

    for (int v4 = 0; v4 < 2; v4++) {
        struct wirepost_tcp_conn *conn;
        size_t len;

        init(&p, v4);
        wirepost_tcp_listen(p.stack[1], 25);
        wirepost_tcp_connect(p.stack[0], &p.own[0], &p.own[1], p.now, &conn);
        wirepost_tcp_output(p.stack[0], p.now);
        len = p.to[1].packets[0].len;
        for (size_t i = 0; i < len; i++) {
            uint8_t *bytes = p.to[1].packets[0].bytes;

            if (!v4 && i < 8 && i != 4 && i != 5 && i != 6)
                continue; /* traffic class, flow label, hop limit */
            bytes[i] ^= 0x55;
            CHECK(wirepost_tcp_input(p.stack[1], bytes, len, p.now) == WIREPOST_TCP_DROPPED);
            bytes[i] ^= 0x55;
        }
        for (size_t n = 0; n < len; n++) {
            struct span copy = guard_copy(span_of(p.to[1].packets[0].bytes, n), true);

            CHECK(wirepost_tcp_input(p.stack[1], copy.data, n, p.now) == WIREPOST_TCP_DROPPED);
            guard_free(copy);
        }
        CHECK(counter(p.stack[1], "tcp_checksum") > 10 && counter(p.stack[1], "frame_short") > 10);
        CHECK(counter(p.stack[1], "segments_in") == 0);
        run(&p);
        CHECK(wirepost_tcp_readiness(conn) & WIREPOST_TCP_CONNECTED);
        fini(&p);
    }
}

static void options_reach_the_connection(void)
{
    static struct pair p;
    size_t n;

    connect_pair(&p, true);
    wirepost_tcp_write(p.conn[0], "1", 1, &n);
    CHECK(wirepost_tcp_output(p.stack[0], p.now) == 1);
    wirepost_tcp_write(p.conn[0], "2", 1, &n);
    CHECK(wirepost_tcp_output(p.stack[0], p.now) == 0); /* Nagle */
    CHECK(wirepost_tcp_set(p.conn[0], WIREPOST_TCP_NO_DELAY, 1) == WIREPOST_TCP_OK);
    wirepost_tcp_write(p.conn[0], "3", 1, &n);
    CHECK(wirepost_tcp_output(p.stack[0], p.now) == 1);
    CHECK(wirepost_tcp_set(p.conn[0], (enum wirepost_tcp_option)99, 1) == WIREPOST_TCP_ARGUMENT);
    CHECK(wirepost_tcp_set(p.conn[0], WIREPOST_TCP_USER_TIMEOUT, 3000) == WIREPOST_TCP_OK);
    for (int i = 0; i < 2000 && !(wirepost_tcp_readiness(p.conn[0]) & WIREPOST_TCP_ENDED); i++) {
        p.now += 10000; /* nothing arrives any more */
        p.to[0].count = p.to[1].count = 0;
        wirepost_tcp_timers(p.stack[0], p.now);
        wirepost_tcp_output(p.stack[0], p.now);
    }
    CHECK(wirepost_tcp_error(p.conn[0]) == WIREPOST_TCP_TIMED_OUT);
    CHECK(p.now < 5000000 + 5000000);
    fini(&p);
}

static void bad_configurations_are_refused(void)
{
    struct wirepost_tcp_endpoint own = {.port = 0};
    struct wirepost_tcp_config good = {.addresses = &own, .address_count = 1, .output = on_output};
    struct wirepost_tcp_config bad[6] = {good, good, good, good, good, good};
    enum wirepost_tcp_error error;

    bad[0].output = NULL;
    bad[1].addresses = NULL;
    bad[2].address_count = 0;
    bad[3].address_count = WIREPOST_TCP_ADDRESSES + 1;
    bad[4].mtu = 67;
    bad[5].mtu = 65536;
    for (int i = 0; i < 6; i++)
        CHECK(!wirepost_tcp_new(&bad[i], &error) && error == WIREPOST_TCP_ARGUMENT);
    CHECK(!wirepost_tcp_new(NULL, NULL));
    wirepost_tcp_free(NULL);
    wirepost_tcp_free(wirepost_tcp_new(&good, NULL));
}

int main(void)
{
    check_begin();
    CHECK_CASE(bytes_go_both_ways_and_the_end_is_told);
    CHECK_CASE(close_with_unread_bytes_resets);
    CHECK_CASE(errors_have_names_of_their_own);
    CHECK_CASE(unlisten_resets_what_waits);
    CHECK_CASE(connections_are_as_many_as_configured);
    CHECK_CASE(wrong_packets_are_dropped_and_counted);
    CHECK_CASE(options_reach_the_connection);
    CHECK_CASE(bad_configurations_are_refused);
    return check_end();
}
