/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_timer.h"

#include "dataplane/tcp/tcp_keepalive.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/tcp_passive.h"
#include "dataplane/tcp/tcp_recovery.h"
#include "dataplane/tcp/tcp_tlp.h"
#include "dataplane/tcp/tcp_user_timeout.h"

/* The tick at which `after` microseconds have passed; this one is over, so the next at the least.
 */
static uint64_t tick_after(const struct tcp *tcp, uint64_t after)
{
    return (tcp->now + (after ? after : 1) + TCP_TICK - 1) / TCP_TICK;
}

static void wake_at(struct tcp *tcp, struct tcp_conn *conn, uint64_t tick)
{
    /* An empty wheel may stand far behind, at the start of the clock. */
    if (timer_wheel_due(&tcp->wheel) == UINT64_MAX && tcp->now / TCP_TICK > tcp->wheel.now)
        tcp->wheel.now = tcp->now / TCP_TICK;
    if (conn->timer.slot == TIMER_STOPPED || seq_lt((uint32_t)tick, conn->timer.tick))
        timer_wheel_set(&tcp->wheel, conn->index, tick);
}

void tcp_timer_start(struct tcp *tcp, struct tcp_conn *conn, enum tcp_timer_kind kind,
                     uint64_t after)
{
    uint64_t tick = tick_after(tcp, after);

    conn->timer_kind = kind & 15;
    conn->timer_due = (uint32_t)tick;
    wake_at(tcp, conn, tick);
}

void tcp_timer_stop(struct tcp_conn *conn)
{
    conn->timer_kind = TCP_TIMER_NONE;
}

void tcp_timer_delay_ack(struct tcp *tcp, struct tcp_conn *conn)
{
    uint64_t tick = tick_after(tcp, TCP_DELAYED_ACK);

    if (conn->ack_due)
        return;
    conn->ack_due = (uint32_t)tick ? (uint32_t)tick : 1;
    wake_at(tcp, conn, tick);
}

uint32_t tcp_timer_rto(const struct tcp_conn *conn)
{
    /* RFC 6298 section 5.7 is about the time after the handshake; before it the SYN's own timeout
     * counts. */
    bool syn_lost =
        conn->flags & CONN_SYN_LOST && !tcp_conn_is(conn, IN(SYN_SENT) | IN(SYN_RECEIVED));

    uint32_t backoff = conn->retries > conn->backoff ? conn->retries : conn->backoff;

    return tcp_user_timeout_cap(tcp_conn_owner(conn), conn,
                                tcp_rto_value(&conn->rto, backoff, syn_lost));
}

static uint32_t retries_allowed(const struct tcp *tcp, const struct tcp_conn *conn)
{
    const struct tcp_side *side = tcp_side_of(tcp, conn);

    if (side && side->user_timeout && !(conn->flags & CONN_FORGOTTEN))
        return UINT32_MAX; /* a time counts, not repetitions */
    if (tcp_conn_is(conn, IN(SYN_SENT) | IN(SYN_RECEIVED)))
        return TCP_RETRIES_SYN;
    return conn->flags & CONN_FORGOTTEN ? TCP_RETRIES_ORPHAN : TCP_RETRIES;
}

static void give_up(struct tcp *tcp, struct tcp_conn *conn)
{
    tcp->counters.timed_out++;
    tcp_conn_close(tcp, conn,
                   conn->modes & TCP_MODE_UNREACHED ? TCP_REASON_UNREACHABLE
                                                    : TCP_REASON_TIMED_OUT);
}

/* RFC 6298 sections 5.4 to 5.6, RFC 5681 section 3.1 */
static void retransmit_due(struct tcp *tcp, struct tcp_conn *conn)
{
    tcp->counters.timeouts++;
    if (tcp_user_timeout_over(tcp, conn) || conn->retries >= retries_allowed(tcp, conn)) {
        give_up(tcp, conn);
        return;
    }
    if (tcp_conn_is(conn, IN(SYN_SENT) | IN(SYN_RECEIVED))) {
        conn->retries++;
        tcp_conn_program(tcp, conn, CONN_SEND_SYN | CONN_SYN_LOST);
        return;
    }
    tcp_path_timeout(tcp, conn);
    tcp_recovery_expired(tcp, conn);
}

