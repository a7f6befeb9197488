/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_prefix.h"

#include <stdlib.h>

#include "proto/base/siphash.h"

enum { BITS_V4 = 24, BITS_V6 = 64 };

bool tcp_prefix_init(struct tcp_prefixes *p, uint32_t entries,
                     const uint32_t limit[TCP_PREFIX_KINDS], const uint8_t secret[16])
{
    uint32_t heads = 1;

    memcpy(p->limit, limit, sizeof(p->limit));
    p->bits_v4 = p->bits_v4 ? p->bits_v4 : BITS_V4;
    p->bits_v6 = p->bits_v6 ? p->bits_v6 : BITS_V6;
    if (!limit[TCP_PREFIX_CONNECTIONS] && !limit[TCP_PREFIX_HALF_OPEN])
        return true;
    while (heads < entries)
        heads *= 2;
    p->mask = heads - 1;
    memcpy(p->secret, secret, 16);
    p->entries = calloc(entries, sizeof(*p->entries));
    p->heads = calloc(heads, sizeof(*p->heads));
    if (p->entries && p->heads)
        return true;
    tcp_prefix_fini(p);
    return false;
}

void tcp_prefix_fini(struct tcp_prefixes *p)
{
    free(p->entries);
    free(p->heads);
    *p = (struct tcp_prefixes){0};
}

static struct ip_address network_of(const struct tcp_prefixes *p, const struct ip_address *address)
{
    uint32_t bits = ip_address_is_v4(address) ? 96u + p->bits_v4 : p->bits_v6;
    struct ip_address network = *address;

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t kept = bits > 8 * i ? bits - 8 * i : 0;

        if (kept < 8)
            network.bytes[i] &= (uint8_t) ~(0xffu >> kept);
    }
    return network;
}

/* The link that leads to the network's entry, or to where it would be. */
static uint32_t *link_of(const struct tcp_prefixes *p, const struct ip_address *network)
{
    uint32_t *link =
        &p->heads[siphash(p->secret, span_of(network->bytes, sizeof(network->bytes))) & p->mask];

    while (*link && !ip_address_equal(&p->entries[*link - 1].network, network))
        link = &p->entries[*link - 1].next;
    return link;
}

bool tcp_prefix_room(const struct tcp_prefixes *p, const struct ip_address *address,
                     enum tcp_prefix_kind kind)
{
    struct ip_address network;
    uint32_t *link;

    if (!p->entries || !p->limit[kind])
        return true;
    network = network_of(p, address);
    link = link_of(p, &network);
    return !*link || p->entries[*link - 1].count[kind] < p->limit[kind];
}

void tcp_prefix_take(struct tcp_prefixes *p, const struct ip_address *address,
                     enum tcp_prefix_kind kind)
{
    struct ip_address network;
    uint32_t *link;

    if (!p->entries)
        return;
    network = network_of(p, address);
    link = link_of(p, &network);
    if (!*link) {
        uint32_t i = p->free ? p->free : ++p->fresh;

        if (p->free)
            p->free = p->entries[i - 1].next;
        p->entries[i - 1] = (struct tcp_prefix){.network = network};
        *link = i;
    }
    p->entries[*link - 1].count[kind]++;
}

void tcp_prefix_give(struct tcp_prefixes *p, const struct ip_address *address,
                     enum tcp_prefix_kind kind)
{
    struct ip_address network;
    struct tcp_prefix *entry;
    uint32_t *link, i;

    if (!p->entries)
        return;
    network = network_of(p, address);
    link = link_of(p, &network);
    i = *link;
    entry = &p->entries[i - 1];
    if (--entry->count[kind] || entry->count[!kind])
        return;
    *link = entry->next;
    entry->next = p->free;
    p->free = i;
}
