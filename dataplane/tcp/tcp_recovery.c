/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_recovery.h"

#include "dataplane/tcp/tcp_timer.h"
#include "dataplane/tcp/tcp_tlp.h"

struct tcp_cubic *tcp_recovery_cubic(const struct tcp *tcp, struct tcp_flight *f)
{
    return f && !tcp->options.newreno ? &f->cubic : NULL;
}

static uint32_t stamp_now(const struct tcp *tcp, const struct tcp_conn *conn)
{
    return tcp_timer_tick(tcp) + conn->ts_offset;
}

void tcp_recovery_reduce(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                         uint32_t flight)
{
    struct tcp_congestion *c = &conn->congestion;

    tcp_congestion_reduce(c, tcp_recovery_cubic(tcp, f), conn->mss, flight, conn->snd_max);
    if (conn->modes & TCP_MODE_ECN)
        conn->modes |= TCP_MODE_CWR;
}

/*
 * What spurious() would take back. A second timeout in a row leaves what the first one found. The
 * first acknowledgement judges only if what goes out again is what it has to acknowledge first.
 */
static void remember(const struct tcp *tcp, const struct tcp_conn *conn, struct tcp_flight *f,
                     bool timeout)
{
    const struct tcp_congestion *c = &conn->congestion;

    if (timeout && conn->retries)
        return;
    f->undo = (struct tcp_undo){.cwnd = c->cwnd,
                                .ssthresh = c->ssthresh,
                                .w_max = c->w_max,
                                .stamp = stamp_now(tcp, conn),
                                .armed = conn->flags & CONN_TIMESTAMPS &&
                                         (timeout || tcp_flight_first_lost(f) == 0),
                                .timeout = timeout};
}

/*
 * RFC 3522 section 3.2: the first acknowledgement of new data after a retransmission echoes a
 * timestamp from before it, so the original has arrived.
 */
static bool spurious(const struct tcp_conn *conn, struct tcp_flight *f, const struct tcp_input *in,
                     const struct tcp_delivery *d)
{
    if (!f->undo.armed || !d->acked || f->state == FLIGHT_OPEN)
        return false;
    f->undo.armed = false;
    return conn->flags & CONN_TIMESTAMPS && in->option.present & TCP_OPTION_TIMESTAMPS &&
           seq_lt(in->option.ts_echo, f->undo.stamp);
}

/* RFC 4015 section 3.2 steps 5 and 6, RFC 9438 section 4.9: nothing was lost. */
static void undo(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                 const struct tcp_delivery *d)
{
    struct tcp_congestion *c = &conn->congestion;
    const struct tcp_undo *u = &f->undo;

    for (uint32_t i = 0; i < f->count; i++)
        if (f->sent[i].flags & SENT_LOST)
            tcp_flight_clear(f, conn->snd_una, i);
    c->w_max = u->w_max;
    if (u->timeout) { /* up to where it was in slow start, not in a burst */
        uint32_t initial = tcp_congestion_initial(conn->mss);

        c->cwnd = tcp_flight_pipe(f, conn->snd_una) + (d->acked < initial ? d->acked : initial);
        c->ssthresh = u->ssthresh < u->cwnd ? u->cwnd : u->ssthresh;
    } else {
        c->cwnd = c->cwnd > u->cwnd ? c->cwnd : u->cwnd;
        c->ssthresh = u->ssthresh;
    }
    f->state = FLIGHT_OPEN;
    tcp->counters.spurious++;
}

static void enter(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                  const struct tcp_delivery *d)
{
    uint32_t flight = conn->snd_max - d->una, cwnd = conn->congestion.cwnd;

    remember(tcp, conn, f, false);
    /* Limited transmit does not count (RFC 5681 section 3.2 step 2). */
    tcp_recovery_reduce(tcp, conn, f, flight < cwnd ? flight : cwnd);
    tcp_prr_begin(&f->prr, conn->snd_max - conn->snd_una, f->sacked, d->sacked, d->acked);
    tcp_tlp_reset(f);
    f->state = FLIGHT_RECOVERY;
    tcp->counters.fast_retransmits++;
}

/*
 * RFC 9937 ends with cwnd at ssthresh. Where so much was lost that far less is under way, that
 * would be a burst: no more than an initial window at once, and slow start for the rest of the way.
 */
static void leave(struct tcp_conn *conn, struct tcp_flight *f)
{
    struct tcp_congestion *c = &conn->congestion;
    uint32_t most = tcp_flight_pipe(f, conn->snd_una) + tcp_congestion_initial(conn->mss);

    if (f->state == FLIGHT_RECOVERY)
        c->cwnd = c->ssthresh < most ? c->ssthresh : most;
    f->state = FLIGHT_OPEN;
    f->undo.armed = false;
    tcp_rack_recovered(&f->rack);
}

void tcp_recovery_grow(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                       const struct tcp_delivery *d)
{
    struct tcp_congestion *c = &conn->congestion;
    struct tcp_congestion_ack ack = {
        .mss = conn->mss, .bytes = d->acked, .srtt = conn->rto.srtt, .now = (uint32_t)tcp->now};
    bool slow = c->cwnd < c->ssthresh;

    if (!d->acked || d->marked)
        return;
    if (f && slow && c->ssthresh > UINT32_MAX / 8) /* RFC 9406 is for the first slow start only */
        ack.phase = tcp_hystart_acked(&f->hystart, conn->snd_una, conn->snd_max, d->rtt_least);
    /* RFC 9438 section 5.8; in slow start half a window under way is enough to let it double. */
    if (f && !seq_lt(d->una, f->limited) && (!slow || 2 * (conn->snd_max - d->una) <= c->cwnd)) {
        tcp_cubic_pause(&f->cubic);
        return;
    }
    tcp_congestion_acked(c, tcp_recovery_cubic(tcp, f), &ack);
}

