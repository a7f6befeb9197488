/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_OUTPUT_H
#define DATAPLANE_TCP_TCP_OUTPUT_H

#include "dataplane/tcp/tcp_conn.h"

/*
 * What leaves at the end of the turn. Everything else only programs: it sets a flag and puts the
 * connection on the list.
 */

/* True when the window grew enough to say so unasked (RFC 9293 section 3.8.6.2.2). */
bool tcp_output_edge_moves(const struct tcp *tcp, const struct tcp_conn *conn);
/* Sends a segment without payload that belongs to no connection; as many a turn as TCP_REPLIES, the
 * rest is counted. False: it is lost. */
bool tcp_output_reply(struct tcp *tcp, const struct tcp_segment *s);
/* A reset that belongs to no connection (RFC 9293 section 3.5.2), rate-limited. */
void tcp_output_reset(struct tcp *tcp, const struct tcp_flow_key *key, uint32_t seq, uint32_t ack,
                      uint8_t flags);
/* A reset of a connection, from its own state; not rate-limited. */
void tcp_output_abort(struct tcp *tcp, const struct tcp_conn *conn);

#endif
