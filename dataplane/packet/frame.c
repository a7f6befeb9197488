/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/frame.h"

#include "dataplane/packet/checksum.h"
#include "proto/base/cursor.h"

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_ARP = 0x0806,
    TYPE_VLAN = 0x8100,
    TYPE_IPV6 = 0x86dd,
    TYPE_QINQ = 0x88a8,
    VLAN_ID = 0x0fff,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    ARP_PACKET = 28,  /* for IPv4 over Ethernet, RFC 826 */
    LINK_HEADER = 14, /* without a tag */
};

enum protocol {
    HOP_BY_HOP = 0,
    ICMP = 1,
    TCP = 6,
    ROUTING = 43,
    FRAGMENT = 44,
    ICMP6 = 58,
    DESTINATION = 60
};

static bool v4_source_bad(const uint8_t *a)
{
    static const uint8_t any[4];

    return a[0] == 127 || a[0] >= 224 || memcmp(a, any, 4) == 0;
}

/* Groups never send; :: does, but only neighbour discovery's probes (RFC 4862), which come as
 * ICMPv6. */
static bool v6_source_bad(const uint8_t *a, uint8_t protocol)
{
    static const uint8_t low[15];

    return a[0] == 0xff ||
           (memcmp(a, low, 15) == 0 && (a[15] == 1 || (a[15] == 0 && protocol != ICMP6)));
}

/* Mapped addresses are our own notation; on the wire they would be an IPv4 address by the back
 * door. */
static bool v6_is_mapped(const uint8_t *a)
{
    struct ip_address address = ip_address_v6(a);

    return ip_address_is_v4(&address);
}

static enum frame_drop upper(struct frame *f, uint8_t protocol)
{
    f->protocol = protocol;
    if (f->l4 > FRAME_HEAD - FRAME_TCP_HEADER)
        return FRAME_DROP_ip_headers;
    if (protocol == TCP)
        f->kind = FRAME_TCP;
    else if (protocol == (f->v4 ? ICMP : ICMP6))
        f->kind = f->v4 ? FRAME_ICMP4 : FRAME_ICMP6;
    else
        return FRAME_DROP_protocol_other;
    return FRAME_KEEP;
}

/* RFC 791 section 3.1. Options are stepped over. */
static enum frame_drop ipv4(struct cursor c, size_t left, struct frame *f)
{
    struct span h = cursor_take(&c, IPV4_HEADER);
    size_t header, total;

    if (c.bad)
        return FRAME_DROP_frame_short;
    header = (size_t)(h.data[0] & 15) * 4;
    total = (size_t)h.data[2] << 8 | h.data[3];
    if (h.data[0] >> 4 != 4 || header < IPV4_HEADER || total < header)
        return FRAME_DROP_ip_malformed;
    if (total > left)
        return FRAME_DROP_frame_truncated;
    cursor_take(&c, header - IPV4_HEADER);
    if (c.bad)
        return FRAME_DROP_frame_short;
    if (v4_source_bad(h.data + 12))
        return FRAME_DROP_ip_source;
    f->v4 = true;
    f->next_at = 9;
    f->ecn = h.data[1] & 3;
    f->hop_limit = h.data[8];
    f->source = ip_address_v4(h.data + 12);
    f->destination = ip_address_v4(h.data + 16);
    f->l4 = (uint16_t)(f->l3 + header);
    f->l4_len = (uint32_t)(total - header);
    f->protocol = h.data[9];
    f->fragment_id = (uint32_t)h.data[4] << 8 | h.data[5];
    f->fragment_more = h.data[6] & 0x20;
    f->fragment_offset = (uint16_t)((h.data[6] << 8 | h.data[7]) << 3);
    if (f->fragment_more || f->fragment_offset)
        return FRAME_DROP_fragment;
    return upper(f, h.data[9]);
}

/*
 * What nearly every frame is: IPv4 without options, not a fragment, with TCP in it. False: it may
 * be anything else, and nothing is set.
 */
