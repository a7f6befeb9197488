/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net_state.h"

enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd };

/* The packet's bytes behind the headers, in as many pieces as they need. */
static bool append(struct net *net, struct rte_mbuf *frame, struct span bytes)
{
    struct rte_mbuf *tail = frame;

    while (bytes.len) {
        uint32_t room = rte_pktmbuf_tailroom(tail);
        struct span part = span_head(bytes, room);

        memcpy(rte_pktmbuf_mtod_offset(tail, uint8_t *, tail->data_len), part.data, part.len);
        tail->data_len = (uint16_t)(tail->data_len + part.len);
        frame->pkt_len += (uint32_t)part.len;
        bytes = span_skip(bytes, part.len);
        if (!bytes.len)
            break;
        tail->next = frame_pool_take(net->pool);
        if (!tail->next)
            return false;
        tail = tail->next;
        frame->nb_segs++;
    }
    return true;
}

bool net_make(struct net *net, const struct fragment_packet *packet)
{
    const struct frame *f = &packet->frame;
    struct rte_mbuf *frame;
    uint8_t *ip;

    if (net->made_count == NET_MADE)
        return false;
    frame = net_frame(net, net->options.mac, f->v4 ? TYPE_IPV4 : TYPE_IPV6);
    if (!frame)
        return false;
    memcpy(rte_pktmbuf_mtod_offset(frame, uint8_t *, FRAME_MAC), f->source_mac, FRAME_MAC);
    ip = rte_pktmbuf_mtod_offset(frame, uint8_t *, frame->data_len);
    net_ip_header(net, frame,
                  &(struct net_ip){.source = &f->source,
                                   .destination = &f->destination,
                                   .protocol = f->protocol,
                                   .hop_limit = f->hop_limit,
                                   .len = packet->total});
    ip[1] |= (uint8_t)(f->v4 ? f->ecn : f->ecn << 4);
    if (!append(net, frame, span_of(packet->bytes, packet->total))) {
        frame_pool_give(net->pool, &frame, 1);
        return false;
    }
    /* Each fragment's header was right; this one is ours. The segment's sum is still to be seen. */
    frame->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    frame_note(frame)->way = FRAME_WAY_WHOLE;
    net->made[net->made_count++] = frame;
    return true;
}
