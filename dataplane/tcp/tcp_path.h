/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_PATH_H
#define DATAPLANE_TCP_TCP_PATH_H

#include "proto/base/ip_address.h"

/*
 * What size the path to a peer carries (RFC 1191, RFC 8201), and who is believed:
 *   "too big" from ICMP, where it quotes what is under way. Once a full segment was acknowledged,
 *   only if the retransmission timer agrees (RFC 5927 section 7).
 *   Segments that are lost again and again, without any ICMP: a black hole (RFC 4821 section
 *   7.7, RFC 8899 section 4.3).
 * After ten minutes a full segment tries the whole size again. What was found is remembered for
 * each destination, so that the next connection starts right; the cache is bounded, and forgets.
 */
struct tcp;
struct tcp_conn;

enum {
    TCP_PATHS = 1024,
    TCP_PATH_WAYS = 4,
    TCP_PATH_RAISE_MS =
        600000,               /* RFC 1191 section 6.3, RFC 8201 section 4, RFC 8899 section 5.1.1 */
    TCP_PATH_FLOOR_V4 = 576,  /* RFC 1191 allows 68; smaller than this only serves an attacker */
    TCP_PATH_FLOOR_V6 = 1280, /* RFC 8200 section 5 */
};

struct tcp_path {
    struct ip_address destination;
    uint32_t tick; /* when it was found */
    uint16_t mtu;  /* 0: a free entry */
};

struct tcp_paths {
    struct tcp_path entries[TCP_PATHS];
};

/* An ICMP error says that `mtu` is the most; `seq` is what it quotes, under way. False: not taken.
 */
bool tcp_path_too_big(struct tcp *tcp, struct tcp_conn *conn, uint32_t mtu, uint32_t seq);
/* The retransmission timer has expired; before anything is sent again. */
void tcp_path_timeout(struct tcp *tcp, struct tcp_conn *conn);
/* `bytes` were acknowledged while TCP_MODE_REDUCED is set. */
void tcp_path_acked(struct tcp *tcp, struct tcp_conn *conn, uint32_t bytes);
/* A new connection: `mss`, options allowed for, or less if the path is known to carry less. */
uint32_t tcp_path_limit(struct tcp *tcp, struct tcp_conn *conn, uint32_t mss);

#endif
