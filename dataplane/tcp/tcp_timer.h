/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_TIMER_H
#define DATAPLANE_TCP_TCP_TIMER_H

#include "dataplane/tcp/tcp_conn.h"

/*
 * The timers of connections, in ticks of a millisecond. A connection has one node on the wheel, at
 * the earlier of its two deadlines or before: moving a deadline back, as each acknowledgement does,
 * costs nothing.
 */
enum {
    TCP_TICK = 1000,         /* microseconds */
    TCP_DELAYED_ACK = 40000, /* microseconds; RFC 9293 section 3.8.6.3 allows up to 500 ms */
    TCP_FIN_WAIT_2_TIME = 60000000,
    TCP_RETRIES = 15,            /* R2 of RFC 9293 section 3.8.3: several minutes */
    TCP_RETRIES_ORPHAN = 8,      /* nobody waits for the outcome */
    TCP_RETRIES_SYN = 7,         /* at least 3 minutes */
    TCP_PROBES = 15,             /* zero-window probes without any answer */
    TCP_ORPHAN_TIME = 180000000, /* most that one may take to deliver its last bytes */
};

/* The tick now, low 32 bits. */
static inline uint32_t tcp_timer_tick(const struct tcp *tcp)
{
    return (uint32_t)(tcp->now / TCP_TICK);
}

/* (Re)starts the main timer, `after` microseconds from now. */
void tcp_timer_start(struct tcp *tcp, struct tcp_conn *conn, enum tcp_timer_kind kind,
                     uint64_t after);
void tcp_timer_stop(struct tcp_conn *conn);
/* An acknowledgement is due in TCP_DELAYED_ACK at the latest. */
void tcp_timer_delay_ack(struct tcp *tcp, struct tcp_conn *conn);
/* The connection's retransmission timeout with its back-off. */
uint32_t tcp_timer_rto(const struct tcp_conn *conn);

#endif