void tcp_recovery_acked(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in,
                        const struct tcp_delivery *d)
{
    struct tcp_flight *f = tcp_recovery_flight(tcp, conn);
    struct tcp_congestion *c = &conn->congestion;
    uint32_t lost = f->lost, wait;
    bool ends = spurious(conn, f, in, d);

    if (ends)
        undo(tcp, conn, f, d);
    if (f->state != FLIGHT_OPEN && seq_le(c->recover, conn->snd_una)) {
        ends = f->state == FLIGHT_RECOVERY;
        leave(conn, f);
    }
    if (d->duplicate)
        tcp_rack_duplicate(&f->rack, conn->snd_una, conn->snd_max);
    tcp_tlp_acked(tcp, conn, f, in, d);
    wait = tcp_rack_detect(f, conn->snd_una, conn->rto.srtt, conn->mss, (uint32_t)tcp->now);
    if (f->state == FLIGHT_OPEN && f->lost)
        enter(tcp, conn, f, d);
    if (f->state != FLIGHT_RECOVERY) {
        if (!ends) /* what ends it has set cwnd already */
            tcp_recovery_grow(tcp, conn, f, d);
    } else if (d->delivered)
        c->cwnd = tcp_prr_window(&f->prr, d->delivered, tcp_flight_pipe(f, conn->snd_una),
                                 c->ssthresh, conn->mss, d->acked && f->lost <= lost);
    if (wait)
        tcp_timer_start(tcp, conn, TCP_TIMER_REORDER, wait);
    else if (conn->timer_kind == TCP_TIMER_REORDER)
        tcp_timer_stop(conn);
    tcp_conn_program(tcp, conn, 0);
}

void tcp_recovery_reorder_due(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_flight *f = tcp_recovery_flight(tcp, conn);
    struct tcp_delivery d = {.una = conn->snd_una};
    struct tcp_congestion *c = &conn->congestion;
    uint32_t wait;

    if (!f)
        return;
    wait = tcp_rack_detect(f, conn->snd_una, conn->rto.srtt, conn->mss, (uint32_t)tcp->now);
    if (f->state == FLIGHT_OPEN && f->lost)
        enter(tcp, conn, f, &d);
    if (f->state == FLIGHT_RECOVERY)
        c->cwnd = tcp_prr_window(&f->prr, 0, tcp_flight_pipe(f, conn->snd_una), c->ssthresh,
                                 conn->mss, false);
    if (wait)
        tcp_timer_start(tcp, conn, TCP_TIMER_REORDER, wait);
    tcp_conn_program(tcp, conn, 0);
}

/* RFC 8985 section 6.3, RFC 2018 section 8 */
static void lose_all(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f)
{
    uint32_t now = (uint32_t)tcp->now, window = tcp_rack_window(f, conn->rto.srtt, conn->mss);

    if (f->sacked)
        tcp->counters.reneged++;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct tcp_sent *s = &f->sent[i];

        /* The peer may have dropped what it had SACKed. */
        if (s->flags & SENT_SACKED)
            tcp_flight_clear(f, conn->snd_una, i);
        if (i == 0 || (int32_t)(s->time + f->rack.rtt + window - now) <= 0)
            tcp_flight_lose(f, conn->snd_una, i);
    }
    tcp_flight_join(f);
    tcp_tlp_reset(f);
    f->state = FLIGHT_LOSS;
    tcp_conn_program(tcp, conn, CONN_RETRANSMIT);
}

void tcp_recovery_expired(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_flight *f = tcp_recovery_flight(tcp, conn);
    struct tcp_congestion *c = &conn->congestion;
    uint32_t flight = conn->snd_nxt - conn->snd_una;

    if (f)
        remember(tcp, conn, f, true);
    if (conn->retries == 0) /* RFC 5681 section 3.1: not again for the same segment */
        tcp_recovery_reduce(tcp, conn, tcp_flight_of(tcp, conn),
                            flight < c->cwnd ? flight : c->cwnd);
    c->cwnd = conn->mss;        /* the loss window */
    c->recover = conn->snd_max; /* RFC 6582 section 3.2 step 4, RFC 6675 section 5.1 */
    conn->retries++;
    if (conn->backoff < 15)
        conn->backoff++;
    conn->flags &= (uint16_t) ~(CONN_RECOVERY | CONN_RETRANSMIT);
    conn->dupacks = 0;
    if (f && conn->snd_wnd) {
        lose_all(tcp, conn, f);
        return;
    }
    /* The peer has closed its window over what is under way: it is probed, as if nothing was. */
    if (f)
        tcp_flight_give(tcp, conn);
    conn->snd_nxt = conn->snd_una;
    tcp_conn_program(tcp, conn, 0);
}

void tcp_recovery_resend(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_flight *f = tcp_recovery_flight(tcp, conn);

    conn->flags &= (uint16_t) ~(CONN_RECOVERY | CONN_RETRANSMIT);
    conn->congestion.recover = conn->snd_max;
    if (f) {
        for (uint32_t i = 0; i < f->count; i++)
            if (!(f->sent[i].flags & SENT_SACKED))
                tcp_flight_lose(f, conn->snd_una, i);
        f->state = FLIGHT_LOSS;
        f->undo.armed = false;
    } else {
        conn->snd_nxt = conn->snd_una;
    }
    tcp_conn_program(tcp, conn, 0);
}
