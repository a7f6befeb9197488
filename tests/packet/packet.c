/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/packet.h"

const uint8_t packet_our_mac[6] = {2, 0, 0, 0, 0, 2};
const uint8_t packet_peer_mac[6] = {2, 0, 0, 0, 0, 1};
const uint8_t packet_broadcast[6] = {255, 255, 255, 255, 255, 255};

uint8_t packet_byte(uint32_t offset)
{
    return (uint8_t)(offset * 7 + offset / 251);
}

struct ip_address packet_ip(const char *text)
{
    struct ip_address a = {0};

    ip_address_parse(span_text(text), &a);
    return a;
}

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

void packet_append(struct packet *p, const void *bytes, size_t len)
{
    memcpy(p->bytes + p->len, bytes, len);
    p->len += len;
}

void packet_ethernet(struct packet *p, const uint8_t to[6], uint16_t vlan, uint16_t type)
{
    uint8_t two[2];

    p->len = 0;
    packet_append(p, to, 6);
    packet_append(p, packet_peer_mac, 6);
    if (vlan) {
        packet_append(p, "\x81\x00", 2);
        put16(two, vlan);
        packet_append(p, two, 2);
    }
    put16(two, type);
    packet_append(p, two, 2);
    p->l3 = p->len;
}

void packet_ip_header(struct packet *p, struct ip_address source, struct ip_address destination,
                      uint8_t protocol, uint8_t hop_limit)
{
    uint8_t v4[12] = {0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, hop_limit, protocol, 0, 0};
    uint8_t v6[8] = {0x60, 0, 0, 0, 0, 0, protocol, hop_limit};

    p->v4 = ip_address_is_v4(&destination);
    if (p->v4) {
        packet_append(p, v4, 12);
        packet_append(p, source.bytes + 12, 4);
        packet_append(p, destination.bytes + 12, 4);
    } else {
        packet_append(p, v6, 8);
        packet_append(p, source.bytes, 16);
        packet_append(p, destination.bytes, 16);
    }
    p->l4 = p->len;
}

void packet_tcp(struct packet *p, uint16_t source, uint16_t destination, uint32_t payload)
{
    uint8_t h[24] = {0,    0,    0,    0, 1, 2, 3, 4, 5, 6, 7, 8,
                     0x60, 0x10, 0x20, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4};

    put16(h, source);
    put16(h + 2, destination);
    packet_append(p, h, sizeof(h));
    for (uint32_t i = 0; i < payload; i++)
        p->bytes[p->len++] = packet_byte(i);
}

uint16_t packet_reference_sum(const uint8_t *bytes, size_t len, uint32_t start)
{
    uint64_t sum = start;

    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint16_t transport_sum(const uint8_t *ip, bool v4, uint8_t protocol, const uint8_t *l4,
                              size_t len)
{
    uint32_t pseudo = 0;

    if (!v4 || protocol == 6) {
        pseudo = packet_reference_sum(ip + (v4 ? 12 : 8), v4 ? 8 : 32, 0);
        pseudo += protocol + (uint32_t)len;
    }
    return packet_reference_sum(l4, len, pseudo);
}

void packet_finish(struct packet *p, uint8_t protocol, size_t sum_at)
{
    uint8_t *ip = p->bytes + p->l3, *l4 = p->bytes + p->l4;
    size_t len = p->len - p->l4;

    if (p->v4) {
        put16(ip + 2, (uint32_t)(p->len - p->l3));
        put16(ip + 10, 0);
        put16(ip + 10, (uint16_t)~packet_reference_sum(ip, p->l4 - p->l3, 0));
    } else {
        put16(ip + 4, (uint32_t)(p->len - p->l3 - 40));
    }
    put16(l4 + sum_at, 0);
    put16(l4 + sum_at, (uint16_t)~transport_sum(ip, p->v4, protocol, l4, len));
}

bool packet_sum_good(struct span frame, size_t link)
{
    const uint8_t *ip = frame.data + link;
    bool v4 = ip[0] >> 4 == 4;
    size_t header = v4 ? 20 : 40,
           len = v4 ? (size_t)(ip[2] << 8 | ip[3]) - 20 : (size_t)(ip[4] << 8 | ip[5]);

    if (v4 && packet_reference_sum(ip, 20, 0) != 0xffff)
        return false;
    return link + header + len <= frame.len &&
           transport_sum(ip, v4, v4 ? ip[9] : ip[6], ip + header, len) == 0xffff;
}

void packet_arp(struct packet *p, const uint8_t to[6], uint16_t operation, const char *sender,
                const char *target)
{
    uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, (uint8_t)operation}, nobody[6] = {0};
    struct ip_address s = packet_ip(sender), t = packet_ip(target);

    packet_ethernet(p, to, PACKET_VLAN_NONE, 0x0806);
    packet_append(p, head, 8);
    packet_append(p, packet_peer_mac, 6);
    packet_append(p, s.bytes + 12, 4);
    packet_append(p, operation == 2 ? packet_our_mac : nobody, 6);
    packet_append(p, t.bytes + 12, 4);
}

void packet_ndp(struct packet *p, uint8_t type, const char *source, const char *destination,
                const char *target, uint8_t flags, uint8_t option)
{
    struct ip_address d = packet_ip(destination), t = packet_ip(target);
    uint8_t head[8] = {type, 0, 0, 0, flags, 0, 0, 0}, opt[2] = {option, 1};
    uint8_t group[6] = {0x33, 0x33, d.bytes[12], d.bytes[13], d.bytes[14], d.bytes[15]};

    packet_ethernet(p, d.bytes[0] == 0xff ? group : packet_our_mac, PACKET_VLAN_NONE, 0x86dd);
    packet_ip_header(p, packet_ip(source), d, 58, 255);
    packet_append(p, head, 8);
    packet_append(p, t.bytes, 16);
    if (option) {
        packet_append(p, opt, 2);
        packet_append(p, packet_peer_mac, 6);
    }
    packet_finish(p, 58, 2);
}

void packet_echo(struct packet *p, bool v4, uint32_t len)
{
    uint8_t head[8] = {v4 ? 8 : 128, 0, 0, 0, 0x77, 0x88, 0, 1};

    packet_ethernet(p, packet_our_mac, PACKET_VLAN_NONE, v4 ? 0x0800 : 0x86dd);
    packet_ip_header(p, v4 ? PACKET_PEER4 : PACKET_PEER6, v4 ? PACKET_OURS4 : PACKET_OURS6,
                     v4 ? 1 : 58, 64);
    packet_append(p, head, 8);
    for (uint32_t i = 0; i < len; i++)
        p->bytes[p->len++] = packet_byte(i);
    packet_finish(p, v4 ? 1 : 58, 2);
}

void packet_segment(struct packet *p, bool v4, uint16_t source, uint16_t destination,
                    uint32_t payload)
{
    packet_ethernet(p, packet_our_mac, PACKET_VLAN_NONE, v4 ? 0x0800 : 0x86dd);
    packet_ip_header(p, v4 ? PACKET_PEER4 : PACKET_PEER6, v4 ? PACKET_OURS4 : PACKET_OURS6, 6, 64);
    packet_tcp(p, source, destination, payload);
    packet_finish(p, 6, 16);
}
