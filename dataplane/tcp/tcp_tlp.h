/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_TLP_H
#define DATAPLANE_TCP_TCP_TLP_H

#include "dataplane/tcp/tcp_sack.h"

/*
 * Tail loss probe (RFC 8985 section 7): when the end of what was sent may be lost, nothing sent
 * later can tell. One more segment makes the peer say what it has, before the timeout does harm.
 */

/* Section 7.2: whether the probe's timer is to run instead of the retransmission timer. */
bool tcp_tlp_wanted(const struct tcp_conn *conn, const struct tcp_flight *f);
/* ... and for how long, microseconds. */
uint64_t tcp_tlp_timeout(const struct tcp *tcp, const struct tcp_conn *conn,
                         const struct tcp_flight *f);
/* TCP_TIMER_PROBE: a probe goes out with this turn. */
void tcp_tlp_due(struct tcp *tcp, struct tcp_conn *conn);
/* The probe was sent: new data, or the last segment again. */
void tcp_tlp_sent(const struct tcp_conn *conn, struct tcp_flight *f, bool again);
/* Section 7.4: whether the probe repaired a loss, which is congestion. */
void tcp_tlp_acked(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                   const struct tcp_input *in, const struct tcp_delivery *d);
/* Recovery of another kind has begun: no probe counts any more. */
void tcp_tlp_reset(struct tcp_flight *f);

#endif
