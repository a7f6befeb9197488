/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_PASSIVE_H
#define DATAPLANE_TCP_TCP_PASSIVE_H

#include "dataplane/tcp/tcp_input.h"

/*
 * Connections that peers open: LISTEN, and SYN-RECEIVED behind it, which has an entry in the
 * half-open table or, under attack, lives in a cookie alone. The connection block comes with the
 * acknowledgement that ends the handshake.
 */

/* Whether new connections to the port are accepted. */
bool tcp_passive_listens(const struct tcp *tcp, uint16_t port);
/* A segment of no connection and no half-open entry (RFC 9293 sections 3.10.7.1, 3.10.7.2). `hash`
 * is tcp_flow_hash() of its key. */
void tcp_passive_listen(struct tcp *tcp, struct tcp_input *in, uint64_t hash);
/* A segment for a half-open entry (section 3.10.7.4 for SYN-RECEIVED). */
void tcp_passive_half(struct tcp *tcp, struct tcp_half *half, struct tcp_input *in, uint64_t hash);
/* Repeats the answers that are due, and gives up. */
void tcp_passive_timers(struct tcp *tcp);
/* When tcp_passive_timers() has something to do, UINT64_MAX for never. */
uint64_t tcp_passive_next_timer(const struct tcp *tcp);
/* A hard ICMP error quotes our answer to a handshake. False: nothing is under way there. */
bool tcp_passive_unreachable(struct tcp *tcp, const struct tcp_flow_key *key, uint32_t seq);

#endif
