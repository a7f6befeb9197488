/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net_state.h"

#include <rte_byteorder.h>

enum { TCP_HEADER = 20, WORDS = 5, LAST_CUT_ONLY = TCP_FIN | TCP_PSH };

/* What is alike in all cuts of a segment. */
struct cutting {
    struct net *net;
    const struct tcp_segment *segment;
    const struct net_route *route;
    uint32_t mss; /* payload bytes a frame on the wire */
};

/* Appends up to `len` bytes of the send queue to `tail`, summing them on the way. Returns what was
 * appended. */
static uint32_t append(const struct cutting *c, struct rte_mbuf *frame, struct rte_mbuf *tail,
                       uint32_t offset, uint32_t len, struct checksum *sum)
{
    uint32_t done = 0, room = rte_pktmbuf_tailroom(tail);

    len = len < room ? len : room;
    while (done < len) {
        struct span from =
            sendq_at(c->segment->queue, c->segment->offset + offset + done, len - done);
        uint8_t *to = rte_pktmbuf_mtod_offset(tail, uint8_t *, tail->data_len);

        if (from.len == 0)
            break;
        if (sum)
            checksum_copy(sum, to, from.data, from.len);
        else
            memcpy(to, from.data, from.len);
        tail->data_len = (uint16_t)(tail->data_len + from.len);
        frame->pkt_len += (uint32_t)from.len;
        done += (uint32_t)from.len;
    }
    return done;
}

/* Fills a frame, and further pieces of a chain where the port sends chains. */
static bool fill(const struct cutting *c, struct rte_mbuf *frame, uint32_t offset, uint32_t len,
                 struct checksum *sum)
{
    struct rte_mbuf *tail = frame;
    uint32_t done = append(c, frame, tail, offset, len, sum);

    while (done < len) {
        uint32_t n;

        if (!c->net->options.port.tx_chains || rte_pktmbuf_tailroom(tail))
            return false; /* the queue ended early */
        tail->next = frame_pool_take(c->net->pool);
        if (!tail->next)
            return false;
        tail = tail->next;
        frame->nb_segs++;
        n = append(c, frame, tail, offset + done, len - done, sum);
        if (n == 0)
            return false;
        done += n;
    }
    return true;
}

/* The fixed header and the options; the checksum is 0. Their sum is taken from the words on their
 * way. */
static void put_tcp_header(const struct cutting *c, uint8_t *to, uint32_t offset, uint8_t flags,
                           struct checksum *sum)
{
    const struct tcp_segment *s = c->segment;
    uint32_t length = (TCP_HEADER + s->options_len) / 4u;
    uint32_t words[WORDS] = {
        rte_cpu_to_be_32((uint32_t)s->source_port << 16 | s->destination_port),
        rte_cpu_to_be_32(s->seq + offset),
        rte_cpu_to_be_32(s->ack),
        rte_cpu_to_be_32(length << 28 | (uint32_t)flags << 16 | s->window),
        0,
    };

    memcpy(to, words, TCP_HEADER);
    sum->sum += (uint64_t)words[0] + words[1] + words[2] + words[3];
    for (uint32_t at = 0; at < s->options_len; at += 4) {
        memcpy(words, s->options + at, 4);
        memcpy(to + TCP_HEADER + at, words, 4);
        sum->sum += words[0];
    }
}

/* The port finishes what it offers to; where it cuts, it adds the lengths itself. */
static void program_offloads(const struct cutting *c, struct rte_mbuf *frame, bool super)
{
    const struct port_capabilities *port = &c->net->options.port;
    const struct net_route *r = c->route;

    frame->l2_len = r->link;
    frame->l3_len = (uint64_t)(r->headers_len - r->link);
    frame->l4_len = TCP_HEADER + c->segment->options_len;
    frame->ol_flags |= r->v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
    if (r->v4 && (port->tx_ipv4_checksum || super))
        frame->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
    frame->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
    if (super) {
        frame->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
        frame->tso_segsz = (uint16_t)c->mss;
    }
}

