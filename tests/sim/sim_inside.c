/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_inside.h"

#include "dataplane/tcp/tcp_conn.h"
#include "dataplane/tcp/tcp_flight.h"

static const uint32_t data_states =
    IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(CLOSE_WAIT) | IN(CLOSING) | IN(LAST_ACK);
/* The peer's FIN was taken in. */
static const uint32_t ended_states = IN(CLOSE_WAIT) | IN(CLOSING) | IN(LAST_ACK) | IN(TIME_WAIT);

static void fault(const struct sim_watch *w, const char *what)
{
    w->fault(w->user, w->name, what);
}

/* Limited transmit (RFC 3042) may go beyond it by so many. */
enum { BEYOND = 2 };

static void look_flight(struct sim_inside *inside, const struct tcp *tcp,
                        const struct tcp_conn *conn, const struct sim_watch *w)
{
    const struct tcp_flight *f = tcp_flight_of(tcp, conn);
    uint32_t flight = f ? tcp_flight_pipe(f, conn->snd_una) : conn->snd_nxt - conn->snd_una;

    /* A probe of new data (RFC 8985 section 7.3) goes out also where the window has just shrunk. */
    if (!(f && f->probe_new) && conn->snd_max != inside->snd_max[conn->index] &&
        tcp_conn_is(conn, IN(ESTABLISHED)) &&
        flight > conn->congestion.cwnd + BEYOND * (uint32_t)conn->mss)
        fault(w, "has more under way than its congestion window");
    inside->snd_max[conn->index] = conn->snd_max;
}

static void look_timer(const struct tcp *tcp, const struct tcp_conn *conn,
                       const struct sim_watch *w)
{
    bool waits = conn->snd_una != conn->snd_max || conn->queue.bytes;

    if (conn->flags & CONN_IN_OUTPUT || !tcp_conn_is(conn, data_states) || !waits)
        return;
    if (conn->timer_kind == TCP_TIMER_NONE || conn->timer.slot == TIMER_STOPPED)
        fault(w, "has something to send and no timer");
    else if (tcp_next_timer(tcp) / 1000 > conn->timer_due + (tcp->now / 1000 & ~0xffffffffull))
        fault(w, "tells of a later timer than its connection has");
}

static void look_received(const struct tcp_conn *conn, const struct sim_watch *w,
                          const struct watch_flow *f)
{
    bool ended = tcp_conn_is(conn, ended_states);
    uint32_t received = conn->rcv_nxt - f->irs - 1 - ended;
    struct span unread = tcp_peek(conn);
    uint32_t at = received - conn->unread;

    if (received > f->got_len) {
        fault(w, "takes for received what has not arrived");
        return;
    }
    if (conn->flags & CONN_DISCARD)
        return;
    if (conn->unread > received || unread.len > conn->unread ||
        (unread.len && memcmp(unread.data, f->got + at, unread.len) != 0))
        fault(w, "would deliver other bytes than have arrived");
}

void sim_inside_look(struct sim_inside *inside, const struct tcp *tcp,
                     const struct sim_watch *watch)
{
    uint32_t left = tcp_connections(tcp);

    if (tcp->counters.illegal_states)
        fault(watch, "changes a state against RFC 9293 figure 5");
    for (uint32_t i = 0; i < tcp->options.connections && left; i++) {
        const struct tcp_conn *conn = &tcp->conns[i];
        const struct watch_flow *f;
        struct tcp_flow_key key;

        if (conn->state == TCP_CLOSED)
            continue;
        left--;
        inside->looked++;
        look_timer(tcp, conn, watch);
        look_flight(inside, tcp, conn, watch);
        key = tcp_conn_key(tcp, conn);
        f = sim_watch_find(watch, key.local_port, key.remote_port);
        if (f && f->got_syn && !tcp_conn_is(conn, IN(SYN_SENT)))
            look_received(conn, watch, f);
    }
}

void sim_inside_end(const struct tcp *tcp, const struct sim_watch *watch)
{
    if (tcp->flights_used)
        fault(watch, "has flights out at the end");
    if (tcp->sides.used)
        fault(watch, "has side blocks out at the end");
    if (tcp->ooo_held)
        fault(watch, "counts memory out of order that nothing holds");
}
