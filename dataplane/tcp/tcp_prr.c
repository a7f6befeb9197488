/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_prr.h"

void tcp_prr_begin(struct tcp_prr *p, uint32_t flight, uint32_t sacked_all, uint32_t sacked,
                   uint32_t acked)
{
    uint32_t before = sacked_all > sacked ? sacked_all - sacked : 0;

    /* What was SACKed before will not be delivered in recovery; what this one brings will. */
    p->flight = flight > before ? flight - before : 0;
    p->flight += acked;
    if (!p->flight)
        p->flight = 1;
    p->delivered = p->out = 0;
}

uint32_t tcp_prr_window(struct tcp_prr *p, uint32_t delivered, uint32_t pipe, uint32_t ssthresh,
                        uint32_t mss, bool safe)
{
    int64_t send;

    p->delivered += delivered;
    if (pipe > ssthresh) {
        uint64_t due = ((uint64_t)p->delivered * ssthresh + p->flight - 1) / p->flight;

        send = (int64_t)due - p->out;
    } else {
        int64_t limit = (int64_t)p->delivered - p->out;

        /* packet conservation, or slow start where recovery goes well */
        limit = limit > (int64_t)delivered ? limit : (int64_t)delivered;
        if (safe)
            limit += mss;
        send = (int64_t)ssthresh - pipe;
        send = send < limit ? send : limit;
    }
    if (send < 0)
        send = 0;
    if (!p->out && send < mss) /* the fast retransmit itself */
        send = mss;
    return pipe + (uint32_t)send;
}

void tcp_prr_sent(struct tcp_prr *p, uint32_t bytes)
{
    p->out += bytes;
}
