/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"

#include <stdlib.h>

#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/tcp_passive.h"
#include "dataplane/tcp/tcp_reassembly.h"
#include "dataplane/tcp/tcp_recovery.h"
#include "dataplane/tcp/tcp_sack.h"
#include "dataplane/tcp/tcp_timer.h"
#include "proto/base/cursor.h"

/* The worker's and the sessions' side of the contract in tcp.h. */

enum {
    TIME_WAIT_DEFAULT_MS = 60000,
    LARGE_CHUNKS_FROM = 262144, /* below, a 64 KiB chunk would be too much of the window */
    HALF_OPEN_DEFAULT = 256,
    FLIGHTS_LEAST = 1024,
    WINDOW_LEAST = 2048,
    WINDOW_MOST = 1u << 30, /* RFC 7323 section 2.3 */
};

static void set_window(struct tcp *tcp)
{
    uint32_t window = tcp->options.receive_window;

    if (window < WINDOW_LEAST)
        window = WINDOW_LEAST;
    if (window > WINDOW_MOST)
        window = WINDOW_MOST;
    tcp->options.receive_window = window;
    tcp->receive_class = window >= LARGE_CHUNKS_FROM ? CHUNK_LARGE : CHUNK_MEDIUM;
    /* Twice the window, for what half-full chunks waste, and one chunk more. */
    tcp->receive_limit = 2 * window + (tcp->receive_class == CHUNK_LARGE ? 65536 : 4096);
    tcp->receive_scale = 1;
    while (window >> tcp->receive_scale > 65535)
        tcp->receive_scale++;
}

static uint32_t side_count(const struct tcp_options *o)
{
    uint32_t n = o->connections / 4;

    n = n < TCP_SIDES_LEAST ? TCP_SIDES_LEAST : n;
    return n < TCP_SIDES_MOST ? n : TCP_SIDES_MOST;
}

static bool allocate_limits(struct tcp *tcp)
{
    const struct tcp_options *o = &tcp->options;
    uint32_t limits[TCP_PREFIX_KINDS] = {[TCP_PREFIX_CONNECTIONS] = o->prefix_connections,
                                         [TCP_PREFIX_HALF_OPEN] = o->prefix_half_open};
    uint32_t half_open = o->half_open ? o->half_open : HALF_OPEN_DEFAULT;

    half_open = half_open < TCP_HALF_OPEN_MOST ? half_open : TCP_HALF_OPEN_MOST;
    tcp->prefixes.bits_v4 = o->prefix_v4;
    tcp->prefixes.bits_v6 = o->prefix_v6;
    tcp_cookie_init(&tcp->cookies, o->secret);
    tcp->paths = calloc(1, sizeof(*tcp->paths));
    return tcp->paths && tcp_side_init(&tcp->sides, side_count(o)) &&
           tcp_half_open_init(&tcp->half, half_open) &&
           tcp_prefix_init(&tcp->prefixes, o->connections + half_open, limits, o->secret);
}

static uint32_t flight_count(const struct tcp_options *o)
{
    uint32_t n = o->flights ? o->flights : o->connections / 4;

    if (!o->flights && n < FLIGHTS_LEAST)
        n = FLIGHTS_LEAST;
    return n < o->connections ? n : o->connections;
}

static bool allocate(struct tcp *tcp)
{
    uint32_t n = tcp->options.connections;

    tcp->blocks = aligned_alloc(64, sizeof(*tcp->blocks) + (size_t)n * sizeof(*tcp->conns));
    tcp->frames = malloc(TCP_FRAMES * sizeof(*tcp->frames));
    tcp->replies = malloc(TCP_REPLIES * sizeof(*tcp->replies));
    if (!tcp->blocks || !tcp->frames || !tcp->replies)
        return false;
    if (!tcp_flight_pool_init(tcp, flight_count(&tcp->options)))
        return false;
    tcp->blocks->tcp = tcp;
    tcp->conns = tcp->blocks->conns;
    return tcp_flow_init(&tcp->flows, n, tcp->options.secret) && allocate_limits(tcp);
}

