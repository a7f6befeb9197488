/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net_state.h"

#include <rte_byteorder.h>

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    PROTOCOL_TCP = 6,
    HOP_LIMIT = 64,
    IPV4_HEADER = 20,
};

/* Where in the IP headers stands what differs from packet to packet. */
enum { ECN = 1, IPV4_LENGTH = 2, IPV4_ID = 4, IPV4_CHECKSUM = 10, IPV6_LENGTH = 4 };

static size_t put_ipv4(uint8_t *to, const struct tcp_segment *s)
{
    struct writer w = writer_of(to, IPV4_HEADER);

    writer_uint(&w, UINT64_C(0x45) << 56 | 0x4000, 8); /* 0x4000: never to be fragmented */
    writer_byte(&w, HOP_LIMIT);
    writer_byte(&w, PROTOCOL_TCP);
    writer_uint(&w, 0, 2);
    writer_span_put(&w, span_of(s->source.bytes + 12, 4));
    writer_span_put(&w, span_of(s->destination.bytes + 12, 4));
    return w.len;
}

static size_t put_ipv6(uint8_t *to, const struct tcp_segment *s)
{
    struct writer w = writer_of(to, NET_IP_HEADER);

    writer_uint(&w, 6u << 28, 4);
    writer_uint(&w, 0, 2);
    writer_byte(&w, PROTOCOL_TCP);
    writer_byte(&w, HOP_LIMIT);
    writer_span_put(&w, span_of(s->source.bytes, 16));
    writer_span_put(&w, span_of(s->destination.bytes, 16));
    return w.len;
}

bool net_route_look(struct net *net, const struct net_own *own, const struct tcp_segment *s,
                    uint64_t now, struct net_route *r)
{
    uint8_t mac[6] = {0}, *ip;

    if (!own || own->state != NET_OURS || !net_next_hop(net, own, &s->destination, &r->hop))
        return false;
    r->source = s->source;
    r->destination = s->destination;
    r->v4 = ip_address_is_v4(&s->source);
    r->resolved = neighbour_resolve(net->neighbours, &r->hop, now, mac);
    r->link = (uint8_t)net_link_header(net, r->headers, mac, r->v4 ? TYPE_IPV4 : TYPE_IPV6);
    ip = r->headers + r->link;
    r->headers_len = (uint8_t)(r->link + (r->v4 ? put_ipv4(ip, s) : put_ipv6(ip, s)));
    r->ipv4 = r->pseudo = (struct checksum){0};
    checksum_add(&r->ipv4, ip, IPV4_HEADER);
    checksum_pseudo(&r->pseudo, &s->source, &s->destination, PROTOCOL_TCP, 0);
    return true;
}

/* Addresses in a row, as those of one network are, lie in slots of their own (Fibonacci hashing).
 */
static struct net_route *slot_of(struct net *net, const struct tcp_segment *s)
{
    uint32_t from, to;

    memcpy(&from, s->source.bytes + 12, 4);
    memcpy(&to, s->destination.bytes + 12, 4);
    return &net->routes[rte_be_to_cpu_32(from ^ to) * 0x9e3779b1u >> (32 - NET_ROUTE_BITS)];
}

const struct net_route *net_route_find(struct net *net, const struct tcp_segment *s, uint64_t now)
{
    struct net_route *r = slot_of(net, s);

    if (r->turn == net->turn && ip_address_equal(&r->destination, &s->destination) &&
        ip_address_equal(&r->source, &s->source))
        return r;
    r->turn = 0;
    if (!net_route_look(net, net_own(net, &s->source), s, now, r))
        return NULL;
    r->turn = r->resolved ? net->turn : 0;
    return r;
}

void net_route_forget(struct net *net)
{
    net->turn = net->turn == UINT32_MAX ? 1 : net->turn + 1;
}

static void put_uint16(uint8_t *at, uint16_t value, uint64_t *sum)
{
    value = rte_cpu_to_be_16(value);
    memcpy(at, &value, sizeof(value));
    *sum += value;
}

static void finish_ipv4(struct net *net, const struct net_route *r, uint8_t *ip, uint8_t ecn,
                        uint32_t len)
{
    struct checksum sum = r->ipv4;
    uint16_t check;

    ip[ECN] = ecn;
    sum.sum += rte_cpu_to_be_16(ecn); /* the lower byte of its word */
    put_uint16(ip + IPV4_LENGTH, (uint16_t)(len + IPV4_HEADER), &sum.sum);
    put_uint16(ip + IPV4_ID, net->ip_id++, &sum.sum);
    check = checksum_final(&sum);
    memcpy(ip + IPV4_CHECKSUM, &check, sizeof(check));
}

uint8_t *net_route_headers(struct net *net, const struct net_route *r, struct rte_mbuf *frame,
                           uint8_t ecn, uint32_t len)
{
    uint8_t *at = rte_pktmbuf_mtod(frame, uint8_t *), *ip = at + r->link;
    uint64_t unused = 0;

    /* All of it, whatever there is: a copy of a length that is known takes a few vectors. */
    memcpy(at, r->headers, sizeof(r->headers));
    if (r->v4) {
        finish_ipv4(net, r, ip, ecn, len);
    } else {
        ip[ECN] |= (uint8_t)(ecn << 4);
        put_uint16(ip + IPV6_LENGTH, (uint16_t)len, &unused);
    }
    frame->data_len = r->headers_len;
    frame->pkt_len = r->headers_len;
    return at + r->headers_len;
}
