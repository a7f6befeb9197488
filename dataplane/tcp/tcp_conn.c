/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_conn.h"

#include "proto/base/siphash.h"
#include "dataplane/tcp/tcp_reassembly.h"
#include "dataplane/tcp/tcp_sack.h"
#include "dataplane/tcp/tcp_timer.h"

const char *tcp_state_name(enum tcp_state state)
{
    static const char *const names[] = {
#define TCP_STATE(name, text) text,
#include "dataplane/tcp/tcp_state.def"
#undef TCP_STATE
    };

    return names[state];
}

/*
 * RFC 9293 section 3.3.2, figure 5, and from every state to CLOSED: by ABORT, a reset, or giving
 * up. LISTEN is a block that was just taken; what makes ESTABLISHED of SYN_RECEIVED makes
 * FIN_WAIT_1 of it where CLOSE came first.
 */
static bool legal(enum tcp_state from, enum tcp_state to)
{
    static const uint16_t next[TCP_STATES] = {
        [TCP_CLOSED] = IN(SYN_SENT) | IN(SYN_RECEIVED),
        [TCP_SYN_SENT] = IN(SYN_RECEIVED) | IN(ESTABLISHED),
        [TCP_SYN_RECEIVED] = IN(ESTABLISHED) | IN(FIN_WAIT_1),
        [TCP_ESTABLISHED] = IN(FIN_WAIT_1) | IN(CLOSE_WAIT),
        [TCP_FIN_WAIT_1] = IN(FIN_WAIT_2) | IN(CLOSING) | IN(TIME_WAIT),
        [TCP_FIN_WAIT_2] = IN(TIME_WAIT),
        [TCP_CLOSE_WAIT] = IN(LAST_ACK),
        [TCP_CLOSING] = IN(TIME_WAIT),
    };

    return to == TCP_CLOSED || next[from] >> to & 1;
}

/* TIME-WAIT orphans stand on tcp->wait in the order of their age. */
static void wait_add(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t i = conn->index;

    conn->wait_next = CONN_NONE;
    conn->wait_prev = tcp->wait.tail;
    if (tcp->wait.tail == CONN_NONE)
        tcp->wait.head = i;
    else
        tcp->conns[tcp->wait.tail].wait_next = i;
    tcp->wait.tail = i;
}

static void wait_remove(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->wait_prev == CONN_NONE)
        tcp->wait.head = conn->wait_next;
    else
        tcp->conns[conn->wait_prev].wait_next = conn->wait_next;
    if (conn->wait_next == CONN_NONE)
        tcp->wait.tail = conn->wait_prev;
    else
        tcp->conns[conn->wait_next].wait_prev = conn->wait_prev;
}

/* What the limit for the peer's network counts: its own connections, while they cost something that
 * is not given up for the next one anyway. */
static bool is_counted(const struct tcp_conn *conn)
{
    return conn->listener != TCP_LISTENERS && !tcp_conn_is(conn, IN(CLOSED) | IN(TIME_WAIT));
}

void tcp_conn_set_state(struct tcp *tcp, struct tcp_conn *conn, enum tcp_state state)
{
    const struct ip_address *remote = &tcp->flows.entries[conn->index].remote;
    bool counted = is_counted(conn);

    if (conn->state == state)
        return;
    tcp->counters.illegal_states += !legal((enum tcp_state)conn->state, state);
    if (conn->state == TCP_TIME_WAIT)
        wait_remove(tcp, conn);
    tcp->gauge[conn->state]--;
    conn->state = (uint8_t)state;
    tcp->gauge[state]++;
    if (state == TCP_TIME_WAIT)
        wait_add(tcp, conn);
    if (!counted && is_counted(conn))
        tcp_prefix_take(&tcp->prefixes, remote, TCP_PREFIX_CONNECTIONS);
    else if (counted && !is_counted(conn))
        tcp_prefix_give(&tcp->prefixes, remote, TCP_PREFIX_CONNECTIONS);
}

/*
 * The next three to be recycled: nobody has touched them since they were young, so they are in no
 * cache. First a block, then where its chain begins, then who stands there.
 */
static void fetch_oldest(const struct tcp *tcp)
{
    uint32_t i = tcp->wait.head, first;

    if (i == CONN_NONE)
        return;
    first = tcp_flow_first(&tcp->flows, tcp->flows.entries[i].hash);
    if (first != TCP_FLOW_NONE)
        __builtin_prefetch(&tcp->flows.entries[first], 1);
    i = tcp->conns[i].wait_next;
    if (i == CONN_NONE)
        return;
    tcp_flow_fetch(&tcp->flows, tcp->flows.entries[i].hash);
    if (tcp->conns[i].wait_next != CONN_NONE)
        tcp_conn_fetch(tcp, tcp->conns[i].wait_next);
}

