/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PACKET_FRAME_H
#define DATAPLANE_PACKET_FRAME_H

#include "proto/base/ip_address.h"

/*
 * What the headers of a frame say. All of them lie in its first FRAME_HEAD bytes, or the frame is
 * dropped; so a frame that a port scatters needs a copy of those at most.
 */
enum {
    FRAME_HEAD = 256,
    FRAME_MAC = 6,
    FRAME_EXTENSIONS = 8, /* IPv6 extension headers we walk */
    FRAME_TCP_HEADER = 60,
};

/* Why a frame is dropped. */
enum frame_drop {
#define FRAME_DROP(name, text) FRAME_DROP_##name,
#include "dataplane/packet/frame_drop.def"
#undef FRAME_DROP
    FRAME_DROPS,
    FRAME_KEEP = FRAME_DROPS, /* no reason to */
};

enum frame_kind { FRAME_ARP, FRAME_TCP, FRAME_ICMP4, FRAME_ICMP6 };

struct frame {
    struct ip_address source, destination; /* not for ARP */
    uint8_t destination_mac[FRAME_MAC];
    uint8_t source_mac[FRAME_MAC];
    uint16_t vlan;   /* the VLAN's id, 0 for none */
    uint16_t l3;     /* offset of the IP or ARP header */
    uint16_t l4;     /* offset of what follows the IP headers; of the ARP packet */
    uint32_t l4_len; /* bytes from there to the end of the packet, the frame's padding left out */
    uint8_t kind;    /* enum frame_kind */
    uint8_t hop_limit;
    uint8_t protocol; /* of what follows the IP headers */
    uint16_t next_at; /* where the field that says so stands in the IP packet */
    uint8_t ecn;
    bool v4;
};

/*
 * `head` is the first min(FRAME_HEAD, frame_len) bytes. Returns FRAME_KEEP, or why the frame is
 * dropped; with FRAME_DROP_protocol_other all of *frame_out but kind is set. Checks lengths and
 * address classes (RFC 1122 section 3.2.1.3, RFC 8200, RFC 4291); not checksums, not whom it is
 * for.
 */
enum frame_drop frame_parse(struct span head, size_t frame_len, struct frame *frame_out);
/* The same for an IPv4 or IPv6 packet without a link's header: l3 is 0, no MAC addresses, no VLAN.
 */
enum frame_drop frame_parse_packet(struct span head, size_t packet_len, struct frame *frame_out);
/* The checksum over an IPv4 header that frame_parse() accepted is right. */
bool frame_ipv4_checksum_good(struct span head, const struct frame *frame);

static inline bool frame_mac_is_group(const uint8_t mac[FRAME_MAC])
{
    return mac[0] & 1;
}

#endif