struct tcp *tcp_new(const struct tcp_options *options, struct chunk_pool *pool)
{
    struct tcp *tcp = calloc(1, sizeof(*tcp));

    if (!tcp)
        return NULL;
    tcp->options = *options;
    tcp->pool = pool;
    if (!tcp->options.time_wait_ms)
        tcp->options.time_wait_ms = TIME_WAIT_DEFAULT_MS;
    set_window(tcp);
    if (!options->connections || !allocate(tcp)) {
        tcp_free(tcp);
        return NULL;
    }
    tcp->free = CONN_NONE;
    tcp->ready = tcp->output = tcp->wait = (struct tcp_list){CONN_NONE, CONN_NONE};
    for (uint32_t i = options->connections; i-- > 0;) {
        tcp->conns[i] = (struct tcp_conn){
            .flags = CONN_FORGOTTEN, .ready_next = tcp->free, .index = i, .flight = CONN_NONE};
        timer_node_init(&tcp->conns[i].timer);
        tcp->free = i;
    }
    tcp->gauge[TCP_CLOSED] = options->connections;
    tcp_sack_init(tcp);
    timer_wheel_init(&tcp->wheel, &tcp->conns[0].timer, sizeof(struct tcp_conn), 0);
    return tcp;
}

/* The chunks of connections that still stand go back to the pool. */
static void drop_all(struct tcp *tcp)
{
    for (uint32_t i = 0; i < tcp->options.connections; i++) {
        struct tcp_conn *conn = &tcp->conns[i];

        tcp_reassembly_drop(tcp, conn);
        sendq_fini(&conn->queue, tcp->pool);
        while (sendq_released(&conn->queue, tcp->pool))
            ;
    }
}

void tcp_free(struct tcp *tcp)
{
    if (!tcp)
        return;
    if (tcp->flows.entries)
        drop_all(tcp);
    tcp_flow_fini(&tcp->flows);
    tcp_half_open_fini(&tcp->half);
    tcp_prefix_fini(&tcp->prefixes);
    tcp_side_fini(&tcp->sides);
    free(tcp->paths);
    free(tcp->blocks);
    free(tcp->frames);
    free(tcp->replies);
    tcp_flight_pool_fini(tcp);
    free(tcp);
}

struct tcp_conn *tcp_ready(struct tcp *tcp)
{
    while (tcp->ready.head != CONN_NONE) {
        struct tcp_conn *conn = &tcp->conns[tcp->ready.head];

        tcp->ready.head = conn->ready_next;
        conn->flags &= (uint16_t)~CONN_IN_READY;
        if (!(conn->flags & CONN_FORGOTTEN))
            return conn;
        tcp_conn_reclaim(tcp, conn);
    }
    return NULL;
}

uint32_t tcp_events(struct tcp_conn *conn)
{
    uint32_t events = conn->events;

    conn->events = 0;
    return events;
}

enum tcp_reason tcp_reason(const struct tcp_conn *conn)
{
    return conn->reason;
}

const char *tcp_state_text(const struct tcp_conn *conn)
{
    return tcp_state_name(conn->state);
}

const char *tcp_close_reason(const struct tcp_conn *conn)
{
    static const char *const reasons[TCP_REASONS] = {
        [TCP_REASON_NONE] = "open",
        [TCP_REASON_CLOSED] = "closed",
        [TCP_REASON_RESET] = "reset by peer",
        [TCP_REASON_TIMED_OUT] = "timed out",
        [TCP_REASON_ABORTED] = "aborted",
        [TCP_REASON_REFUSED] = "refused",
        [TCP_REASON_UNREACHABLE] = "unreachable",
    };

    return reasons[conn->reason];
}

void tcp_set_user(struct tcp_conn *conn, void *user)
{
    conn->user = user;
}

void *tcp_user(const struct tcp_conn *conn)
{
    return conn->user;
}

