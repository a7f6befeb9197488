/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/flow_owner.h"
#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_link.h"

/* Connections that we open: ports, and what may happen before they are established. */

static struct ip_address local, remote;

static struct tcp *endpoint(struct tcp_options o, struct chunk_pool **pool_out)
{
    static const uint32_t chunks[CHUNK_CLASSES] = {10, 10, 4};

    local = ip_address_v4((uint8_t[4]){198, 18, 0, 1});
    remote = ip_address_v4((uint8_t[4]){198, 18, 0, 2});
    o.connections = 1024;
    o.mss_v4 = 1460;
    o.receive_window = 65536;
    *pool_out = chunk_pool_new(chunks);
    return tcp_new(&o, *pool_out);
}

static uint16_t port_of(struct tcp_conn *conn)
{
    struct ip_address a, b;
    uint16_t port, other;

    tcp_endpoints(conn, &a, &port, &b, &other);
    return port;
}

static void ports_lead_replies_home(void)
{
    static bool used[65536];

    for (uint32_t worker = 0; worker < 5; worker++) {
        struct chunk_pool *pool;
        struct tcp *tcp = endpoint((struct tcp_options){.worker = worker, .workers = 5}, &pool);

        for (int i = 0; i < 500; i++) {
            struct tcp_conn *conn = tcp_connect(tcp, &local, 0, &remote, 25, 0);
            uint16_t port = conn ? port_of(conn) : 0;

            if (!CHECK(conn && port >= TCP_PORT_FIRST && !used[port]))
                break;
            used[port] = true;
            CHECK(flow_owner_of(flow_owner_hash(&remote, &local, 25, port), 5) == worker);
        }
        tcp_free(tcp);
        chunk_pool_free(pool);
    }
}

/* RFC 6056 section 3.3.4: they count up, from another place for each destination and secret. */
static void ports_say_little(void)
{
    struct chunk_pool *pool;
    struct tcp *tcp = endpoint((struct tcp_options){.secret = {1}}, &pool);
    uint16_t first[64], same = 0;

    for (uint8_t i = 0; i < 64; i++) {
        remote.bytes[15] = i;
        first[i] = port_of(tcp_connect(tcp, &local, 0, &remote, 25, 0));
        CHECK((uint16_t)(port_of(tcp_connect(tcp, &local, 0, &remote, 25, 0)) - first[i]) == 1 ||
              first[i] == 65535);
    }
    tcp_free(tcp);
    chunk_pool_free(pool);
    tcp = endpoint((struct tcp_options){.secret = {2}}, &pool);
    for (uint8_t i = 0; i < 64; i++) {
        remote.bytes[15] = i;
        same += port_of(tcp_connect(tcp, &local, 0, &remote, 25, 0)) == first[i];
        for (uint8_t j = 0; j < i; j++)
            same += first[i] == first[j];
    }
    CHECK(same < 4);
    tcp_free(tcp);
    chunk_pool_free(pool);
}

static void ports_run_out(void)
{
    struct chunk_pool *pool;
    struct tcp *tcp =
        endpoint((struct tcp_options){.port_first = 20000, .port_last = 20009}, &pool);
    struct tcp_conn *conn = NULL;

    tcp_listen(tcp, 20005, 0);
    for (int i = 0; i < 9; i++)
        CHECK((conn = tcp_connect(tcp, &local, 0, &remote, 25, 0)) && port_of(conn) != 20005);
    CHECK(!tcp_connect(tcp, &local, 0, &remote, 25, 0) && tcp_counters(tcp)->ports_short == 1);
    CHECK(tcp_connect(tcp, &local, 0, &remote, 26, 0));
    if (conn) {
        tcp_abort(tcp, conn);
        tcp_forget(tcp, conn);
        CHECK(tcp_connect(tcp, &local, 0, &remote, 25, 0));
    }
    tcp_free(tcp);
    chunk_pool_free(pool);
}

static uint32_t quote(struct tcp *tcp, struct tcp_conn *conn, bool hard, uint32_t seq)
{
    uint8_t bytes[8];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct tcp_packet p = {
        .source = local, .destination = remote, .header = span_of(bytes, sizeof(bytes))};

    writer_uint(&w, port_of(conn), 2);
    writer_uint(&w, 25, 2);
    writer_uint(&w, seq, 4);
    tcp_icmp_error(tcp, &p, 0, hard, 1000);
    return tcp_events(conn);
}

/* RFC 1122 section 4.2.3.9, RFC 5927 section 4.1 */
static void unreachable_ends_the_attempt(void)
{
    struct chunk_pool *pool;
    struct tcp *tcp = endpoint((struct tcp_options){0}, &pool);
    struct tcp_conn *conn = tcp_connect(tcp, &local, 0, &remote, 25, 0);
    struct tcp_segment s;

    CHECK(tcp_output(tcp, 0, &s, 1) == 1 && s.flags == TCP_SYN);
    CHECK(quote(tcp, conn, true, s.seq + 1) == 0);
    CHECK(quote(tcp, conn, false, s.seq) == 0 && conn->state == TCP_SYN_SENT);
    CHECK(quote(tcp, conn, true, s.seq) == TCP_EVENT_CLOSED);
    CHECK(strcmp(tcp_close_reason(conn), "unreachable") == 0);
    tcp_forget(tcp, conn);
    tcp_free(tcp);
    chunk_pool_free(pool);
}

int main(void)
{
    check_begin();
    CHECK_CASE(ports_lead_replies_home);
    CHECK_CASE(ports_say_little);
    CHECK_CASE(ports_run_out);
    CHECK_CASE(unreachable_ends_the_attempt);
    return check_end();
}