static bool plain_tcp(struct span head, size_t frame_len, struct frame *f)
{
    const uint8_t *ip = head.data + LINK_HEADER;
    uint32_t total;

    if (head.len < LINK_HEADER + IPV4_HEADER || head.data[12] != TYPE_IPV4 >> 8 ||
        head.data[13] != (TYPE_IPV4 & 0xff) || ip[0] != 0x45 || (ip[6] & 0x3f) || ip[7] ||
        ip[9] != TCP)
        return false;
    total = (uint32_t)ip[2] << 8 | ip[3];
    if (total < IPV4_HEADER || total > frame_len - LINK_HEADER || v4_source_bad(ip + 12))
        return false;
    *f = (struct frame){.source = ip_address_v4(ip + 12),
                        .destination = ip_address_v4(ip + 16),
                        .l3 = LINK_HEADER,
                        .l4 = LINK_HEADER + IPV4_HEADER,
                        .l4_len = total - IPV4_HEADER,
                        .kind = FRAME_TCP,
                        .hop_limit = ip[8],
                        .protocol = TCP,
                        .next_at = 9,
                        .ecn = ip[1] & 3,
                        .v4 = true,
                        .fragment_id = (uint32_t)ip[4] << 8 | ip[5]};
    memcpy(f->destination_mac, head.data, FRAME_MAC);
    memcpy(f->source_mac, head.data + FRAME_MAC, FRAME_MAC);
    return true;
}

/* RFC 8200 section 4.5. One that is the whole packet is no fragment (RFC 6946). */
static enum frame_drop fragment_header(struct cursor *c, uint8_t *next, struct frame *f)
{
    struct span h = cursor_take(c, 8);

    if (c->bad)
        return FRAME_DROP_ip_headers;
    *next = h.data[0];
    f->fragment_offset = (uint16_t)((h.data[2] << 8 | h.data[3]) & ~7);
    f->fragment_more = h.data[3] & 1;
    f->fragment_id = (uint32_t)h.data[4] << 24 | (uint32_t)h.data[5] << 16 |
                     (uint32_t)h.data[6] << 8 | h.data[7];
    return f->fragment_more || f->fragment_offset ? FRAME_DROP_fragment : FRAME_KEEP;
}

/* Steps over one extension header (RFC 8200 section 4). *next is its type, and then what follows
 * it. */
static enum frame_drop extension(struct cursor *c, uint8_t *next)
{
    uint8_t type = *next;
    struct span h = cursor_take(c, 8);

    if (c->bad)
        return FRAME_DROP_ip_headers;
    if (type == ROUTING && h.data[2] == 0)
        return FRAME_DROP_ip_source_route; /* RFC 5095 */
    if (type == ROUTING && h.data[3] != 0)
        return FRAME_DROP_ip_headers; /* not the last stop, and we do not forward */
    *next = h.data[0];
    cursor_take(c, (size_t)h.data[1] * 8);
    return c->bad ? FRAME_DROP_ip_headers : FRAME_KEEP;
}

static enum frame_drop ipv6(struct cursor c, size_t left, struct frame *f)
{
    struct span h = cursor_take(&c, IPV6_HEADER);
    size_t payload, stepped = 0;
    enum frame_drop why = FRAME_KEEP;
    const uint8_t *start;
    uint8_t next;

