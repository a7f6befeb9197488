/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_PREFIX_H
#define DATAPLANE_TCP_TCP_PREFIX_H

#include "proto/base/ip_address.h"

/*
 * How many connections and handshakes each source network has at the moment, exactly: one entry a
 * network that has any, so there are at most as many entries as things that are counted. Keyed
 * hash, O(1), no memory taken after the start.
 */
enum tcp_prefix_kind { TCP_PREFIX_CONNECTIONS, TCP_PREFIX_HALF_OPEN, TCP_PREFIX_KINDS };

struct tcp_prefix {
    struct ip_address network;
    uint32_t next; /* in the chain, or on the free list: index + 1 */
    uint32_t count[TCP_PREFIX_KINDS];
};

struct tcp_prefixes {
    struct tcp_prefix *entries;       /* NULL: nothing is limited, nothing counted */
    uint32_t *heads;                  /* index + 1 */
    uint32_t mask, free, fresh;       /* fresh: entries from here on were never used */
    uint32_t limit[TCP_PREFIX_KINDS]; /* 0: none */
    uint8_t bits_v4, bits_v6;         /* of 32 and 128 */
    uint8_t secret[16];
};

/*
 * For at most `entries` counted things at a time; without any limit nothing is allocated. `bits` of
 * 0 mean 24 and 64. False: no memory.
 */
bool tcp_prefix_init(struct tcp_prefixes *p, uint32_t entries,
                     const uint32_t limit[TCP_PREFIX_KINDS], const uint8_t secret[16]);
void tcp_prefix_fini(struct tcp_prefixes *p);
/* Whether the address's network may have one more. */
bool tcp_prefix_room(const struct tcp_prefixes *p, const struct ip_address *address,
                     enum tcp_prefix_kind kind);
/* One more, whatever the limit. */
void tcp_prefix_take(struct tcp_prefixes *p, const struct ip_address *address,
                     enum tcp_prefix_kind kind);
/* One that was taken is gone. */
void tcp_prefix_give(struct tcp_prefixes *p, const struct ip_address *address,
                     enum tcp_prefix_kind kind);

#endif
