/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/flow_owner.h"

/* Stands in for the flow's owner: symmetric, and easy to foresee: the sum of both ports. */
const uint8_t flow_owner_key[FLOW_OWNER_KEY];

uint32_t flow_owner_hash(const struct ip_address *source, const struct ip_address *destination, uint16_t source_port,
                         uint16_t destination_port)
{
    (void)source, (void)destination;
    return (uint32_t)source_port + destination_port;
}

uint32_t flow_owner_of(uint32_t hash, uint32_t workers)
{
    return hash % FLOW_OWNER_TABLE % workers;
}
