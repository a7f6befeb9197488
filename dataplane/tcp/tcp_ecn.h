/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_ECN_H
#define DATAPLANE_TCP_TCP_ECN_H

#include "dataplane/tcp/tcp_input.h"

/* Explicit congestion notification (RFC 3168 section 6.1). */

enum tcp_ecn_bits { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };

/* What our SYN or SYN-ACK says, to be added to its flags. */
uint8_t tcp_ecn_syn(const struct tcp *tcp, const struct tcp_conn *conn);
/* The peer's SYN, or the answer to ours, has these flags. */
void tcp_ecn_negotiate(const struct tcp *tcp, struct tcp_conn *conn, uint8_t flags);
/* As receiver: a segment came in. */
void tcp_ecn_arrived(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in);
/*
 * As sender: the peer's acknowledgement may say that a router was congested; `flight` bytes were
 * outstanding before it. True: cwnd was reduced, and is not to grow by it.
 */
bool tcp_ecn_acked(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in,
                   uint32_t flight);
/* Adds what a segment says; `fresh`: it carries data that was not sent before. */
void tcp_ecn_put(struct tcp_conn *conn, struct tcp_segment *s, bool fresh);

#endif
