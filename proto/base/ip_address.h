/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_IP_ADDRESS_H
#define PROTO_BASE_IP_ADDRESS_H

#include "proto/base/writer.h"

enum { IP_ADDRESS_TEXT = 45 }; /* longest text form */

/* An IPv4 or IPv6 address in network order. IPv4 lies IPv4-mapped (RFC 4291 section 2.5.5.2), so
 * one key serves both. */
struct ip_address {
    uint8_t bytes[16];
};

/* The first twelve bytes of those that are IPv4. */
extern const uint8_t ip_address_mapped[12];

/* These are in line: several of them are on the way of every packet. */
static inline bool ip_address_is_v4(const struct ip_address *a)
{
    return memcmp(a->bytes, ip_address_mapped, sizeof(ip_address_mapped)) == 0;
}

static inline struct ip_address ip_address_v4(const uint8_t bytes[4])
{
    struct ip_address a;

    memcpy(a.bytes, ip_address_mapped, sizeof(ip_address_mapped));
    memcpy(a.bytes + 12, bytes, 4);
    return a;
}

static inline struct ip_address ip_address_v6(const uint8_t bytes[16])
{
    struct ip_address a;

    memcpy(a.bytes, bytes, 16);
    return a;
}

static inline bool ip_address_equal(const struct ip_address *a, const struct ip_address *b)
{
    return memcmp(a->bytes, b->bytes, 16) == 0;
}

/* Whether the address is of the network: the same family, and the first `bits` of that family
 * equal. */
bool ip_address_inside(const struct ip_address *a, const struct ip_address *network, uint8_t bits);
/* Dotted quad, or RFC 5952 form. */
void ip_address_put(struct writer *w, const struct ip_address *a);
/* Reads either form, no prefix length, no zone. False when it is neither. */
bool ip_address_parse(struct span text, struct ip_address *address_out);

#endif
