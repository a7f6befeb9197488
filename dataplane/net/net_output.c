/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/checksum.h"
#include "dataplane/net/net_state.h"

#include <rte_byteorder.h>

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    PROTOCOL_TCP = 6,
    HOP_LIMIT = 64,
    TCP_HEADER = 20,
    LAST_CUT_ONLY = TCP_FIN | TCP_PSH,
};

/* What is alike in all cuts of a segment. */
struct cutting {
    struct net *net;
    const struct tcp_segment *segment;
    struct ip_address hop;
    uint8_t mac[6];
    bool resolved, v4;
    uint32_t mss;           /* payload bytes a frame on the wire */
    struct checksum pseudo; /* of the addresses and the protocol, for a length of 0 */
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

static uint8_t *put_tcp_header(const struct cutting *c, struct rte_mbuf *frame, uint32_t offset,
                               uint8_t flags)
{
    const struct tcp_segment *s = c->segment;
    uint16_t len = (uint16_t)(TCP_HEADER + s->options_len);
    uint8_t *header = (uint8_t *)rte_pktmbuf_append(frame, len);
    struct writer w = writer_of(header, len);

    writer_uint(&w, s->source_port, 2);
    writer_uint(&w, s->destination_port, 2);
    writer_uint(&w, s->seq + offset, 4);
    writer_uint(&w, s->ack, 4);
    writer_byte(&w, (uint8_t)(len / 4 << 4));
    writer_byte(&w, flags);
    writer_uint(&w, s->window, 2);
    writer_uint(&w, 0, 4);
    writer_span_put(&w, span_of(s->options, s->options_len));
    return header;
}

/* The port finishes what it offers to; where it cuts, it adds the lengths itself. */
static void program_offloads(const struct cutting *c, struct rte_mbuf *frame, size_t link,
                             bool super)
{
    const struct port_capabilities *port = &c->net->options.port;

    frame->l2_len = link;
    frame->l3_len = c->v4 ? 20 : 40;
    frame->l4_len = TCP_HEADER + c->segment->options_len;
    frame->ol_flags |= c->v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
    if (c->v4 && (port->tx_ipv4_checksum || super))
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
    const struct port_capabilities *port = &c->net->options.port;
    bool super = len > c->mss, in_port = port->tx_tcp_checksum;
    uint32_t tcp_len = TCP_HEADER + s->options_len + len;
    struct rte_mbuf *frame = net_frame(c->net, c->mac, c->v4 ? TYPE_IPV4 : TYPE_IPV6);
    struct checksum sum = c->pseudo;
    uint16_t link, field;
    uint8_t *header;

    if (!frame)
        return NULL;
    link = frame->data_len;
    net_ip_header(c->net, frame,
                  &(struct net_ip){.source = &s->source,
                                   .destination = &s->destination,
                                   .protocol = PROTOCOL_TCP,
                                   .hop_limit = HOP_LIMIT,
                                   .ecn = s->ecn & 3,
                                   .len = tcp_len});
    header = put_tcp_header(c, frame, offset, flags);
    if (!super)
        sum.sum += length_in_sum(tcp_len);
    if (in_port) {
        program_offloads(c, frame, link, super);
        field = checksum_fold(&sum);
    } else {
        checksum_add(&sum, header, TCP_HEADER + s->options_len);
        field = 0;
    }
    if (!fill(c, frame, offset, len, in_port ? NULL : &sum)) {
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
    uint32_t headers = NET_LINK_HEADER + (c->v4 ? 20 : 40) + TCP_HEADER + c->segment->options_len;

    if (!(c->v4 ? port->tso : port->tso_v6) || c->segment->len <= c->mss || !c->resolved ||
        port->tso_frame <= headers)
        return c->mss;
    if (c->mss > port->tso_frame - headers)
        c->mss = port->tso_frame - headers;
    return port->tso_limit > c->mss ? port->tso_limit / c->mss * c->mss : c->mss;
}

/* `own` is the address whose way it takes; NULL: none. */
static void output(struct net *net, const struct net_own *own, const struct tcp_segment *s,
                   uint64_t now)
{
    struct cutting c = {
        .net = net, .segment = s, .mss = s->mss, .v4 = ip_address_is_v4(&s->source)};
    uint32_t step, done = 0;

    if (!own || own->state != NET_OURS || !net_next_hop(net, own, &s->destination, &c.hop) ||
        (s->len && !s->mss) || s->options_len > TCP_OPTIONS) {
        net_count(net, NET_route_none);
        return;
    }
    c.resolved = neighbour_resolve(net->neighbours, &c.hop, now, c.mac);
    checksum_pseudo(&c.pseudo, &s->source, &s->destination, PROTOCOL_TCP, 0);
    step = choose_step(&c);
    do {
        uint32_t len = s->len - done < step ? s->len - done : step;
        bool last = done + len == s->len;
        struct rte_mbuf *frame =
            cut(&c, done, len, last ? s->flags : s->flags & (uint8_t)~LAST_CUT_ONLY);

        if (!frame)
            return;
        if (c.resolved)
            net_send(net, frame);
        else
            net_send_to(net, frame, &c.hop, now);
        done += len;
    } while (done < s->len);
}

void net_output(struct net *net, const struct tcp_segment *s, uint64_t now)
{
    output(net, net_own(net, &s->source), s, now);
}

void net_output_claimed(struct net *net, const struct tcp_segment *s, uint64_t now)
{
    output(net, net_claims(net, &s->source) ? net_source_for(net, &s->destination) : NULL, s, now);
}
