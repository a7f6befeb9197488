/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_ecn.h"

#include "dataplane/tcp/tcp_recovery.h"

uint8_t tcp_ecn_syn(const struct tcp *tcp, const struct tcp_conn *conn)
{
    if (conn->state == TCP_SYN_RECEIVED)
        return conn->modes & TCP_MODE_ECN ? TCP_ECE : 0;
    /* Section 6.1.1.1: a SYN that found no answer may have been dropped for asking. */
    if (tcp->options.ecn != TCP_ECN_ASK || conn->retries > tcp->options.ecn_repeats)
        return 0;
    return TCP_ECE | TCP_CWR;
}

void tcp_ecn_negotiate(const struct tcp *tcp, struct tcp_conn *conn, uint8_t flags)
{
    uint8_t both = flags & (TCP_ECE | TCP_CWR);
    bool agreed;

    if (flags & TCP_ACK)
        agreed = both == TCP_ECE && tcp_ecn_syn(tcp, conn);
    else
        agreed = both == (TCP_ECE | TCP_CWR) && tcp->options.ecn != TCP_ECN_OFF;
    conn->modes &= (uint16_t) ~(TCP_MODE_ECN | TCP_MODE_ECHO | TCP_MODE_CWR);
    if (agreed)
        conn->modes |= TCP_MODE_ECN;
}

void tcp_ecn_arrived(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    if (!(conn->modes & TCP_MODE_ECN))
        return;
    if (in->flags & TCP_CWR)
        conn->modes &= (uint16_t)~TCP_MODE_ECHO;
    if (in->ecn == ECN_CE) {
        tcp->counters.congestion_marks++;
        conn->modes |= TCP_MODE_ECHO;
    }
}

/*
 * Section 6.1.2: as for a loss, but nothing is sent again; once for each window of data, so not
 * until what was sent before the last reduction is acknowledged.
 */
bool tcp_ecn_acked(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in,
                   uint32_t flight)
{
    struct tcp_flight *f = tcp_flight_of(tcp, conn);
    struct tcp_congestion *c = &conn->congestion;

    if (!(conn->modes & TCP_MODE_ECN) || !(in->flags & TCP_ECE) || conn->flags & CONN_RECOVERY ||
        (f && f->state != FLIGHT_OPEN) || seq_lt(conn->snd_una, c->recover))
        return false;
    tcp->counters.congestion_echoes++;
    tcp_recovery_reduce(tcp, conn, f, flight < c->cwnd ? flight : c->cwnd);
    c->cwnd = c->ssthresh < c->cwnd ? c->ssthresh : c->cwnd;
    return true;
}

/* Section 6.1.5: what is sent again, probes and bare acknowledgements are not ECN-capable. */
void tcp_ecn_put(struct tcp_conn *conn, struct tcp_segment *s, bool fresh)
{
    if (!(conn->modes & TCP_MODE_ECN))
        return;
    if (conn->modes & TCP_MODE_ECHO)
        s->flags |= TCP_ECE;
    if (!fresh || !s->len)
        return;
    s->ecn = ECN_ECT0;
    if (conn->modes & TCP_MODE_CWR)
        s->flags |= TCP_CWR;
    conn->modes &= (uint16_t)~TCP_MODE_CWR;
}
