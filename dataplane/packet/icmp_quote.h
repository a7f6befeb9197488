/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PACKET_ICMP_QUOTE_H
#define DATAPLANE_PACKET_ICMP_QUOTE_H

#include "dataplane/packet/frame.h"

/* What an ICMP or ICMPv6 error says about a TCP segment that it quotes. */
struct icmp_quote {
    struct ip_address source, destination; /* of the quoted packet */
    struct span header; /* its TCP header, at least the first 8 bytes; borrows from the message */
    uint32_t mtu;       /* of "too big" and "fragmentation needed" (RFC 1191, RFC 8201); else 0 */
    bool hard;          /* the other end will never answer (RFC 1122 section 4.2.3.9) */
};

/*
 * `message` is the ICMP message (RFC 792) or ICMPv6 message (RFC 4443), whole. False: it is no
 * error, or quotes no TCP segment (RFC 1122 section 3.2.2). Whether the segment is one of ours, and
 * still under way (RFC 5927 section 4.1), is the caller's to check.
 */
bool icmp_quote_read(struct span message, bool v4, struct icmp_quote *quote_out);
/* The checksum of the ICMP message that lies in `packet` behind the headers of `frame`. */
bool icmp_quote_checksum_good(struct span message, const struct frame *frame);

#endif
