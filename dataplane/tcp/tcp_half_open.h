/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_HALF_OPEN_H
#define DATAPLANE_TCP_TCP_HALF_OPEN_H

#include "dataplane/handoff/budget.h"
#include "dataplane/tcp/tcp_flow.h"

/*
 * Handshakes that peers began (SYN-RECEIVED after a passive open, RFC 4987 section 3.4): small
 * entries apart from the connections, since anybody can make one with a single packet. Bounded; a
 * connection block is taken only when the last acknowledgement has come. All operations are O(1).
 */
enum {
    TCP_HALF_OPEN_MOST = 65535, /* indices have 16 bits */
    TCP_HALF_OPEN_RETRIES = 5,  /* repetitions of our answer; RFC 9293 section 3.8.3 */
};
#define HALF_NONE UINT16_MAX

struct tcp_half {
    struct ip_address local, remote;
    uint16_t local_port, remote_port;
    uint32_t irs, isn; /* sequence numbers of the peer's SYN and of ours */
    uint32_t ts_recent;
    uint32_t due;          /* tick of the next repetition */
    uint16_t mss;          /* as the peer said, if it did */
    uint16_t next;         /* in the hash chain, or on the free list */
    uint16_t older, newer; /* in the queue of those with as many repetitions */
    uint8_t listener;
    uint8_t retries : 4, scale : 4;
    uint8_t present; /* enum tcp_option_bit: what the peer offered */
    uint8_t ecn;     /* it asked for ECN, and gets it (RFC 3168 section 6.1.1) */
};
_Static_assert(sizeof(struct tcp_half) == BUDGET_HALF_OPEN, "one cache line");

/*
 * The wait doubles with each repetition, and is the same for all that have had as many. So each of
 * the queues is in the order of its deadlines, and all in one queue are older than all in the one
 * before.
 */
struct tcp_half_queue {
    uint16_t oldest, newest;
};

struct tcp_half_open {
    struct tcp_half *entries;
    uint16_t *heads;
    uint32_t mask;
    uint32_t capacity, count;
    uint16_t free;
    struct tcp_half_queue queues[TCP_HALF_OPEN_RETRIES + 1];
};

/* `capacity` from 1 to TCP_HALF_OPEN_MOST. False: no memory. */
bool tcp_half_open_init(struct tcp_half_open *table, uint32_t capacity);
void tcp_half_open_fini(struct tcp_half_open *table);
/* NULL: not there. `hash` is tcp_flow_hash() of the key. */
struct tcp_half *tcp_half_open_find(const struct tcp_half_open *table, uint64_t hash,
                                    const struct tcp_flow_key *key);
/* A new entry with its key, all else 0, due at `due`; NULL when the table is full. */
struct tcp_half *tcp_half_open_add(struct tcp_half_open *table, uint64_t hash,
                                   const struct tcp_flow_key *key, uint32_t due);
void tcp_half_open_remove(struct tcp_half_open *table, uint64_t hash, struct tcp_half *half);
/* The answer was repeated: counts it, and puts the entry behind those that wait as long. */
void tcp_half_open_repeated(struct tcp_half_open *table, struct tcp_half *half, uint32_t due);
/* The one that has waited longest, NULL when there is none. */
struct tcp_half *tcp_half_open_oldest(const struct tcp_half_open *table);
/* The one with the earliest deadline, NULL when there is none. */
struct tcp_half *tcp_half_open_due(const struct tcp_half_open *table);
struct tcp_flow_key tcp_half_open_key(const struct tcp_half *half);

#endif
