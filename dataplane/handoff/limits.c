/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/limits.h"

struct ip_address limits_masked(const struct ip_address *a, uint8_t bits)
{
    struct ip_address masked = *a;

    for (unsigned i = 0; i < sizeof(masked.bytes); i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;

        if (kept < 8)
            masked.bytes[i] &= (uint8_t)(0xff00u >> kept);
    }
    return masked;
}

const struct limit_network *limits_network(const struct limits *limits, const struct ip_address *a)
{
    const struct limit_network *best = NULL;

    for (uint32_t i = 0; i < limits->network_count; i++) {
        const struct limit_network *n = &limits->networks[i];
        struct ip_address masked = limits_masked(a, n->bits);

        if (ip_address_equal(&masked, &n->address) && (!best || n->bits > best->bits))
            best = n;
    }
    return best;
}

uint8_t limits_bits(const struct limits *limits, const struct ip_address *a)
{
    const struct limit_network *network = limits_network(limits, a);

    if (network)
        return network->bits;
    return ip_address_is_v4(a) ? (uint8_t)(limits->prefix_v4 + 96) : limits->prefix_v6;
}
