/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_PRR_H
#define DATAPLANE_TCP_TCP_PRR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Proportional rate reduction (RFC 9937): how much may be sent in recovery, so that what is under
 * way comes down to ssthresh in one round trip, neither in a burst nor with a silence. Bytes.
 */
struct tcp_prr {
    uint32_t delivered; /* prr_delivered */
    uint32_t out;       /* prr_out */
    uint32_t flight;    /* RecoverFS */
};

/*
 * Recovery begins with an acknowledgement that delivers `acked` bytes cumulatively and `sacked` by
 * SACK; `flight` bytes are outstanding after it, `sacked_all` of them SACKed.
 */
void tcp_prr_begin(struct tcp_prr *p, uint32_t flight, uint32_t sacked_all, uint32_t sacked,
                   uint32_t acked);
/*
 * An acknowledgement in recovery delivers `delivered` bytes; `pipe` are under way. `safe`: SND.UNA
 * advanced and nothing more was found lost. Returns the window.
 */
uint32_t tcp_prr_window(struct tcp_prr *p, uint32_t delivered, uint32_t pipe, uint32_t ssthresh,
                        uint32_t mss, bool safe);
/* `bytes` went out in recovery. */
void tcp_prr_sent(struct tcp_prr *p, uint32_t bytes);

#endif
