/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_CONGESTION_H
#define DATAPLANE_TCP_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tcp/tcp_cubic.h"
#include "dataplane/tcp/tcp_hystart.h"

/*
 * How much may be under way: CUBIC (RFC 9438) where the caller has its state at hand, else NewReno
 * (RFC 5681). The connection tells what happened; all bytes. What stands behind these calls may
 * change without its callers.
 */
struct tcp_congestion {
    uint32_t cwnd;
    uint32_t ssthresh;
    uint32_t w_max;   /* CUBIC: cwnd before the last reduction, less what fast convergence takes; 0:
                         none */
    uint32_t recover; /* highest sequence number sent when cwnd was last reduced (RFC 6582 section
                         3.2; RecoveryPoint of RFC 6675) */
};

/* An acknowledgement outside of fast recovery. */
struct tcp_congestion_ack {
    uint32_t mss, bytes;          /* bytes: newly acknowledged */
    uint32_t srtt, now;           /* microseconds */
    enum tcp_hystart_phase phase; /* of slow start */
};

/* A new connection; `syn_lost`: its SYN or SYN-ACK had to be sent again. RFC 6928 section 2, RFC
 * 5681 section 3.1 */
void tcp_congestion_init(struct tcp_congestion *c, uint32_t mss, bool syn_lost);
/* RFC 6928 section 2. */
uint32_t tcp_congestion_initial(uint32_t mss);
/* Nothing was sent for longer than the timeout (RFC 5681 section 4.1). */
void tcp_congestion_idle(struct tcp_congestion *c, uint32_t mss);
/* cwnd grows; `cubic` is NULL for NewReno. */
void tcp_congestion_acked(struct tcp_congestion *c, struct tcp_cubic *cubic,
                          const struct tcp_congestion_ack *ack);
/* A congestion event with `flight` bytes outstanding up to `sent`: ssthresh and recover. cwnd is
 * left to whoever leads the recovery. */
void tcp_congestion_reduce(struct tcp_congestion *c, struct tcp_cubic *cubic, uint32_t mss,
                           uint32_t flight, uint32_t sent);

/*
 * RFC 6582, where SACK is not agreed on: cwnd is inflated by what has left the network.
 */
/* Fast retransmit: recovery begins, after tcp_congestion_reduce(). */
void tcp_congestion_inflate(struct tcp_congestion *c, uint32_t mss);
/* One more duplicate in recovery: a segment has left the network. */
void tcp_congestion_duplicate(struct tcp_congestion *c, uint32_t mss);
/* An acknowledgement in recovery that does not reach `recover`. */
void tcp_congestion_partial(struct tcp_congestion *c, uint32_t mss, uint32_t bytes);
/* Recovery is over; `flight` bytes are still under way. */
void tcp_congestion_recovered(struct tcp_congestion *c, uint32_t mss, uint32_t flight);

#endif
