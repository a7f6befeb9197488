/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_CONGESTION_H
#define DATAPLANE_TCP_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How much may be under way: NewReno (RFC 5681, RFC 6582). The connection tells what happened; all bytes. What stands
 * behind these calls may change without its callers.
 */
struct tcp_congestion {
    uint32_t cwnd;
    uint32_t ssthresh;
    uint32_t acked;   /* since cwnd last grew, in congestion avoidance */
    uint32_t recover; /* highest sequence number sent when the loss was found (RFC 6582 section 3.2) */
};

/* A new connection; `syn_lost`: its SYN or SYN-ACK had to be sent again. RFC 6928 section 2, RFC 5681 section 3.1 */
void tcp_congestion_init(struct tcp_congestion *c, uint32_t mss, bool syn_lost);
/* Nothing was sent for longer than the timeout (RFC 5681 section 4.1). */
void tcp_congestion_idle(struct tcp_congestion *c, uint32_t mss);
/* `bytes` were acknowledged outside of recovery. */
void tcp_congestion_acked(struct tcp_congestion *c, uint32_t mss, uint32_t bytes);
/* Fast retransmit: enters recovery, with `flight` bytes under way up to sequence number `sent`. */
void tcp_congestion_loss(struct tcp_congestion *c, uint32_t mss, uint32_t flight, uint32_t sent);
/* One more duplicate in recovery: a segment has left the network. */
void tcp_congestion_duplicate(struct tcp_congestion *c, uint32_t mss);
/* An acknowledgement in recovery that does not reach `recover`. */
void tcp_congestion_partial(struct tcp_congestion *c, uint32_t mss, uint32_t bytes);
/* Recovery is over; `flight` bytes are still under way. */
void tcp_congestion_recovered(struct tcp_congestion *c, uint32_t mss, uint32_t flight);
/* The retransmission timer expired; `first`: not a repetition for the same segment. */
void tcp_congestion_timeout(struct tcp_congestion *c, uint32_t mss, uint32_t flight, bool first);

#endif
