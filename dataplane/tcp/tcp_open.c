/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_input.h"

#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/tcp_timer.h"

/* How connections begin: LISTEN, CLOSED and SYN-SENT. */

bool tcp_listen(struct tcp *tcp, uint16_t port, uint32_t tag)
{
    uint32_t i = 0;

    while (i < tcp->listener_count && tcp->listeners[i].port)
        i++;
    if (!port || i == TCP_LISTENERS)
        return false;
    tcp->listeners[i].port = port;
    tcp->listeners[i].tag = tag;
    if (i == tcp->listener_count)
        tcp->listener_count++;
    tcp->listening = tcp->listener_count;
    return true;
}

/* Port 0 frees the row: no segment to it is for a listener. */
void tcp_unlisten_port(struct tcp *tcp, uint16_t port)
{
    for (uint32_t i = 0; i < tcp->listener_count; i++)
        if (tcp->listeners[i].port == port)
            tcp->listeners[i].port = 0;
}

/* The rows stay: connections that stand name theirs. */
void tcp_unlisten(struct tcp *tcp)
{
    tcp->listening = 0;
}

static uint32_t find_listener(const struct tcp *tcp, uint16_t port)
{
    uint32_t i = 0;

    while (i < tcp->listening && tcp->listeners[i].port != port)
        i++;
    return port && i < tcp->listening ? i : TCP_LISTENERS;
}

/* RFC 9293 section 3.5.2, group 1: a reset that the sender of the segment will believe. */
static void refuse(struct tcp *tcp, const struct tcp_input *in)
{
    if (in->flags & TCP_RST)
        return;
    if (in->flags & TCP_ACK)
        tcp_output_reset(tcp, &in->key, in->ack, 0, TCP_RST);
    else
        tcp_output_reset(tcp, &in->key, 0, in->seq + tcp_input_len(in), TCP_RST | TCP_ACK);
}

static void accept_syn(struct tcp *tcp, const struct tcp_input *in, uint32_t listener)
{
    struct tcp_conn *conn;
    uint32_t isn;

    if (tcp->gauge[TCP_SYN_RECEIVED] >= tcp->options.half_open) {
        tcp->counters.drop_half_open++;
        return;
    }
    conn = tcp_conn_new(tcp, &in->key);
    if (!conn) {
        tcp->counters.drop_connections++;
        return;
    }
    conn->listener = (uint8_t)listener;
    isn = tcp_conn_sequence(tcp, &in->key, &conn->ts_offset);
    if (in->reopens && seq_le(isn, in->isn_after))
        isn = in->isn_after + 1;
    conn->snd_una = conn->snd_nxt = conn->snd_max = isn;
    tcp_conn_negotiate(tcp, conn, &in->option, in->seq);
    /* The window of a SYN is never scaled (RFC 7323 section 2.2). */
    conn->snd_wnd = conn->max_wnd = in->window;
    conn->snd_wl1 = in->seq;
    conn->snd_wl2 = in->ack;
    tcp_conn_set_state(tcp, conn, TCP_SYN_RECEIVED);
    tcp_conn_program(tcp, conn, CONN_SEND_SYN);
}

void tcp_open_listen(struct tcp *tcp, const struct tcp_input *in)
{
    uint32_t listener = find_listener(tcp, in->key.local_port);

    /* 3.10.7.2: first RST, second ACK, third SYN; without a listener 3.10.7.1 */
    if (listener == TCP_LISTENERS || in->flags & TCP_ACK) {
        tcp->counters.drop_no_listener++;
        refuse(tcp, in);
        return;
    }
    if ((in->flags & (TCP_RST | TCP_SYN | TCP_FIN)) != TCP_SYN) {
        tcp->counters.drop_flags++;
        return;
    }
    accept_syn(tcp, in, listener);
}

struct tcp_conn *tcp_connect(struct tcp *tcp, const struct ip_address *local, uint16_t local_port,
                             const struct ip_address *remote, uint16_t remote_port, uint64_t now)
{
    struct tcp_flow_key key = {*local, *remote, local_port, remote_port};
    struct tcp_conn *conn;

    tcp->now = now;
    conn = tcp_conn_find(tcp, &key) ? NULL : tcp_conn_new(tcp, &key);
    if (!conn)
        return NULL;
    conn->flags &= (uint16_t)~CONN_FORGOTTEN;
    conn->snd_una = conn->snd_nxt = conn->snd_max = tcp_conn_sequence(tcp, &key, &conn->ts_offset);
    conn->mss = tcp_conn_announced_mss(tcp, conn);
    tcp_conn_set_state(tcp, conn, TCP_SYN_SENT);
    tcp_conn_program(tcp, conn, CONN_SEND_SYN);
    return conn;
}

/* RFC 9293 section 3.10.7.3, fourth step, SYN is on */
static void syn_sent_syn(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    tcp_conn_negotiate(tcp, conn, &in->option, in->seq);
    conn->snd_wnd = conn->max_wnd = in->window;
    conn->snd_wl1 = in->seq;
    conn->snd_wl2 = in->ack;
    if (!(in->flags & TCP_ACK)) { /* simultaneous open */
        tcp_conn_set_state(tcp, conn, TCP_SYN_RECEIVED);
        tcp_conn_program(tcp, conn, CONN_SEND_SYN);
        return;
    }
    conn->snd_una = in->ack;
    tcp_ack_measure(tcp, conn, in);
    tcp_conn_establish(tcp, conn);
    tcp_conn_program(tcp, conn, CONN_ACK_NOW);
}

void tcp_open_syn_sent(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in)
{
    bool ack = in->flags & TCP_ACK;

    /* first step: only SND.UNA < SEG.ACK =< SND.NXT, and that is our SYN */
    if (ack && (in->ack != conn->snd_max || conn->snd_max == conn->snd_una)) {
        tcp->counters.drop_ack++;
        if (!(in->flags & TCP_RST))
            tcp_output_reset(tcp, &in->key, in->ack, 0, TCP_RST);
        return;
    }
    /* second step */
    if (in->flags & TCP_RST) {
        if (!ack) {
            tcp->counters.drop_reset++;
            return;
        }
        tcp->counters.resets_in++;
        tcp_conn_close(tcp, conn, TCP_REASON_REFUSED);
        return;
    }
    /* fifth step; payload that came with the SYN is left for the peer to send again */
    if (!(in->flags & TCP_SYN)) {
        tcp->counters.drop_flags++;
        return;
    }
    syn_sent_syn(tcp, conn, in);
}
