/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PACKET_PACKET_H
#define TESTS_PACKET_PACKET_H

#include "proto/base/ip_address.h"

/* Frames written by hand, with checksums by a second, simple implementation. */
enum { PACKET_MAX = 66000, PACKET_VLAN_NONE = 0 };

struct packet {
    uint8_t bytes[PACKET_MAX];
    size_t len;
    size_t l3, l4;
    bool v4;
};

extern const uint8_t packet_our_mac[6], packet_peer_mac[6], packet_broadcast[6];
/* What payloads consist of. */
uint8_t packet_byte(uint32_t offset);
struct ip_address packet_ip(const char *text);
#define PACKET_OURS4 packet_ip("198.18.0.2")
#define PACKET_PEER4 packet_ip("198.18.0.1")
#define PACKET_OURS6 packet_ip("2001:2::2")
#define PACKET_PEER6 packet_ip("2001:2::1")

/* Each appends; later ones fill in the lengths and sums of those before through packet_finish(). */
void packet_ethernet(struct packet *p, const uint8_t to[6], uint16_t vlan, uint16_t type);
void packet_ip_header(struct packet *p, struct ip_address source, struct ip_address destination,
                      uint8_t protocol, uint8_t hop_limit);
void packet_tcp(struct packet *p, uint16_t source, uint16_t destination, uint32_t payload);
void packet_append(struct packet *p, const void *bytes, size_t len);
/* IP length, then the checksums of the IPv4 header and of the TCP or ICMP behind it at `sum_at`
 * from l4. */
void packet_finish(struct packet *p, uint8_t protocol, size_t sum_at);
void packet_arp(struct packet *p, const uint8_t to[6], uint16_t operation, const char *sender,
                const char *target);
/* A neighbour solicitation (135) or advertisement (136) from `source`; `option` 0 for none. */
void packet_ndp(struct packet *p, uint8_t type, const char *source, const char *destination,
                const char *target, uint8_t flags, uint8_t option);
void packet_echo(struct packet *p, bool v4, uint32_t len);
/* A whole TCP frame from the peer to us. */
void packet_segment(struct packet *p, bool v4, uint16_t source, uint16_t destination,
                    uint32_t payload);
uint16_t packet_reference_sum(const uint8_t *bytes, size_t len, uint32_t start);
/* Whether the transport checksum of a frame is right. */
bool packet_sum_good(struct span frame, size_t link);

static inline struct span packet_span(const struct packet *p)
{
    return span_of(p->bytes, p->len);
}

#endif
