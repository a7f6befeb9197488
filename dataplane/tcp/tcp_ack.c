/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_input.h"

#include "dataplane/tcp/tcp_ecn.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/tcp_recovery.h"
#include "dataplane/tcp/tcp_timer.h"

/* RFC 9293 section 3.10.7.4, fifth step: the ACK field, with RFC 5681, 6298 and 6582 behind it;
 * tcp_recovery.c has what follows where SACK is agreed on. */

enum { DUPLICATES = 3 };

/* RFC 6298 section 5: a sample, and nothing else, takes the back-off back. */
static void sample(struct tcp_conn *conn, uint32_t rtt)
{
    tcp_rto_sample(&conn->rto, rtt);
    conn->backoff = 0;
}

/* RFC 6298 section 3, RFC 7323 section 4.1: what was sent twice is measured only by a timestamp. */
static void measure_stamp(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    uint32_t ms = tcp_timer_tick(tcp) + conn->ts_offset - in->option.ts_echo;

    if (!(conn->flags & CONN_TIMESTAMPS) || !(in->option.present & TCP_OPTION_TIMESTAMPS) ||
        !in->option.ts_echo)
        return;
    if (ms <= TCP_RTO_MAX / 1000) /* or the peer made it up */
        sample(conn, ms * 1000);
}

void tcp_ack_measure(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    if (conn->flags & CONN_SYN_LOST)
        measure_stamp(tcp, conn, in);
    else
        sample(conn, (uint32_t)tcp->now - conn->syn_sent);
}

/* One sample a round trip, so that the weights of RFC 6298 section 2.3 mean what they say. */
static void measure(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                    const struct tcp_input *in, const struct tcp_delivery *d)
{
    if (!f) {
        if (d->acked)
            measure_stamp(tcp, conn, in);
        if (d->acked && !(conn->flags & CONN_TIMESTAMPS)) /* nothing else will */
            conn->backoff = 0;
        return;
    }
    f->sampled |= d->rtt != 0;
    if (!d->delivered || (seq_lt(in->ack, f->rtt_end) && !conn->backoff))
        return;
    if (d->resent) {
        if (d->acked)
            measure_stamp(tcp, conn, in);
    } else if (d->rtt) {
        sample(conn, d->rtt);
    }
    f->rtt_end = conn->snd_max;
}

/* RFC 6582 section 3.2 step 3 and, outside of recovery, RFC 5681 section 3.1 */
static void congestion(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_delivery *d)
{
    conn->dupacks = 0;
    if (!(conn->flags & CONN_RECOVERY)) {
        tcp_recovery_grow(tcp, conn, tcp_flight_of(tcp, conn), d);
    } else if (seq_lt(conn->snd_una, conn->congestion.recover)) {
        tcp_congestion_partial(&conn->congestion, conn->mss, d->acked);
        tcp_conn_program(tcp, conn, CONN_RETRANSMIT);
    } else {
        conn->flags &= (uint16_t)~CONN_RECOVERY;
        tcp_congestion_recovered(&conn->congestion, conn->mss, conn->snd_nxt - conn->snd_una);
    }
}

/* SND.UNA < SEG.ACK =< SND.NXT. Returns true when our FIN is acknowledged with it. */
static bool advance(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    uint32_t acked = in->ack - conn->snd_una;
    uint32_t bytes = acked < conn->queue.bytes ? acked : conn->queue.bytes;

    sendq_acknowledge(&conn->queue, tcp->pool, bytes);
    conn->snd_una = in->ack;
    conn->snd_nxt = seq_max(conn->snd_nxt, conn->snd_una);
    /* An old `recover` must not come to lie ahead when the numbers wrap. */
    conn->congestion.recover = seq_max(conn->congestion.recover, conn->snd_una - 2);
    conn->retries = 0;
    if (conn->modes & TCP_MODE_REDUCED)
        tcp_path_acked(tcp, conn, acked);
    conn->modes &= (uint16_t)~TCP_MODE_UNREACHED;
    if (acked >= conn->mss)
        conn->modes |= TCP_MODE_PROVEN;
    tcp_timer_stop(
        conn); /* RFC 6298 sections 5.2 and 5.3: output starts it again if something is left */
    tcp_conn_program(tcp, conn, 0);
    if (bytes)
        tcp_conn_tell(tcp, conn, TCP_EVENT_ACKED);
    return acked > bytes;
}

/* RFC 5681 section 2: when an acknowledgement is a duplicate. The window is compared before it is
 * updated. */
static bool is_bare(const struct tcp_conn *conn, const struct tcp_input *in)
{
    return in->ack == conn->snd_una && !in->payload.len && !(in->flags & TCP_FIN) &&
           (uint32_t)in->window << conn->snd_scale == conn->snd_wnd;
}

static bool is_duplicate(const struct tcp_conn *conn, const struct tcp_input *in)
{
    return conn->snd_nxt != conn->snd_una && is_bare(conn, in);
}

