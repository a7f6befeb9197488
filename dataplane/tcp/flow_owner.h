/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_FLOW_OWNER_H
#define DATAPLANE_TCP_FLOW_OWNER_H

#include "proto/base/ip_address.h"

/*
 * Which worker owns a flow: one symmetric Toeplitz hash (key of repeated 0x6d5a, so that both
 * directions give the same) over addresses and ports, then the redirection table. The same function
 * in software and, where a port's RSS was programmed by us and read back, in hardware.
 */
enum { FLOW_OWNER_KEY = 52, FLOW_OWNER_TABLE = 128 };
extern const uint8_t flow_owner_key[FLOW_OWNER_KEY];

/* IPv4 addresses hash as 4 bytes each, as NICs do. Ports in host order. */
uint32_t flow_owner_hash(const struct ip_address *source, const struct ip_address *destination,
                         uint16_t source_port, uint16_t destination_port);
/* Entry (hash mod FLOW_OWNER_TABLE) of the table: entry i belongs to worker i mod `workers`. */
uint32_t flow_owner_of(uint32_t hash, uint32_t workers);

#endif
