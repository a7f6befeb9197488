/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/capture/layers.h"

#include "dataplane/packet/checksum.h"

void layers_init(struct layers *l, struct span payload)
{
    l->len = 0;
    layers_front(l, payload);
}

static uint8_t *front(struct layers *l)
{
    return l->bytes + LAYERS_MAX - l->len;
}

struct span layers_span(const struct layers *l)
{
    return span_of(l->bytes + LAYERS_MAX - l->len, l->len);
}

void layers_front(struct layers *l, struct span bytes)
{
    l->len += bytes.len;
    if (bytes.len)
        memcpy(front(l), bytes.data, bytes.len);
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void layers_tcp_sum(struct layers *l, const struct ip_address *source,
                    const struct ip_address *destination)
{
    struct checksum c = {0};
    uint16_t sum;

    memset(front(l) + 16, 0, 2);
    checksum_pseudo(&c, source, destination, 6, (uint32_t)l->len);
    checksum_add(&c, front(l), l->len);
    sum = checksum_final(&c);
    memcpy(front(l) + 16, &sum, 2);
}

static void ip4(struct layers *l, const struct layers_ip *ip)
{
    uint8_t h[20] = {0x45};
    struct checksum c = {0};
    uint16_t sum;

    put16(h + 2, l->len + 20);
    put16(h + 4, ip->identification);
    put16(h + 6, ip->offset / 8 | (ip->more ? 0x2000 : 0));
    h[8] = ip->hop_limit;
    h[9] = ip->protocol;
    memcpy(h + 12, ip->source.bytes + 12, 4);
    memcpy(h + 16, ip->destination.bytes + 12, 4);
    checksum_add(&c, h, 20);
    sum = checksum_final(&c);
    memcpy(h + 10, &sum, 2);
    layers_front(l, span_of(h, 20));
}

static void ip6(struct layers *l, const struct layers_ip *ip)
{
    uint8_t h[40] = {0x60}, fragment[8] = {ip->protocol};
    bool part = ip->offset || ip->more;

    if (part) {
        put16(fragment + 2, ip->offset | ip->more);
        put16(fragment + 4, ip->identification >> 16);
        put16(fragment + 6, ip->identification);
        layers_front(l, span_of(fragment, 8));
    }
    put16(h + 4, l->len);
    h[6] = part ? 44 : ip->protocol;
    h[7] = ip->hop_limit;
    memcpy(h + 8, ip->source.bytes, 16);
    memcpy(h + 24, ip->destination.bytes, 16);
    layers_front(l, span_of(h, 40));
}

void layers_ip(struct layers *l, const struct layers_ip *ip)
{
    if (ip_address_is_v4(&ip->source))
        ip4(l, ip);
    else
        ip6(l, ip);
}

void layers_udp(struct layers *l, uint16_t port)
{
    uint8_t h[8] = {0xc0, 0};

    put16(h + 2, port);
    put16(h + 4, l->len + 8);
    layers_front(l, span_of(h, 8));
}

void layers_vlan(struct layers *l, uint16_t inner)
{
    uint8_t h[4] = {0, 7};

    put16(h + 2, inner);
    layers_front(l, span_of(h, 4));
}

void layers_ethernet(struct layers *l, uint16_t type)
{
    uint8_t h[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

    put16(h + 12, type);
    layers_front(l, span_of(h, 14));
}

uint16_t layers_ip_type(const struct layers *l)
{
    return layers_span(l).data[0] >> 4 == 4 ? 0x0800 : 0x86dd;
}