/* A word of the sum, in memory order. */
static uint16_t length_in_sum(uint32_t len)
{
    return rte_cpu_to_be_16((uint16_t)len);
}

/* One frame with `len` bytes of payload from `offset`. NULL: none was to be had, or the queue ended
 * early. */
static struct rte_mbuf *cut(const struct cutting *c, uint32_t offset, uint32_t len, uint8_t flags)
{
    const struct tcp_segment *s = c->segment;
    bool super = len > c->mss, in_port = c->net->options.port.tx_tcp_checksum;
    uint32_t header_len = TCP_HEADER + s->options_len;
    struct rte_mbuf *frame = frame_pool_take(c->net->pool);
    struct checksum sum = c->route->pseudo, header_sum = {0};
    uint16_t field;
    uint8_t *header;

    if (!frame) {
        net_count(c->net, NET_frame_none);
        return NULL;
    }
    header = net_route_headers(c->net, c->route, frame, s->ecn & 3, header_len + len);
    put_tcp_header(c, header, offset, flags, &header_sum);
    frame->data_len = (uint16_t)(frame->data_len + header_len);
    frame->pkt_len = frame->data_len;
    if (!super)
        sum.sum += length_in_sum(header_len + len);
    if (in_port) {
        program_offloads(c, frame, super);
        field = checksum_fold(&sum);
    } else {
        sum.sum += header_sum.sum;
        field = 0;
    }
    if (len && !fill(c, frame, offset, len, in_port ? NULL : &sum)) {
        net_count(c->net, NET_frame_none);
        frame_pool_give(c->net->pool, &frame, 1);
        return NULL;
    }
    if (!in_port)
        field = checksum_final(&sum);
    memcpy(header + 16, &field, 2);
    return frame;
}

/* Payload bytes a frame: an MSS, or as many whole ones as the port cuts by itself. What has to wait
 * for its neighbour is not made large, so that little waits. */
static uint32_t choose_step(struct cutting *c)
{
    const struct port_capabilities *port = &c->net->options.port;
    const struct net_route *r = c->route;
    uint32_t headers = NET_LINK_HEADER + (r->v4 ? 20 : 40) + TCP_HEADER + c->segment->options_len;

    if (c->segment->len <= c->mss || !(r->v4 ? port->tso : port->tso_v6) || !r->resolved ||
        port->tso_frame <= headers)
        return c->mss;
    if (c->mss > port->tso_frame - headers)
        c->mss = port->tso_frame - headers;
    return port->tso_limit > c->mss ? port->tso_limit / c->mss * c->mss : c->mss;
}

/* `route` is NULL where there is none. */
static void output(struct net *net, const struct net_route *route, const struct tcp_segment *s,
                   uint64_t now)
{
    struct cutting c = {.net = net, .segment = s, .route = route, .mss = s->mss};
    uint32_t step, done = 0;

    if (!route || (s->len && !s->mss) || s->options_len > TCP_OPTIONS) {
        net_count(net, NET_route_none);
        return;
    }
    step = choose_step(&c);
    do {
        uint32_t len = s->len - done < step ? s->len - done : step;
        bool last = done + len == s->len;
        struct rte_mbuf *frame =
            cut(&c, done, len, last ? s->flags : s->flags & (uint8_t)~LAST_CUT_ONLY);

        if (!frame)
            return;
        if (route->resolved)
            net_send(net, frame);
        else
            net_send_to(net, frame, &route->hop, now);
        done += len;
    } while (done < s->len);
}

void net_output(struct net *net, const struct tcp_segment *s, uint64_t now)
{
    output(net, net_route_find(net, s, now), s, now);
}

void net_output_claimed(struct net *net, const struct tcp_segment *s, uint64_t now)
{
    const struct net_own *own =
        net_claims(net, &s->source) ? net_source_for(net, &s->destination) : NULL;
    struct net_route route;

    output(net, net_route_look(net, own, s, now, &route) ? &route : NULL, s, now);
}