uint32_t tcp_tag(const struct tcp_conn *conn)
{
    return conn->listener == TCP_LISTENERS ? 0
                                           : tcp_conn_owner(conn)->listeners[conn->listener].tag;
}

void tcp_endpoints(const struct tcp_conn *conn, struct ip_address *local_out,
                   uint16_t *local_port_out, struct ip_address *remote_out,
                   uint16_t *remote_port_out)
{
    struct tcp_flow_key key = tcp_conn_key(tcp_conn_owner(conn), conn);

    *local_out = key.local;
    *local_port_out = key.local_port;
    *remote_out = key.remote;
    *remote_port_out = key.remote_port;
}

struct span tcp_peek(const struct tcp_conn *conn)
{
    return tcp_reassembly_peek(tcp_conn_owner(conn), conn);
}

uint32_t tcp_gather(const struct tcp_conn *conn, uint32_t offset, uint8_t *out, uint32_t len)
{
    return tcp_reassembly_gather(tcp_conn_owner(conn), conn, offset, out, len);
}

uint32_t tcp_unread(const struct tcp_conn *conn)
{
    return conn->unread;
}

void tcp_consume(struct tcp *tcp, struct tcp_conn *conn, uint32_t n)
{
    tcp_reassembly_consume(tcp, conn, n);
    if (tcp_conn_is(conn, IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(FIN_WAIT_2)) &&
        tcp_output_edge_moves(tcp, conn))
        tcp_conn_program(tcp, conn, CONN_ACK_NOW);
}

struct sendq *tcp_sendq(struct tcp_conn *conn)
{
    return &conn->queue;
}

uint32_t tcp_send_room(const struct tcp_conn *conn)
{
    uint32_t limit = tcp_conn_owner(conn)->options.send_limit;

    if (conn->flags & CONN_SHUTDOWN || conn->state == TCP_CLOSED)
        return 0;
    return conn->queue.bytes < limit ? limit - conn->queue.bytes : 0;
}

void tcp_send(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->state != TCP_CLOSED)
        tcp_conn_program(tcp, conn, 0);
}

uint32_t tcp_unsent(const struct tcp_conn *conn)
{
    uint32_t sent = conn->snd_max - conn->snd_una;

    return conn->queue.bytes > sent ? conn->queue.bytes - sent : 0;
}

void tcp_set_nagle(struct tcp *tcp, struct tcp_conn *conn, bool on)
{
    conn->modes = (uint16_t)(on ? conn->modes | TCP_MODE_NAGLE : conn->modes & ~TCP_MODE_NAGLE);
    tcp_send(tcp, conn);
}

/* RFC 9293 section 3.10.4, CLOSE */
void tcp_shutdown(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->flags & CONN_SHUTDOWN || conn->state == TCP_CLOSED)
        return;
    conn->flags |= CONN_SHUTDOWN;
    switch (conn->state) {
    case TCP_SYN_SENT:
        tcp_conn_close(tcp, conn, TCP_REASON_CLOSED);
        return;
    case TCP_ESTABLISHED:
        tcp_conn_set_state(tcp, conn, TCP_FIN_WAIT_1);
        break;
    case TCP_CLOSE_WAIT:
        tcp_conn_set_state(tcp, conn, TCP_LAST_ACK);
        break;
    default:
        break;
    }
    tcp_conn_program(tcp, conn, 0);
}

void tcp_discard(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->flags & CONN_DISCARD)
        return;
    conn->flags |= CONN_DISCARD;
    tcp_reassembly_drop(tcp, conn);
    /* Half a connection that nobody reads any more must end some day. */
    if (conn->state == TCP_FIN_WAIT_2)
        tcp_timer_start(tcp, conn, TCP_TIMER_FIN_WAIT_2, TCP_FIN_WAIT_2_TIME);
    if (tcp_conn_is(conn, IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(FIN_WAIT_2)))
        tcp_conn_program(tcp, conn, CONN_ACK_NOW);
}