/*
 * RFC 9293 section 3.8.6.1: probes go on for as long as they are answered. Only an orphan's end at
 * some time, since nobody else would ever end them.
 */
static void persist_due(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->probes >= TCP_PROBES ||
        (conn->flags & CONN_FORGOTTEN && conn->retries >= TCP_RETRIES_ORPHAN)) {
        give_up(tcp, conn);
        return;
    }
    conn->probes++;
    if (conn->retries < UINT8_MAX)
        conn->retries++;
    tcp_conn_program(tcp, conn, CONN_PROBE);
}

/*
 * Acknowledging a byte now and then, or probes of a closed window, would keep an orphan for ever:
 * it has no session whose deadline ends it. Seen at the next timer, and one always runs while bytes
 * are left.
 */
static bool cut_orphan(struct tcp *tcp, struct tcp_conn *conn)
{
    if (!(conn->flags & CONN_FORGOTTEN) || tcp->now < conn->orphan_due ||
        !tcp_conn_is(conn, IN(FIN_WAIT_1) | IN(CLOSING) | IN(LAST_ACK)))
        return false;
    tcp->counters.orphans_cut++;
    tcp_abort(tcp, conn);
    return true;
}

static void main_due(struct tcp *tcp, struct tcp_conn *conn)
{
    enum tcp_timer_kind kind = (enum tcp_timer_kind)conn->timer_kind;

    conn->timer_kind = TCP_TIMER_NONE;
    switch (kind) {
    case TCP_TIMER_RETRANSMIT:
        retransmit_due(tcp, conn);
        break;
    case TCP_TIMER_REORDER:
        tcp_recovery_reorder_due(tcp, conn);
        break;
    case TCP_TIMER_PROBE:
        tcp_tlp_due(tcp, conn);
        break;
    case TCP_TIMER_PERSIST:
        persist_due(tcp, conn);
        break;
    case TCP_TIMER_KEEPALIVE:
        if (tcp_keepalive_due(tcp, conn))
            give_up(tcp, conn);
        break;
    case TCP_TIMER_FIN_WAIT_2:
    case TCP_TIMER_TIME_WAIT:
        tcp_conn_close(tcp, conn, TCP_REASON_CLOSED);
        break;
    case TCP_TIMER_NONE:
        break;
    }
}

static void expire(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t tick = (uint32_t)tcp->wheel.now;

    if (cut_orphan(tcp, conn))
        return;
    if (conn->ack_due && seq_le(conn->ack_due, tick)) {
        conn->ack_due = 0;
        tcp_conn_program(tcp, conn, CONN_ACK_NOW);
    }
    if (conn->timer_kind && seq_le(conn->timer_due, tick))
        main_due(tcp, conn);
    if (conn->state == TCP_CLOSED)
        return;
    if (conn->ack_due)
        wake_at(tcp, conn, tcp->wheel.now + (uint32_t)(conn->ack_due - tick));
    if (conn->timer_kind)
        wake_at(tcp, conn, tcp->wheel.now + (uint32_t)(conn->timer_due - tick));
}

void tcp_timers(struct tcp *tcp, uint64_t now)
{
    uint32_t i;

    tcp->now = now;
    tcp_passive_timers(tcp);
    while ((i = timer_wheel_next(&tcp->wheel, now / TCP_TICK)) != TIMER_NONE)
        expire(tcp, &tcp->conns[i]);
}

uint64_t tcp_next_timer(const struct tcp *tcp)
{
    uint64_t tick = timer_wheel_due(&tcp->wheel), half = tcp_passive_next_timer(tcp);
    uint64_t due = tick == UINT64_MAX ? UINT64_MAX : tick * TCP_TICK;

    /* What the timers closed is news for the next turn, which must not sleep over it. */
    if (tcp->ready.head != CONN_NONE)
        return tcp->now;
    return half < due ? half : due;
}
