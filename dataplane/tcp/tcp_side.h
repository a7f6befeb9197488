/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_SIDE_H
#define DATAPLANE_TCP_TCP_SIDE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What few connections need: a block from a bounded pool, taken when it is needed and held until
 * the connection closes. Where there is none left, the connection does without: its limits are only
 * those of all connections, its path is not probed again, user timeouts are refused.
 */
struct tcp;
struct tcp_conn;

enum { TCP_SIDES_MOST = 65535, TCP_SIDES_LEAST = 64 };

struct tcp_side {
    uint32_t next; /* on the free list */
    /* RFC 5961 section 7 */
    uint32_t challenge_tick; /* when the first of them was sent */
    uint32_t challenges;
    /* tcp_user_timeout.c; milliseconds */
    uint32_t user_timeout;  /* 0: R2 counts repetitions instead */
    uint32_t local_timeout; /* what the session asked for */
    uint32_t stuck_tick;    /* when what is unacknowledged first went out */
    bool offer;             /* the option is to be sent */
    bool adapts;            /* and the peer's is followed */
    /* tcp_path.c */
    bool unconfirmed;     /* nothing was acknowledged since the path was found smaller */
    uint8_t raises;       /* how often the whole size was tried again */
    uint16_t mss_full;    /* what the peer allows */
    uint16_t claimed;     /* MTU of an ICMP error that is not believed yet, 0: none */
    uint32_t claimed_seq; /* of the segment that it quotes */
    uint32_t raise_tick;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct tcp_side) == 64, "one cache line");

struct tcp_sides {
    struct tcp_side *blocks;
    uint32_t free, used; /* free: index + 1 */
};

/* False: no memory. */
bool tcp_side_init(struct tcp_sides *sides, uint32_t count);
void tcp_side_fini(struct tcp_sides *sides);
/* The connection's block, which tcp_side_of() finds, taken now if it has none; NULL: the pool is
 * empty. */
struct tcp_side *tcp_side_take(struct tcp *tcp, struct tcp_conn *conn);
void tcp_side_give(struct tcp *tcp, struct tcp_conn *conn);

#endif
