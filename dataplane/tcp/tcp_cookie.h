/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_COOKIE_H
#define DATAPLANE_TCP_TCP_COOKIE_H

#include "dataplane/tcp/tcp_half_open.h"

/*
 * SYN cookies (RFC 4987 section 3.6): under attack a handshake is answered without keeping
 * anything; what must be known later comes back in the peer's acknowledgement.
 *
 *   our sequence number:  28 bits keyed hash | 3 bits class of MSS | 1 bit period
 *   our timestamp, if the peer sends them: its low 6 bits are
 *                         4 bits window scale (15: none) | SACK permitted | ECN
 *
 * The hash is over addresses, ports, the peer's sequence number and the class, under a secret that
 * is replaced each period. A cookie is good in the period in which it was made and the next, and is
 * looked at only if one was sent in these.
 */
enum { TCP_COOKIE_PERIOD = 64000000 /* microseconds */, TCP_COOKIE_TS_BITS = 6 };

struct tcp_cookies {
    uint8_t root[16];      /* the secret that the next one is made from */
    uint8_t secret[2][16]; /* by the period's lowest bit */
    uint64_t period;       /* of the newest secret */
    uint64_t sent_until;   /* no cookie can be out after this, microseconds */
};

void tcp_cookie_init(struct tcp_cookies *c, const uint8_t secret[16]);
/* The initial sequence number for the handshake `half`, of which key, irs, present and mss count.
 */
uint32_t tcp_cookie_make(struct tcp_cookies *c, const struct tcp_half *half, uint64_t now);
/* A timestamp not after `value` that carries the options of `half`. */
uint32_t tcp_cookie_timestamp(const struct tcp_half *half, uint32_t value);
/* Whether an acknowledgement can belong to a cookie at all. */
bool tcp_cookie_recent(const struct tcp_cookies *c, uint64_t now);
/*
 * True: `half`, of which key, irs and isn are given, began with a cookie that is still good; mss
 * and present are set. Offers that stood in the timestamp come with tcp_cookie_options().
 */
bool tcp_cookie_check(struct tcp_cookies *c, struct tcp_half *half, uint64_t now);
/* Reads what a timestamp of ours, echoed, carries: scale, present, ecn. */
void tcp_cookie_options(struct tcp_half *half, uint32_t value);

#endif
