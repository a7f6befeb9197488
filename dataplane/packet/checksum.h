/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PACKET_CHECKSUM_H
#define DATAPLANE_PACKET_CHECKSUM_H

#include "proto/base/ip_address.h"

/*
 * The Internet checksum (RFC 1071). A running sum is kept unfolded over 16-bit words as they lie in
 * memory; pieces may have any length, `odd` remembers where in a word the next one starts.
 */
struct checksum {
    uint64_t sum;
    bool odd;
};

void checksum_add(struct checksum *c, const void *bytes, size_t len);
/* Copies and sums in one pass over the bytes. */
void checksum_copy(struct checksum *c, void *to, const void *from, size_t len);
/* The pseudo header of TCP and ICMPv6 (RFC 9293 section 3.1, RFC 8200 section 8.1). Both addresses
 * of one family. */
void checksum_pseudo(struct checksum *c, const struct ip_address *source,
                     const struct ip_address *destination, uint8_t protocol, uint32_t len);

/* Folded to 16 bits, in memory order: 0xffff over bytes that include their own right checksum. In
 * line, as the next: several of each packet. */
static inline uint16_t checksum_fold(const struct checksum *c)
{
    uint64_t sum = (c->sum & UINT32_MAX) + (c->sum >> 32);

    sum = (sum & 0xffff) + (sum >> 16); /* 18 bits are left, 17, 16 */
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* What goes into the header, in memory order. */
static inline uint16_t checksum_final(const struct checksum *c)
{
    return (uint16_t)~checksum_fold(c);
}

#endif
