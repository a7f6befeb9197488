/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_input.h"

#include "dataplane/tcp/tcp_ecn.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/tcp_port.h"
#include "dataplane/tcp/tcp_timer.h"

/* Connections that we open: SYN-SENT. */

static struct tcp_conn *open_active(struct tcp *tcp, const struct tcp_flow_key *key)
{
    uint64_t hash = tcp_flow_hash(&tcp->flows, key);
    struct tcp_conn *conn;

    if (tcp_conn_find(tcp, key, hash) || tcp_half_open_find(&tcp->half, hash, key))
        return NULL;
    conn = tcp_conn_new(tcp, key, hash);
    if (!conn)
        return NULL;
    conn->flags &= (uint16_t)~CONN_FORGOTTEN;
    conn->snd_una = conn->snd_nxt = conn->snd_max = tcp_conn_sequence(tcp, hash, &conn->ts_offset);
    conn->mss = tcp_conn_announced_mss(tcp, conn);
    tcp_conn_set_state(tcp, conn, TCP_SYN_SENT);
    tcp_conn_program(tcp, conn, CONN_SEND_SYN);
    return conn;
}

struct tcp_conn *tcp_connect(struct tcp *tcp, const struct ip_address *local, uint16_t local_port,
                             const struct ip_address *remote, uint16_t remote_port, uint64_t now)
{
    struct tcp_flow_key key = {*local, *remote, local_port, remote_port};

    tcp->now = now;
    if (!local_port && !tcp_port_choose(tcp, &key))
        return NULL;
    return open_active(tcp, &key);
}

/* RFC 9293 section 3.10.7.3, fourth step, SYN is on */
static void syn_sent_syn(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in)
{
    uint32_t window = conn->rcv_adv - conn->rcv_nxt; /* that our SYN announced */

    tcp_conn_negotiate(tcp, conn, &in->option, in->seq);
    tcp_ecn_negotiate(tcp, conn, in->flags);
    conn->rcv_adv = conn->rcv_nxt + window;
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
    /* Other controls and text that came with it: the sixth step. */
    in->flags &= (uint8_t)~TCP_SYN;
    in->seq++;
    tcp_input_body(tcp, conn, in);
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
    /* fifth step; payload of a SYN that acknowledges nothing is left for the peer to send again */
    if (!(in->flags & TCP_SYN)) {
        tcp->counters.drop_flags++;
        return;
    }
    syn_sent_syn(tcp, conn, in);
}