    if (c.bad)
        return FRAME_DROP_frame_short;
    payload = (size_t)h.data[4] << 8 | h.data[5];
    if (h.data[0] >> 4 != 6)
        return FRAME_DROP_ip_malformed;
    if (payload > left - IPV6_HEADER)
        return FRAME_DROP_frame_truncated;
    start = c.at;
    next = h.data[6];
    f->next_at = 6;
    for (int i = 0; why == FRAME_KEEP && (next == HOP_BY_HOP || next == ROUTING ||
                                          next == FRAGMENT || next == DESTINATION);
         i++) {
        /* Hop-by-hop options stand first or not at all. */
        if (i == FRAME_EXTENSIONS || (next == HOP_BY_HOP && i))
            return FRAME_DROP_ip_headers;
        f->next_at = (uint16_t)(IPV6_HEADER + (c.at - start));
        why = next == FRAGMENT ? fragment_header(&c, &next, f) : extension(&c, &next);
        if (why != FRAME_KEEP && why != FRAME_DROP_fragment)
            return why;
    }
    stepped = (size_t)(c.at - start);
    if (stepped > payload)
        return FRAME_DROP_ip_headers;
    if (v6_source_bad(h.data + 8, next) || v6_is_mapped(h.data + 8) || v6_is_mapped(h.data + 24))
        return FRAME_DROP_ip_source;
    f->ecn = h.data[1] >> 4 & 3;
    f->hop_limit = h.data[7];
    f->source = ip_address_v6(h.data + 8);
    f->destination = ip_address_v6(h.data + 24);
    f->l4 = (uint16_t)(f->l3 + IPV6_HEADER + stepped);
    f->l4_len = (uint32_t)(payload - stepped);
    f->protocol = next;
    return why == FRAME_KEEP ? upper(f, next) : why;
}

static enum frame_drop arp(size_t left, struct frame *f)
{
    if (left < ARP_PACKET)
        return FRAME_DROP_arp_malformed;
    f->kind = FRAME_ARP;
    f->v4 = true;
    f->l4 = f->l3;
    f->l4_len = ARP_PACKET;
    return FRAME_KEEP;
}

static enum frame_drop parse(struct span head, size_t frame_len, struct frame *f)
{
    struct cursor c = cursor_of(head);
    struct span macs = cursor_take(&c, 2 * FRAME_MAC);
    uint16_t type = cursor_u16(&c);
    size_t left;

    *f = (struct frame){0};
    if (type == TYPE_VLAN) {
        f->vlan = cursor_u16(&c) & VLAN_ID;
        type = cursor_u16(&c);
    }
    if (c.bad)
        return FRAME_DROP_frame_short;
    memcpy(f->destination_mac, macs.data, FRAME_MAC);
    memcpy(f->source_mac, macs.data + FRAME_MAC, FRAME_MAC);
    f->l3 = (uint16_t)(c.at - head.data);
    left = frame_len - f->l3;
    switch (type) {
    case TYPE_ARP:
        return arp(left, f);
    case TYPE_IPV4:
        return ipv4(c, left, f);
    case TYPE_IPV6:
        return ipv6(c, left, f);
    case TYPE_VLAN:
    case TYPE_QINQ:
        return FRAME_DROP_vlan_other;
    default:
        return FRAME_DROP_ethertype_other;
    }
}

enum frame_drop frame_parse(struct span head, size_t frame_len, struct frame *f)
{
    return plain_tcp(head, frame_len, f) ? FRAME_KEEP : parse(head, frame_len, f);
}

enum frame_drop frame_parse_packet(struct span head, size_t packet_len, struct frame *f)
{
    struct cursor c = cursor_of(head);

    *f = (struct frame){0};
    if (!head.len)
        return FRAME_DROP_frame_short;
    return head.data[0] >> 4 == 6 ? ipv6(c, packet_len, f) : ipv4(c, packet_len, f);
}

bool frame_ipv4_checksum_good(struct span head, const struct frame *f)
{
    const uint8_t *header = head.data + f->l3;
    size_t len = (size_t)(f->l4 - f->l3);
    struct checksum c = {0};
    uint32_t words[IPV4_HEADER / 4];

    memcpy(words, header, sizeof(words));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        c.sum += words[i];
    if (len > IPV4_HEADER)
        checksum_add(&c, header + IPV4_HEADER, len - IPV4_HEADER);
    return checksum_fold(&c) == 0xffff;
}
