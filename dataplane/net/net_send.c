/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/checksum.h"
#include "dataplane/net/net_state.h"

enum { TYPE_VLAN = 0x8100, TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd };

static bool in_prefix(const struct net_own *own, const struct ip_address *address)
{
    uint64_t a[2], b[2];

    memcpy(a, own->a.address.bytes, sizeof(a));
    memcpy(b, address->bytes, sizeof(b));
    return !((a[0] ^ b[0]) & own->mask[0]) && !((a[1] ^ b[1]) & own->mask[1]) &&
           ip_address_is_v4(&own->a.address) == ip_address_is_v4(address);
}

bool net_claims(const struct net *net, const struct ip_address *address)
{
    const struct net_address *claim = &net->options.claim;

    return net->options.claims && ip_address_inside(address, &claim->address, claim->prefix);
}

bool net_on_link(const struct net *net, const struct ip_address *address)
{
    for (uint32_t i = 0; i < net->own_count; i++)
        if (in_prefix(&net->own[i], address))
            return true;
    return false;
}

bool net_next_hop(const struct net *net, const struct net_own *source,
                  const struct ip_address *destination, struct ip_address *hop_out)
{
    if (in_prefix(source, destination) || net_on_link(net, destination)) {
        *hop_out = *destination;
        return true;
    }
    *hop_out = source->a.gateway;
    return source->a.has_gateway;
}

const struct net_own *net_source_for(const struct net *net, const struct ip_address *destination)
{
    const struct net_own *any = NULL;

    for (uint32_t i = 0; i < net->own_count; i++) {
        const struct net_own *own = &net->own[i];

        if (own->state != NET_OURS ||
            ip_address_is_v4(&own->a.address) != ip_address_is_v4(destination))
            continue;
        if (in_prefix(own, destination))
            return own;
        any = any ? any : own;
    }
    return any;
}

size_t net_link_header(const struct net *net, uint8_t *to, const uint8_t destination[6],
                       uint16_t type)
{
    struct writer w = writer_of(to, NET_LINK_HEADER);

    writer_span_put(&w, span_of(destination, FRAME_MAC));
    writer_span_put(&w, span_of(net->options.mac, FRAME_MAC));
    if (net->options.vlan) {
        writer_uint(&w, TYPE_VLAN, 2);
        writer_uint(&w, net->options.vlan, 2);
    }
    writer_uint(&w, type, 2);
    return w.len;
}

struct rte_mbuf *net_frame(struct net *net, const uint8_t destination[6], uint16_t type)
{
    struct rte_mbuf *frame = frame_pool_take(net->pool);
    uint8_t header[NET_LINK_HEADER];
    size_t len;

    if (!frame) {
        net_count(net, NET_frame_none);
        return NULL;
    }
    len = net_link_header(net, header, destination, type);
    memcpy(rte_pktmbuf_append(frame, (uint16_t)len), header, len);
    return frame;
}

void net_send(struct net *net, struct rte_mbuf *frame)
{
    if (frame_queue_put(net->out, frame)) {
        net_count(net, NET_frames_out);
        return;
    }
    net_count(net, NET_out_full);
    frame_pool_give(net->pool, &frame, 1);
}

void net_send_to(struct net *net, struct rte_mbuf *frame, const struct ip_address *hop,
                 uint64_t now)
{
    uint8_t *mac = rte_pktmbuf_mtod(frame, uint8_t *);
    struct rte_mbuf *dropped;

    if (neighbour_resolve(net->neighbours, hop, now, mac)) {
        net_send(net, frame);
        return;
    }
    dropped = neighbour_hold(net->neighbours, hop, frame);
    if (dropped) {
        net_count(net, NET_neighbour_dropped);
        frame_pool_give(net->pool, &dropped, 1);
    }
}

bool net_learn(struct net *net, const struct ip_address *address, const uint8_t mac[6],
               enum neighbour_news news, uint64_t now)
{
    struct neighbour_frames ready;
    bool known = neighbour_learn(net->neighbours, address, mac, news, now, &ready);

    net_route_forget(net);
    for (uint32_t i = 0; i < ready.count; i++) {
        memcpy(rte_pktmbuf_mtod(ready.frames[i], uint8_t *), mac, FRAME_MAC);
        net_send(net, ready.frames[i]);
    }
    return known;
}

static void ipv4_header(struct net *net, uint8_t *h, const struct net_ip *ip)
{
    struct writer w = writer_of(h, 20);
    struct checksum sum = {0};
    uint16_t check;

    writer_uint(&w, 0x4500u | ip->ecn, 2);
    writer_uint(&w, ip->len + 20, 2);
    writer_uint(&w, net->ip_id++, 2);
    writer_uint(&w, 0x4000, 2); /* never to be fragmented */
    writer_byte(&w, ip->hop_limit);
    writer_byte(&w, ip->protocol);
    writer_uint(&w, 0, 2);
    writer_span_put(&w, span_of(ip->source->bytes + 12, 4));
    writer_span_put(&w, span_of(ip->destination->bytes + 12, 4));
    checksum_add(&sum, h, 20);
    check = checksum_final(&sum);
    memcpy(h + 10, &check, 2);
}

void net_ip_header(struct net *net, struct rte_mbuf *frame, const struct net_ip *ip)
{
    struct writer w;

    if (ip_address_is_v4(ip->destination)) {
        ipv4_header(net, (uint8_t *)rte_pktmbuf_append(frame, 20), ip);
        return;
    }
    w = writer_of(rte_pktmbuf_append(frame, 40), 40);
    writer_uint(&w, UINT64_C(6) << 28 | (uint64_t)ip->ecn << 20, 4);
    writer_uint(&w, ip->len, 2);
    writer_byte(&w, ip->protocol);
    writer_byte(&w, ip->hop_limit);
    writer_span_put(&w, span_of(ip->source->bytes, 16));
    writer_span_put(&w, span_of(ip->destination->bytes, 16));
}

void net_group_mac(const struct ip_address *group, uint8_t mac_out[6])
{
    mac_out[0] = mac_out[1] = 0x33; /* RFC 2464 section 7 */
    memcpy(mac_out + 2, group->bytes + 12, 4);
}
