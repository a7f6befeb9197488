/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_INPUT_H
#define DATAPLANE_TCP_TCP_INPUT_H

#include "dataplane/tcp/tcp_conn.h"
#include "dataplane/tcp/tcp_reassembly.h"

/* One received segment, read. "SEG.x" of RFC 9293. */
struct tcp_input {
    struct tcp_flow_key key; /* as ours: local is its destination */
    uint32_t seq, ack;
    uint16_t window; /* as it stands in the header */
    uint8_t flags;   /* enum tcp_flag */
    uint8_t ecn;     /* the two ECN bits of the IP header */
    struct tcp_option option;
    struct tcp_payload payload;
    bool reopens;       /* a SYN that ends a TIME-WAIT ... */
    uint32_t isn_after; /* ... whose numbers ours must lie behind */
};

/* SEG.LEN: payload, SYN and FIN. */
static inline uint32_t tcp_input_len(const struct tcp_input *in)
{
    return in->payload.len + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN);
}

/* Whether one more challenge may be sent, of all connections together (RFC 5961 section 7); counts
 * it if not. */
bool tcp_input_may_challenge(struct tcp *tcp);
/* An acknowledgement that says where we stand, rate-limited. */
void tcp_input_challenge(struct tcp *tcp, struct tcp_conn *conn);
/* Third to eighth step for a segment whose sequence number is acceptable and which has neither SYN
 * nor RST. */
void tcp_input_text(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in);
/* Sixth to eighth step: what the segment brings, once its acknowledgement was taken in. */
void tcp_input_body(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in);

/* tcp_ack.c: the fifth step, the ACK field. False: the segment is dropped, or the connection is
 * gone. */
bool tcp_ack_input(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in);

/* The segment acknowledges our SYN: takes the round trip. */
void tcp_ack_measure(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in);

/* tcp_open.c: SYN-SENT (RFC 9293 section 3.10.7.3). */
void tcp_open_syn_sent(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in);

#endif
