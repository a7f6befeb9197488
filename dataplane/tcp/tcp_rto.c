/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_rto.h"

void tcp_rto_sample(struct tcp_rto *rto, uint32_t rtt)
{
    uint32_t away;

    if (rtt == 0)
        rtt = 1;
    if (rtt > TCP_RTO_MAX)
        rtt = TCP_RTO_MAX;
    if (rto->srtt == 0) { /* section 2.2 */
        rto->srtt = rtt;
        rto->rttvar = rtt / 2;
        return;
    }
    /* section 2.3: alpha 1/8, beta 1/4, the variance first */
    away = rtt > rto->srtt ? rtt - rto->srtt : rto->srtt - rtt;
    rto->rttvar = rto->rttvar - rto->rttvar / 4 + away / 4;
    rto->srtt = rto->srtt - rto->srtt / 8 + rtt / 8;
    if (rto->srtt == 0)
        rto->srtt = 1;
}

/*
 * Differs from RFC 6298 section 2.4, which rounds the timeout up to one second: the weight of the variance is never
 * below 200 ms instead, which keeps clear of the delayed acknowledgements in use, and a lost tail costs less.
 */
uint32_t tcp_rto_value(const struct tcp_rto *rto, uint32_t backoff, bool syn_lost)
{
    uint64_t value = syn_lost ? TCP_RTO_AFTER_SYN : TCP_RTO_INITIAL;

    if (rto->srtt) {
        uint32_t spread = 4 * rto->rttvar;

        value = (uint64_t)rto->srtt + (spread > TCP_RTO_GRANULARITY ? spread : TCP_RTO_GRANULARITY);
    }
    value <<= backoff < 16 ? backoff : 16;
    return value > TCP_RTO_MAX ? TCP_RTO_MAX : (uint32_t)value;
}
