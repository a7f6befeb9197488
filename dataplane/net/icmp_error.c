/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/icmp_error.h"

#include "dataplane/packet/checksum.h"

enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, PROTOCOL_ICMP = 1, UDP = 17, PROTOCOL_ICMP6 = 58 };
enum {
    V4_UNREACHABLE = 3,
    V4_PROTOCOL = 2,
    V4_PORT = 3,
    V6_UNREACHABLE = 1,
    V6_PORT = 4,
    V6_PARAMETER = 4,
    V6_NEXT_HEADER = 1,
};
enum { HOP_LIMIT = 64, HEADER = 8, MOST_V4 = 576 - 20 - HEADER, MOST_V6 = 1280 - 40 - HEADER };

struct icmp_error {
    uint8_t type, code;
    uint32_t word; /* what stands behind the checksum */
};

static void put(struct net *net, const struct frame *f, const struct rte_mbuf *m,
                const struct icmp_error *e, struct rte_mbuf *frame)
{
    uint32_t len = f->l4 - f->l3 + f->l4_len, most = f->v4 ? MOST_V4 : MOST_V6;
    struct checksum sum = {0};
    uint8_t head[HEADER] = {e->type, e->code};
    struct writer w = writer_of(head + 4, 4);
    const uint8_t *quoted;
    uint8_t *to;
    uint16_t check;

    len = len < most ? len : most;
    quoted = rte_pktmbuf_read(m, f->l3, len, net->whole);
    writer_uint(&w, e->word, 4);
    net_ip_header(net, frame,
                  &(struct net_ip){.source = &f->destination,
                                   .destination = &f->source,
                                   .protocol = f->v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6,
                                   .hop_limit = HOP_LIMIT,
                                   .len = HEADER + len});
    to = (uint8_t *)rte_pktmbuf_append(frame, (uint16_t)(HEADER + len));
    memcpy(to, head, HEADER);
    memcpy(to + HEADER, quoted, len);
    if (!f->v4)
        checksum_pseudo(&sum, &f->destination, &f->source, PROTOCOL_ICMP6, HEADER + len);
    checksum_add(&sum, to, HEADER + len);
    check = checksum_final(&sum);
    memcpy(to + 2, &check, 2);
}

static void send_error(struct net *net, const struct frame *f, const struct rte_mbuf *m,
                       const struct icmp_error *e, uint64_t now)
{
    const struct net_own *own = net_own(net, &f->destination);
    struct ip_address hop;
    struct rte_mbuf *frame;

    if (!net_bucket_take(&net->errors, NET_ERRORS, now)) {
        net_count(net, NET_errors_limited);
        return;
    }
    if (!own || !net_next_hop(net, own, &f->source, &hop)) {
        net_count(net, NET_route_none);
        return;
    }
    frame = net_frame(net, f->source_mac, f->v4 ? TYPE_IPV4 : TYPE_IPV6);
    if (!frame)
        return;
    put(net, f, m, e, frame);
    net_count(net, NET_errors_out);
    net_send_to(net, frame, &hop, now);
}

void icmp_error_protocol(struct net *net, const struct frame *f, const struct rte_mbuf *m,
                         uint64_t now)
{
    struct icmp_error e = {.type = f->v4 ? V4_UNREACHABLE : V6_UNREACHABLE};

    if (frame_mac_is_group(f->destination_mac) || f->protocol == PROTOCOL_ICMP ||
        f->protocol == PROTOCOL_ICMP6)
        return;
    if (f->protocol == UDP) {
        e.code = f->v4 ? V4_PORT : V6_PORT;
    } else if (f->v4) {
        e.code = V4_PROTOCOL;
    } else {
        e = (struct icmp_error){V6_PARAMETER, V6_NEXT_HEADER, f->next_at};
    }
    send_error(net, f, m, &e, now);
}