/* Frees the oldest TIME-WAIT that no session and no list of this turn holds. */
static void recycle(struct tcp *tcp)
{
    uint32_t i = tcp->wait.head;

    /* The list is as long as there are connections; the oldest few are as good as any. */
    for (int tries = 8; i != CONN_NONE && tries; tries--) {
        struct tcp_conn *conn = &tcp->conns[i];

        i = conn->wait_next;
        if (!(conn->flags & CONN_FORGOTTEN))
            continue;
        tcp->counters.time_wait_recycled++;
        tcp_conn_close(tcp, conn, TCP_REASON_CLOSED);
        if (tcp->free != CONN_NONE) {
            fetch_oldest(tcp);
            return;
        }
    }
}

struct tcp_conn *tcp_conn_new(struct tcp *tcp, const struct tcp_flow_key *key, uint64_t hash)
{
    struct tcp_conn *conn;
    uint32_t i;

    if (tcp->free == CONN_NONE)
        recycle(tcp);
    i = tcp->free;
    if (i == CONN_NONE)
        return NULL;
    conn = &tcp->conns[i];
    tcp->free = conn->ready_next;
    tcp->connections++;
    *conn = (struct tcp_conn){
        .state = TCP_CLOSED,
        .flags = CONN_FORGOTTEN,
        .frames = FRAME_NONE,
        .frames_last = FRAME_NONE,
        .flight = CONN_NONE,
        .rcv_mss = 536,
        .listener = TCP_LISTENERS,
        .index = i,
        .local = key->local,
    };
    timer_node_init(&conn->timer);
    sendq_init(&conn->queue);
    tcp_flow_add(&tcp->flows, i, hash, key);
    return conn;
}

struct tcp_conn *tcp_conn_find(struct tcp *tcp, const struct tcp_flow_key *key, uint64_t hash)
{
    uint32_t i = tcp_flow_find(&tcp->flows, hash, key);

    if (i == TCP_FLOW_NONE || !ip_address_equal(&tcp->conns[i].local, &key->local))
        return NULL;
    return &tcp->conns[i];
}

struct tcp_flow_key tcp_conn_key(const struct tcp *tcp, const struct tcp_conn *conn)
{
    const struct tcp_flow *f = &tcp->flows.entries[conn->index];

    return (struct tcp_flow_key){conn->local, f->remote, f->local_port, f->remote_port};
}

void tcp_conn_establish(struct tcp *tcp, struct tcp_conn *conn)
{
    bool passive = conn->listener != TCP_LISTENERS;

    tcp_conn_set_state(tcp, conn, conn->flags & CONN_SHUTDOWN ? TCP_FIN_WAIT_1 : TCP_ESTABLISHED);
    tcp_congestion_init(&conn->congestion, conn->mss, conn->flags & CONN_SYN_LOST);
    /* RFC 6582 section 3.2 step 1, less one, so that a loss of the very first segment is found by
     * duplicates too. */
    conn->congestion.recover = conn->snd_una - 2;
    conn->retries = 0;
    if (tcp->options.keepalive_ms)
        conn->modes |= TCP_MODE_KEEPALIVE;
    conn->timer_kind = TCP_TIMER_NONE;
    /* A SYN that came twice in this turn is not answered any more: it would take the first octet's
     * number. */
    conn->flags &= (uint16_t)~CONN_SEND_SYN;
    if (passive) {
        tcp->counters.accepted++;
        conn->flags &= (uint16_t)~CONN_FORGOTTEN;
    } else {
        tcp->counters.connected++;
    }
    tcp_conn_tell(tcp, conn, TCP_EVENT_ACCEPTED);
    tcp_conn_program(tcp, conn, 0);
}

void tcp_conn_time_wait(struct tcp *tcp, struct tcp_conn *conn)
{
    tcp_conn_set_state(tcp, conn, TCP_TIME_WAIT);
    conn->reason = TCP_REASON_CLOSED;
    tcp_reassembly_drop_ahead(tcp, conn);
    tcp_timer_start(tcp, conn, TCP_TIMER_TIME_WAIT, tcp->options.time_wait_ms * 1000ull);
    tcp_conn_tell(tcp, conn, TCP_EVENT_CLOSED);
}

void tcp_conn_close(struct tcp *tcp, struct tcp_conn *conn, enum tcp_reason reason)
{
    uint32_t i = conn->index;

    if (conn->state == TCP_CLOSED)
        return;
    tcp_conn_set_state(tcp, conn, TCP_CLOSED);
    tcp_flow_remove(&tcp->flows, i);
    timer_wheel_stop(&tcp->wheel, i);
    conn->timer_kind = TCP_TIMER_NONE;
    conn->ack_due = 0;
    conn->reason = (uint8_t)reason;
    sendq_fini(&conn->queue, tcp->pool);
    tcp_flight_give(tcp, conn);
    tcp_side_give(tcp, conn);
    if (reason == TCP_REASON_CLOSED)
        tcp_reassembly_drop_ahead(tcp, conn);
    else
        tcp_reassembly_drop(tcp, conn);
    tcp_conn_tell(tcp, conn, TCP_EVENT_CLOSED);
    tcp_conn_reclaim(tcp, conn);
}

