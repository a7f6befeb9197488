/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_FLOW_H
#define DATAPLANE_TCP_TCP_FLOW_H

#include "dataplane/handoff/budget.h"
#include "proto/base/ip_address.h"

/*
 * The flow table: a keyed hash over the four values that name a connection, chained. Entry i
 * belongs to connection block i, so there are exactly as many as connections, and no turn ever pays
 * for growth.
 */
#define TCP_FLOW_NONE UINT32_MAX

struct tcp_flow {
    uint64_t hash;
    uint32_t next; /* in the chain, TCP_FLOW_NONE at its end */
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
    uint32_t *heads;
    uint32_t mask;
    uint8_t secret[16];
};

/* False: no memory. */
bool tcp_flow_init(struct tcp_flows *flows, uint32_t entries, const uint8_t secret[16]);
void tcp_flow_fini(struct tcp_flows *flows);
uint64_t tcp_flow_hash(const struct tcp_flows *flows, const struct tcp_flow_key *key);
/*
 * The first entry from *at on (TCP_FLOW_NONE: from the head) whose hash, ports and remote address
 * match. The local address is the caller's to compare: it lies in the connection block; a second
 * match needs a 64-bit collision.
 */
uint32_t tcp_flow_find(const struct tcp_flows *flows, uint64_t hash,
                       const struct tcp_flow_key *key);
void tcp_flow_add(struct tcp_flows *flows, uint32_t i, uint64_t hash,
                  const struct tcp_flow_key *key);
void tcp_flow_remove(struct tcp_flows *flows, uint32_t i);

#endif
