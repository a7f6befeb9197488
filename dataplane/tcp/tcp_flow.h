/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_FLOW_H
#define DATAPLANE_TCP_TCP_FLOW_H

#include "dataplane/handoff/budget.h"
#include "proto/base/ip_address.h"

/*
 * The flow table: a keyed hash over the four values that name a connection, chained. Entry i
 * belongs to connection block i. The table grows and shrinks with its entries by linear hashing
 * (Litwin, 1980): an addition splits at most one chain in two, a removal joins at most two pairs,
 * so no turn ever pays for a whole rehash, and few connections lie in few cache lines. The array of
 * heads is reserved for the most at the start, and touched as it is needed.
 */
#define TCP_FLOW_NONE UINT32_MAX
enum { TCP_FLOW_LEAST = 64 };

struct tcp_flow {
    uint64_t hash;
    uint32_t next; /* in the chain: index + 1, 0 at its end */
    uint16_t local_port, remote_port;
    struct ip_address remote;
};
_Static_assert(sizeof(struct tcp_flow) == BUDGET_FLOW_ENTRY, "two to a cache line");

struct tcp_flow_key {
    struct ip_address local, remote;
    uint16_t local_port, remote_port;
};

struct tcp_flows {
    struct tcp_flow *entries;
    uint32_t *heads;   /* index + 1, 0 for none */
    uint32_t count;    /* entries in the chains */
    uint32_t buckets;  /* heads in use: TCP_FLOW_LEAST, or about as many as entries */
    uint32_t capacity; /* most of them */
    uint8_t secret[16];
};

/* False: no memory. */
bool tcp_flow_init(struct tcp_flows *flows, uint32_t entries, const uint8_t secret[16]);
void tcp_flow_fini(struct tcp_flows *flows);
uint64_t tcp_flow_hash(const struct tcp_flows *flows, const struct tcp_flow_key *key);
/* The largest power of two that is not above n. */
static inline uint32_t tcp_flow_power(uint32_t n)
{
    return 1u << (31 - __builtin_clz(n));
}

/* The chain that the hash belongs to: chains from `buckets` on are not split off yet. */
static inline uint32_t tcp_flow_chain(const struct tcp_flows *flows, uint64_t hash)
{
    uint32_t low = tcp_flow_power(flows->buckets), at = (uint32_t)hash & (2 * low - 1);

    return at < flows->buckets ? at : at & (low - 1);
}

/* Brings the beginning of the hash's chain into the cache. */
static inline void tcp_flow_fetch(const struct tcp_flows *flows, uint64_t hash)
{
    __builtin_prefetch(&flows->heads[tcp_flow_chain(flows, hash)], 1);
}

/* The first entry of the hash's chain, or TCP_FLOW_NONE. */
static inline uint32_t tcp_flow_first(const struct tcp_flows *flows, uint64_t hash)
{
    uint32_t i = flows->heads[tcp_flow_chain(flows, hash)];

    return i ? i - 1 : TCP_FLOW_NONE;
}

/*
 * The entry whose hash, ports and remote address match, or TCP_FLOW_NONE. The local address is the
 * caller's to compare: it lies in the connection block; a second match needs a 64-bit collision.
 */
uint32_t tcp_flow_find(const struct tcp_flows *flows, uint64_t hash,
                       const struct tcp_flow_key *key);
void tcp_flow_add(struct tcp_flows *flows, uint32_t i, uint64_t hash,
                  const struct tcp_flow_key *key);
void tcp_flow_remove(struct tcp_flows *flows, uint32_t i);

#endif
