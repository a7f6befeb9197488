/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_RTO_H
#define DATAPLANE_TCP_TCP_RTO_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The retransmission timeout (RFC 6298), in microseconds. `srtt` 0 means that nothing was measured
 * yet. The back-off is not stored here: it is the count of timeouts since the last sample.
 */
struct tcp_rto {
    uint32_t srtt;
    uint32_t rttvar;
};

enum {
    TCP_RTO_INITIAL = 1000000,    /* section 2.1 */
    TCP_RTO_AFTER_SYN = 3000000,  /* section 5.7: a SYN was lost and nothing is measured */
    TCP_RTO_GRANULARITY = 200000, /* least weight of the variance */
    TCP_RTO_MAX = 60000000,       /* section 2.5 */
};

/* Takes in one round trip time. Never from a segment sent twice, unless a timestamp tells which
 * (section 3). */
void tcp_rto_sample(struct tcp_rto *rto, uint32_t rtt);
/* The timeout after `backoff` timeouts in a row; `syn_lost` as in section 5.7. */
uint32_t tcp_rto_value(const struct tcp_rto *rto, uint32_t backoff, bool syn_lost);

#endif