void tcp_conn_reclaim(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->state != TCP_CLOSED || !(conn->flags & CONN_FORGOTTEN))
        return;
    tcp_reassembly_drop(tcp, conn);
    /* Pins that nobody collected are the session's mistake; their list must not leak as well. */
    while (sendq_released(&conn->queue, tcp->pool))
        ;
    if (conn->flags & (CONN_IN_READY | CONN_IN_OUTPUT))
        return;
    conn->ready_next = tcp->free;
    tcp->free = conn->index;
    tcp->connections--;
}

/* A macro, since two lists use two members. */
#define LIST_APPEND(tcp, list, conn, member)                                                       \
    do {                                                                                           \
        uint32_t at_ = conn->index;                                                                \
        (conn)->member = CONN_NONE;                                                                \
        if ((list)->head == CONN_NONE)                                                             \
            (list)->head = at_;                                                                    \
        else                                                                                       \
            (tcp)->conns[(list)->tail].member = at_;                                               \
        (list)->tail = at_;                                                                        \
    } while (0)

void tcp_conn_tell(struct tcp *tcp, struct tcp_conn *conn, uint32_t events)
{
    if (conn->flags & CONN_FORGOTTEN)
        return;
    conn->events |= (uint8_t)events;
    if (conn->flags & CONN_IN_READY)
        return;
    conn->flags |= CONN_IN_READY;
    LIST_APPEND(tcp, &tcp->ready, conn, ready_next);
}

void tcp_conn_program(struct tcp *tcp, struct tcp_conn *conn, uint32_t flags)
{
    conn->flags |= (uint16_t)flags;
    if (conn->flags & CONN_IN_OUTPUT)
        return;
    conn->flags |= CONN_IN_OUTPUT;
    LIST_APPEND(tcp, &tcp->output, conn, output_next);
}

/* RFC 6528 section 3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey), M one step
 * each 4 microseconds */
uint32_t tcp_conn_sequence(struct tcp *tcp, uint64_t hash, uint32_t *ts_offset_out)
{
    uint8_t bytes[8];
    uint64_t f;

    /* A second pass, so that what a peer sees of it says nothing about its place in the flow table.
     */
    memcpy(bytes, &hash, sizeof(bytes));
    f = siphash(tcp->options.secret, span_of(bytes, sizeof(bytes)));
    *ts_offset_out = (uint32_t)(f >> 32);
    return (uint32_t)(tcp->now / 4) + (uint32_t)f;
}

uint16_t tcp_conn_announced_mss(const struct tcp *tcp, const struct tcp_conn *conn)
{
    return ip_address_is_v4(&conn->local) ? tcp->options.mss_v4 : tcp->options.mss_v6;
}

void tcp_conn_negotiate(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_option *option,
                        uint32_t seq)
{
    enum { MSS_LEAST = 64, MSS_V4 = 536, MSS_V6 = 1220, TIMESTAMPS = 12 };
    uint32_t ours = tcp_conn_announced_mss(tcp, conn);
    /* RFC 9293 section 3.7.1: what holds when nothing is said */
    uint32_t mss = ip_address_is_v4(&conn->local) ? MSS_V4 : MSS_V6;

    if (option->present & TCP_OPTION_MSS)
        mss = option->mss;
    mss = mss < ours ? mss : ours;
    if (mss < MSS_LEAST) /* a peer that asks for less only wants to keep us busy */
        mss = MSS_LEAST;
    if (option->present & TCP_OPTION_TIMESTAMPS) {
        conn->flags |= CONN_TIMESTAMPS;
        conn->ts_recent = option->ts_value;
        mss -= TIMESTAMPS;
    } else {
        conn->flags &= (uint16_t)~CONN_TIMESTAMPS;
    }
    conn->heard = tcp_timer_tick(tcp);
    conn->mss = (uint16_t)tcp_path_limit(tcp, conn, mss);
    conn->modes &= (uint16_t)~TCP_MODE_SACK;
    if (option->present & TCP_OPTION_SACK_PERMITTED)
        conn->modes |= TCP_MODE_SACK;
    tcp_sack_forget(tcp, conn);
    if (option->present & TCP_OPTION_SCALE) {
        conn->snd_scale = option->scale & 15;
        conn->rcv_scale = tcp->receive_scale & 15;
    } else {
        conn->snd_scale = conn->rcv_scale = 0;
    }
    conn->rcv_nxt = conn->last_ack = conn->rcv_adv = seq + 1;
}

bool tcp_limit_pass(struct tcp *tcp, struct tcp_limit *limit, uint32_t each_second)
{
    uint64_t second = tcp->now / 1000000 + 1;

    if (limit->second != second) {
        uint8_t bytes[8];

        /* A fixed number would tell an attacker off the path what happens on other connections. */
        memcpy(bytes, &second, sizeof(bytes));
        limit->second = second;
        limit->left =
            each_second / 2 +
            (uint32_t)(siphash(tcp->options.secret, span_of(bytes, sizeof(bytes))) % each_second);
    }
    if (!limit->left)
        return false;
    limit->left--;
    return true;
}
