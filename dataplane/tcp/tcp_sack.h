/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_SACK_H
#define DATAPLANE_TCP_TCP_SACK_H

#include "dataplane/tcp/tcp_input.h"

/*
 * Selective acknowledgement (RFC 2018) with reports of duplicates (RFC 2883): what we tell the
 * peer, and what its acknowledgements say about our flight.
 */

void tcp_sack_init(struct tcp *tcp);
/* A connection begins: nothing is owed to it. */
void tcp_sack_forget(struct tcp *tcp, const struct tcp_conn *conn);
/* [start, end) has come once more: the next acknowledgement says so, once. One range is remembered;
 * of several, the first. */
void tcp_sack_duplicate(struct tcp *tcp, const struct tcp_conn *conn, uint32_t start, uint32_t end);
/* Fills in the blocks that an acknowledgement carries beside what `option` has; takes the
 * duplicate. */
void tcp_sack_report(struct tcp *tcp, const struct tcp_conn *conn, struct tcp_option *option);

/* What an acknowledgement says about the flight. */
struct tcp_delivery {
    uint32_t una;       /* SND.UNA before it */
    uint32_t acked;     /* bytes by which SND.UNA moves */
    uint32_t delivered; /* bytes that it says have arrived, and none did before */
    uint32_t sacked;    /* of these, by SACK */
    uint32_t rtt;       /* the longest round trip that it measures, microseconds; 0: none */
    uint32_t rtt_least; /* the shortest */
    bool resent;        /* it acknowledges what was sent more than once (Karn) */
    bool marked;        /* it says that a router was congested, and cwnd was reduced */
    bool duplicate;     /* it carries a D-SACK, for what ends at ... */
    uint32_t duplicate_end;
};

/*
 * Takes over into the flight what the segment acknowledges, cumulatively and by SACK; in->ack lies
 * in [SND.UNA, SND.MAX], and SND.UNA has not moved yet. Blocks that name what was not sent are not
 * believed. At most 4 blocks times TCP_SENT records.
 */
void tcp_sack_read(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                   const struct tcp_input *in, struct tcp_delivery *d);

#endif