static void duplicate(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->dupacks < 15)
        conn->dupacks++;
    tcp_conn_program(tcp, conn, 0);
    if (conn->flags & CONN_RECOVERY) {
        tcp_congestion_duplicate(&conn->congestion, conn->mss);
        return;
    }
    /* RFC 6582 section 3.2 step 2: not for what a timeout has sent again already */
    if (conn->dupacks != DUPLICATES || !seq_lt(conn->congestion.recover, conn->snd_una - 1))
        return;
    tcp->counters.fast_retransmits++;
    tcp_recovery_reduce(tcp, conn, tcp_flight_of(tcp, conn), conn->snd_nxt - conn->snd_una);
    tcp_congestion_inflate(&conn->congestion, conn->mss);
    tcp_conn_program(tcp, conn, CONN_RECOVERY | CONN_RETRANSMIT);
}

/*
 * SND.WND from segments that are newer than the last that set it. Beyond RFC 9293, also from one
 * that acknowledges more: it was sent later, even if one sent earlier overtook its sequence number;
 * else SND.UNA would push the window's edge.
 */
static void update_window(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in,
                          bool advanced)
{
    uint32_t window = (uint32_t)in->window << conn->snd_scale;
    bool newer = seq_lt(conn->snd_wl1, in->seq) ||
                 (conn->snd_wl1 == in->seq && seq_le(conn->snd_wl2, in->ack));

    if (!advanced && !newer)
        return;
    conn->snd_wl1 = seq_max(conn->snd_wl1, in->seq);
    conn->snd_wl2 = in->ack;
    if (window > conn->max_wnd)
        conn->max_wnd = window;
    if (window == conn->snd_wnd)
        return;
    if (window > conn->snd_wnd && conn->timer_kind == TCP_TIMER_PERSIST) {
        tcp_timer_stop(conn);
        conn->retries = 0;
    }
    conn->snd_wnd = window;
    tcp_conn_program(tcp, conn, 0);
}

/* What follows for the state when our FIN is acknowledged. False: the connection is gone. */
static bool fin_acked(struct tcp *tcp, struct tcp_conn *conn)
{
    switch (conn->state) {
    case TCP_FIN_WAIT_1:
        tcp_conn_set_state(tcp, conn, TCP_FIN_WAIT_2);
        if (conn->flags & CONN_DISCARD)
            tcp_timer_start(tcp, conn, TCP_TIMER_FIN_WAIT_2, TCP_FIN_WAIT_2_TIME);
        return true;
    case TCP_CLOSING:
        tcp_conn_time_wait(tcp, conn);
        return true;
    case TCP_LAST_ACK:
        tcp_conn_close(tcp, conn, TCP_REASON_CLOSED);
        return false;
    default:
        return true;
    }
}

/* SYN-RECEIVED: false when the acknowledgement is not for our SYN. */
static bool establish(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    if (!seq_within(in->ack, conn->snd_una + 1, conn->snd_max + 1)) {
        tcp->counters.drop_ack++;
        tcp_output_reset(tcp, &in->key, in->ack, 0, TCP_RST);
        return false;
    }
    conn->snd_una++;
    tcp_ack_measure(tcp, conn, in);
    conn->snd_wnd = (uint32_t)in->window << conn->snd_scale;
    conn->max_wnd = conn->snd_wnd;
    conn->snd_wl1 = in->seq;
    conn->snd_wl2 = in->ack;
    tcp_conn_establish(tcp, conn);
    return true;
}

/* What follows for the window and for loss recovery. */
static void recover(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in,
                    struct tcp_delivery *d, bool duplicates)
{
    struct tcp_flight *f = tcp_flight_of(tcp, conn);

    measure(tcp, conn, f, in, d);
    d->marked = tcp_ecn_acked(tcp, conn, in, conn->snd_max - d->una);
    if (tcp_recovery_flight(tcp, conn)) {
        if (d->acked || d->sacked || d->duplicate || f->probe_again)
            tcp_recovery_acked(tcp, conn, in, d);
    } else if (d->acked) {
        congestion(tcp, conn, d);
    } else if (duplicates) {
        duplicate(tcp, conn);
    }
    if (f && conn->snd_una == conn->snd_max)
        tcp_flight_give(tcp, conn);
    else if (!f && !d->acked && is_bare(conn, in))
        conn->modes &= (uint16_t)~TCP_MODE_PROBED; /* RFC 8985 section 7.4: both copies arrived */
}

bool tcp_ack_input(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    struct tcp_delivery d = {0};
    struct tcp_flight *f;
    bool fin = false, duplicates;

    if (conn->state == TCP_SYN_RECEIVED && !establish(tcp, conn, in))
        return false;
    /* RFC 5961 section 5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT */
    if (seq_lt(in->ack, conn->snd_una - conn->max_wnd) || seq_lt(conn->snd_max, in->ack)) {
        tcp->counters.drop_ack++;
        tcp_input_challenge(tcp, conn);
        return false;
    }
    conn->probes = 0;
    if (seq_lt(in->ack, conn->snd_una))
        return true;
    d.una = conn->snd_una;
    d.acked = in->ack - conn->snd_una;
    duplicates = is_duplicate(conn, in);
    f = tcp_flight_of(tcp, conn);
    if (f)
        tcp_sack_read(tcp, conn, f, in, &d);
    if (d.acked)
        fin = advance(tcp, conn, in);
    recover(tcp, conn, in, &d, duplicates);
    update_window(tcp, conn, in, d.acked != 0);
    return !fin || fin_acked(tcp, conn);
}
