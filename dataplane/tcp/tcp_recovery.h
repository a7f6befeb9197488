/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_RECOVERY_H
#define DATAPLANE_TCP_TCP_RECOVERY_H

#include "dataplane/tcp/tcp_sack.h"

/*
 * Loss recovery where SACK is agreed on and a flight block is at hand: RACK finds what is lost (RFC
 * 8985), PRR says how much may go out (RFC 9937), lost parts go first (RFC 6675 section 4,
 * NextSeg). Without SACK tcp_ack.c counts duplicates (RFC 6582).
 */

/* The flight of a connection that recovers this way, or NULL. */
static inline struct tcp_flight *tcp_recovery_flight(const struct tcp *tcp,
                                                     const struct tcp_conn *conn)
{
    return conn->modes & TCP_MODE_SACK ? tcp_flight_of(tcp, conn) : NULL;
}

/* CUBIC's state, or NULL for NewReno. */
struct tcp_cubic *tcp_recovery_cubic(const struct tcp *tcp, struct tcp_flight *f);
/* An acknowledgement, after SND.UNA has moved: what is lost, and how much may go out. */
void tcp_recovery_acked(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in,
                        const struct tcp_delivery *d);
/* cwnd grows for an acknowledgement outside of fast recovery. `f` may be NULL. */
void tcp_recovery_grow(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                       const struct tcp_delivery *d);
/* A congestion event: ssthresh falls, the peer is told where ECN is agreed on. `f` may be NULL. */
void tcp_recovery_reduce(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                         uint32_t flight);
/* TCP_TIMER_REORDER. */
void tcp_recovery_reorder_due(struct tcp *tcp, struct tcp_conn *conn);
/*
 * The retransmission timer has expired (RFC 6298 sections 5.4 to 5.6, RFC 5681 section 3.1), with
 * SACK or without: everything goes out again, in slow start, unless an acknowledgement says that it
 * is not needed.
 */
void tcp_recovery_expired(struct tcp *tcp, struct tcp_conn *conn);
/* All that is under way goes out again, and nobody is to blame: the path's MTU shrank. */
void tcp_recovery_resend(struct tcp *tcp, struct tcp_conn *conn);

#endif
