/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_tlp.h"

#include "dataplane/tcp/tcp_recovery.h"
#include "dataplane/tcp/tcp_timer.h"

enum {
    MAX_ACK_DELAY = 200000, /* TLP.max_ack_delay: what delayed acknowledgements take */
    LEAST = 10000,          /* a peer that naps for a moment is no tail loss */
};

bool tcp_tlp_wanted(const struct tcp_conn *conn, const struct tcp_flight *f)
{
    return f->state == FLIGHT_OPEN && !f->sacked && !f->lost && !f->probe_new && !f->probe_again &&
           f->sampled && conn->rto.srtt && conn->snd_nxt == conn->snd_max;
}

uint64_t tcp_tlp_timeout(const struct tcp *tcp, const struct tcp_conn *conn,
                         const struct tcp_flight *f)
{
    uint64_t timeout = 2ull * conn->rto.srtt;
    uint32_t rto = tcp_timer_rto(conn), waited = (uint32_t)tcp->now - f->sent[0].time;

    if (conn->snd_max - conn->snd_una <= conn->mss)
        timeout += MAX_ACK_DELAY;
    else if (timeout < LEAST)
        timeout = LEAST;
    rto = rto > waited ? rto - waited : 0;
    return timeout < rto ? timeout : rto;
}

void tcp_tlp_due(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_flight *f = tcp_recovery_flight(tcp, conn);

    if (!f)
        return;
    f->probe_due = true;
    tcp_conn_program(tcp, conn, 0);
}

void tcp_tlp_sent(const struct tcp_conn *conn, struct tcp_flight *f, bool again)
{
    f->probe_new = !again;
    f->probe_again = again;
    f->probe_end = conn->snd_max;
    f->sampled = false;
}

void tcp_tlp_acked(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                   const struct tcp_input *in, const struct tcp_delivery *d)
{
    struct tcp_congestion *c = &conn->congestion;
    uint32_t cwnd = c->cwnd;

    if (!(f->probe_new || f->probe_again) || seq_lt(in->ack, f->probe_end))
        return;
    if (f->probe_again && !(d->duplicate && d->duplicate_end == f->probe_end)) {
        bool bare = !d->acked && !(in->option.present & TCP_OPTION_SACK) && !in->payload.len;

        /* Neither a report of a duplicate nor one more acknowledgement: wait for what follows. */
        if (in->ack == f->probe_end && !bare)
            return;
        if (seq_lt(f->probe_end, in->ack) && f->state == FLIGHT_OPEN) {
            tcp_recovery_reduce(tcp, conn, f, cwnd);
            c->cwnd = c->ssthresh < cwnd ? c->ssthresh : cwnd;
        }
    }
    tcp_tlp_reset(f);
}

void tcp_tlp_reset(struct tcp_flight *f)
{
    f->probe_new = f->probe_again = f->probe_due = false;
}