/* RFC 9293 section 3.10.5, ABORT */
void tcp_abort(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->state == TCP_CLOSED)
        return;
    if (!tcp_conn_is(conn, IN(SYN_SENT) | IN(TIME_WAIT)))
        tcp_output_abort(tcp, conn);
    tcp_conn_close(tcp, conn, TCP_REASON_ABORTED);
}

uint32_t tcp_abort_room(const struct tcp *tcp)
{
    return TCP_REPLIES - tcp->reply_count;
}

void tcp_vanish(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->state != TCP_CLOSED)
        tcp_conn_close(tcp, conn, TCP_REASON_ABORTED);
}

void tcp_set_narrow(struct tcp *tcp, struct tcp_conn *conn)
{
    conn->flags |= CONN_NARROW;
    if (!tcp_conn_is(conn, IN(SYN_SENT)))
        tcp_conn_program(tcp, conn, CONN_ACK_NOW);
}

void tcp_forget(struct tcp *tcp, struct tcp_conn *conn)
{
    conn->orphan_due = tcp->now + TCP_ORPHAN_TIME;
    conn->events = 0;
    if (conn->state != TCP_CLOSED) {
        tcp_discard(tcp, conn);
        tcp_shutdown(tcp, conn);
    }
    conn->flags |= CONN_FORGOTTEN;
    tcp_conn_reclaim(tcp, conn);
}

void tcp_settle(struct tcp *tcp)
{
    for (uint32_t i = 0; i < tcp->frame_count; i++) {
        struct tcp_conn *conn = &tcp->conns[tcp->frames[i].conn];

        if (conn->frames != FRAME_NONE)
            tcp_reassembly_settle(tcp, conn);
    }
    tcp->frame_count = 0;
}

/* The key and the sequence number of the segment that an ICMP error quotes. False: too short. */
static bool quoted_key(const struct tcp_packet *quoted, struct tcp_flow_key *key_out,
                       uint32_t *seq_out)
{
    struct cursor c = cursor_of(quoted->header);

    *key_out = (struct tcp_flow_key){.local = quoted->source, .remote = quoted->destination};
    key_out->local_port = cursor_u16(&c);
    key_out->remote_port = cursor_u16(&c);
    *seq_out = cursor_u32(&c);
    return !c.bad;
}

/* RFC 5927 section 4.1: what was not sent, or was acknowledged, was made up. */
static bool icmp_taken(struct tcp *tcp, const struct tcp_packet *quoted, uint32_t mtu, bool hard)
{
    struct tcp_flow_key key;
    struct tcp_conn *conn;
    uint32_t seq;

    if (!quoted_key(quoted, &key, &seq))
        return false;
    conn = tcp_conn_find(tcp, &key, tcp_flow_hash(&tcp->flows, &key));
    if (!conn)
        return !mtu && hard && tcp_passive_unreachable(tcp, &key, seq);
    if (!seq_within(seq, conn->snd_una, conn->snd_max))
        return false;
    if (mtu)
        return tcp_path_too_big(tcp, conn, mtu, seq);
    if (hard && tcp_conn_is(conn, IN(SYN_SENT) | IN(SYN_RECEIVED))) /* section 5.2 */
        tcp_conn_close(tcp, conn, TCP_REASON_UNREACHABLE);
    else /* RFC 9293 section 3.9.2.2, MUST-56: the reason, should it time out */
        conn->modes |= TCP_MODE_UNREACHED;
    return true;
}

void tcp_icmp_error(struct tcp *tcp, const struct tcp_packet *quoted, uint32_t mtu, bool hard,
                    uint64_t now)
{
    tcp->now = now;
    if (icmp_taken(tcp, quoted, mtu, hard))
        tcp->counters.icmp_taken++;
    else
        tcp->counters.icmp_ignored++;
}

const struct tcp_counters *tcp_counters(const struct tcp *tcp)
{
    return &tcp->counters;
}

uint32_t tcp_connections(const struct tcp *tcp)
{
    return tcp->connections;
}
