/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/icmp_error.h"
#include "dataplane/net/net_state.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/tcp/flow_owner.h"

enum { TCP_HEADER = 20, PROTOCOL_TCP = 6, SOLICITATION = 135, ADVERTISEMENT = 136 };
enum { DISCOVERY_FIRST = 133, DISCOVERY_LAST = 137 };
enum { CONFIRM_US = 100000 };

/* One frame on its way through a burst. */
struct arrival {
    struct net *net;
    struct net_burst *burst;
    struct rte_mbuf *mbuf;
    uint32_t index;
    struct span head;
    struct frame frame;
    uint64_t now;
};

/* The first bytes in one run: in place, or gathered from a chain. */
static struct span gather_head(struct net *net, struct rte_mbuf *m, uint32_t index)
{
    uint32_t want = m->pkt_len < FRAME_HEAD ? m->pkt_len : FRAME_HEAD;

    if (m->data_len >= want)
        return span_of(rte_pktmbuf_mtod(m, uint8_t *), want);
    return span_of(rte_pktmbuf_read(m, 0, want, net->heads[index]), want);
}

static bool for_our_mac(const struct net *net, const struct frame *f)
{
    return frame_mac_is_group(f->destination_mac) ||
           memcmp(f->destination_mac, net->options.mac, FRAME_MAC) == 0;
}

/* The tag may stand in the frame, or beside it where the port took it off. An id of 0 is a
 * priority, not a VLAN. */
static bool vlan_is_ours(const struct arrival *a)
{
    uint16_t vlan = a->frame.vlan;

    if (a->mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
        if (vlan)
            return false;
        vlan = a->mbuf->vlan_tci & 0xfff;
    }
    return vlan == a->net->options.vlan;
}

static enum net_counter ip_checksum(const struct arrival *a)
{
    switch (a->mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) {
    case RTE_MBUF_F_RX_IP_CKSUM_BAD:
        return NET_ip_checksum;
    case RTE_MBUF_F_RX_IP_CKSUM_GOOD:
    case RTE_MBUF_F_RX_IP_CKSUM_NONE: /* wrong as it stands, but the port vouches for the packet */
        return NET_KEEP;
    default:
        return frame_ipv4_checksum_good(a->head, &a->frame) ? NET_KEEP : NET_ip_checksum;
    }
}

/* The packet from l4 to its end, as it lies in the chain. False: more pieces than `max`. */
static bool pieces_of(const struct rte_mbuf *m, uint32_t offset, uint32_t len, struct span *out,
                      uint32_t *n_out)
{
    uint32_t n = 0;

    for (; m && len; m = m->next) {
        uint32_t take;

        if (offset >= m->data_len) {
            offset -= m->data_len;
            continue;
        }
        take = m->data_len - offset < len ? m->data_len - offset : len;
        if (n == TCP_PIECES)
            return false;
        out[n++] = span_of(rte_pktmbuf_mtod_offset(m, uint8_t *, offset), take);
        len -= take;
        offset = 0;
    }
    *n_out = n;
    return true;
}

static enum net_counter tcp_checksum(const struct arrival *a, const struct tcp_packet *p)
{
    uint64_t status = a->mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    struct checksum pseudo = {0}, all;
    uint16_t field;

    if (status == RTE_MBUF_F_RX_L4_CKSUM_BAD)
        return NET_tcp_checksum;
    if (status != RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN)
        return NET_KEEP;
    checksum_pseudo(&pseudo, &p->source, &p->destination, PROTOCOL_TCP, a->frame.l4_len);
    all = pseudo;
    if (p->pieces == 1 && p->payload[0].data == p->header.data + p->header.len) {
        checksum_add(&all, p->header.data, p->header.len + p->payload[0].len);
    } else {
        checksum_add(&all, p->header.data, p->header.len);
        for (uint32_t i = 0; i < p->pieces; i++)
            checksum_add(&all, p->payload[i].data, p->payload[i].len);
    }
    if (checksum_fold(&all) == 0xffff)
        return NET_KEEP;
    memcpy(&field, p->header.data + 16, 2);
    return field == checksum_fold(&pseudo) ? NET_tcp_checksum_partial : NET_tcp_checksum;
}

/* Traffic shows that the way to its sender works; ten times a second is enough. */
static void confirm(struct arrival *a, const struct net_own *own)
{
    struct net *net = a->net;
    const uint8_t *source = a->frame.source.bytes;
    struct net_confirmed *c = &net->confirmed[source[15] % NET_CONFIRMED];
    struct ip_address hop;

    if (a->now - c->at < CONFIRM_US && ip_address_equal(&c->source, &a->frame.source) &&
        memcmp(c->mac, a->frame.source_mac, FRAME_MAC) == 0)
        return;
    if (!net_next_hop(net, own, &a->frame.source, &hop))
        return;
    c->source = a->frame.source;
    c->at = a->now;
    memcpy(c->mac, a->frame.source_mac, FRAME_MAC);
    net_learn(net, &hop, a->frame.source_mac, NEIGHBOUR_CONFIRMED, a->now);
}

static void pass_to(struct arrival *a, uint32_t owner)
{
    struct net_burst *b = a->burst;

    b->passed[b->passed_count] = (uint8_t)a->index;
    b->owner[b->passed_count++] = (uint8_t)owner;
    net_count(a->net, NET_frames_passed);
}

/* All fragments of a packet have to meet: ports are in one of them only. */
static bool fragment_passed(struct arrival *a)
{
    const struct net_options *o = &a->net->options;
    uint32_t owner;

    if (o->workers == 1 || frame_note(a->mbuf)->way != FRAME_WAY_PORT)
        return false;
    owner =
        flow_owner_of(flow_owner_hash(&a->frame.source, &a->frame.destination, 0, 0), o->workers);
    if (owner == o->worker)
        return false;
    pass_to(a, owner);
    return true;
}

static enum net_counter fragment(struct arrival *a)
{
    const struct frame *f = &a->frame;
    struct net *net = a->net;
    struct fragment_packet *whole;
    enum net_counter why;
    struct span head;

    if (frame_mac_is_group(f->destination_mac))
        return NET_fragment;
    if (fragment_passed(a))
        return NET_KEEP;
    if (f->l4_len > NET_WHOLE)
        return NET_fragment_bad;
    head = span_head(span_skip(a->head, f->l3), (size_t)(f->l4 - f->l3) + f->l4_len);
    why = fragment_add(net->fragments, f, head,
                       span_of(rte_pktmbuf_read(a->mbuf, f->l4, f->l4_len, net->whole), f->l4_len),
                       a->now, &whole);
    net->counters.row[NET_fragment_evicted] = net->fragments->evicted;
    if (why != NET_KEEP)
        return why;
    net_count(net, NET_fragments_in);
    if (!whole)
        return NET_KEEP;
    net_count(net, net_make(net, whole) ? NET_fragments_whole : NET_fragment_room);
    fragment_done(net->fragments, whole);
    return NET_KEEP;
}

/* Whether the flow belongs to another worker, which then has the frame. */
static bool passed(struct arrival *a, const struct ip_address *source,
                   const struct ip_address *destination, const uint8_t *ports)
{
    const struct net_options *o = &a->net->options;
    uint32_t way = frame_note(a->mbuf)->way, hash, owner;

    if (o->workers == 1 || (way != FRAME_WAY_PORT && way != FRAME_WAY_WHOLE))
        return false;
    hash = flow_owner_hash(source, destination, (uint16_t)(ports[0] << 8 | ports[1]),
                           (uint16_t)(ports[2] << 8 | ports[3]));
    owner = flow_owner_of(hash, o->workers);
    if (owner == o->worker)
        return false;
    pass_to(a, owner);
    return true;
}

static enum net_counter tcp(struct arrival *a, const struct net_own *own)
{
    struct tcp_packet *p = &a->burst->tcp[a->burst->tcp_count];
    const struct frame *f = &a->frame;
    const uint8_t *header = a->head.data + f->l4;
    enum net_counter why;
    uint32_t len;

    if (frame_mac_is_group(f->destination_mac))
        return NET_tcp_multicast;
    if (f->l4_len < TCP_HEADER)
        return NET_tcp_malformed;
    len = (uint32_t)(header[12] >> 4) * 4;
    if (len < TCP_HEADER || len > f->l4_len)
        return NET_tcp_malformed;
    /* A queue is trusted only where it was programmed with our function; see port_rss.h. */
    if ((!a->net->options.port.rss || frame_note(a->mbuf)->way == FRAME_WAY_WHOLE) &&
        passed(a, &f->source, &f->destination, header))
        return NET_KEEP;
    p->source = f->source;
    p->destination = f->destination;
    p->header = span_of(header, len);
    p->ecn = f->ecn;
    if (!pieces_of(a->mbuf, f->l4 + len, f->l4_len - len, p->payload, &p->pieces))
        return NET_pieces;
    why = tcp_checksum(a, p);
    if (why != NET_KEEP)
        return why;
    confirm(a, own);
    net_count(a->net, NET_frames_tcp);
    a->burst->tcp_count++;
    return NET_KEEP;
}

/* All workers keep their own neighbours, so all hear what one of them received. */
static void share(struct arrival *a)
{
    if (a->net->options.workers > 1 && frame_note(a->mbuf)->way == FRAME_WAY_PORT)
        a->burst->learn[a->burst->learn_count++] = (uint8_t)a->index;
}

static enum net_counter whole_packet(struct arrival *a, struct net_packet *out)
{
    const struct frame *f = &a->frame;

    if (f->l4_len > NET_WHOLE)
        return NET_pieces;
    *out = (struct net_packet){
        .frame = f,
        .bytes = span_of(rte_pktmbuf_read(a->mbuf, f->l4, f->l4_len, a->net->whole), f->l4_len),
        .learn_only = frame_note(a->mbuf)->way == FRAME_WAY_LEARN,
    };
    return NET_KEEP;
}

/* An error belongs to the worker whose segment it quotes, wherever its own addresses hash. */
static void error_in(struct arrival *a, const struct net_packet *packet,
                     const struct net_error *error)
{
    const struct tcp_packet *q = &error->quoted;
    struct net_error *keep = &a->burst->errors[a->burst->error_count];

    if (passed(a, &q->source, &q->destination, q->header.data))
        return;
    *keep = *error;
    /* Where the packet was gathered from a chain, the quote would be overwritten by the next one.
     */
    if (packet->bytes.data == a->net->whole) {
        size_t len = q->header.len < FRAME_HEAD ? q->header.len : FRAME_HEAD;

        memcpy(a->net->heads[a->index], q->header.data, len);
        keep->quoted.header = span_of(a->net->heads[a->index], len);
    }
    a->burst->error_count++;
}

static enum net_counter icmp(struct arrival *a)
{
    struct net_packet packet;
    enum net_counter why = whole_packet(a, &packet);
    struct net_error error;
    uint8_t type;

    if (why != NET_KEEP)
        return why;
    type = packet.bytes.len ? packet.bytes.data[0] : 0;
    /* RFC 6980 section 5: discovery does not come in fragments. */
    if (!a->frame.v4 && type >= DISCOVERY_FIRST && type <= DISCOVERY_LAST &&
        frame_note(a->mbuf)->way == FRAME_WAY_WHOLE)
        return NET_ndp_malformed;
    if (!a->frame.v4 && (type == SOLICITATION || type == ADVERTISEMENT))
        share(a);
    if (icmp_input(a->net, &packet, a->now, &error))
        error_in(a, &packet, &error);
    return NET_KEEP;
}

/* ICMPv6 may come to a group of ours while the address behind it is still tentative; detection
 * needs that. */
static enum net_counter icmp6_to_group(struct arrival *a)
{
    static const uint8_t link_groups[12] = {0xff, 2};
    const uint8_t *d = a->frame.destination.bytes;

    if (memcmp(d, link_groups, 11) || a->frame.kind != FRAME_ICMP6)
        return NET_ip_foreign;
    return icmp(a);
}

/* `parsed` is NET_KEEP, NET_fragment, or NET_protocol_other for what we have no use for. */
static enum net_counter ip(struct arrival *a, enum net_counter parsed)
{
    const struct net_own *own = net_own(a->net, &a->frame.destination);
    enum net_counter why = a->frame.v4 ? ip_checksum(a) : NET_KEEP;

    if (why != NET_KEEP)
        return why;
    if (net_own(a->net, &a->frame.source))
        return a->frame.v4 || parsed != NET_KEEP ? NET_ip_source : icmp6_to_group(a);
    /* Who is asked whether it is still there says so; see ndp.c. */
    if (!own && net_claims(a->net, &a->frame.destination))
        return parsed == NET_KEEP && a->frame.kind == FRAME_ICMP6 ? icmp(a) : NET_claimed;
    if (!own)
        return a->frame.v4 || parsed != NET_KEEP ? NET_ip_foreign : icmp6_to_group(a);
    if (own->state != NET_OURS)
        return NET_ip_tentative;
    if (parsed == NET_fragment)
        return fragment(a);
    if (parsed != NET_KEEP) {
        if (frame_note(a->mbuf)->way != FRAME_WAY_LEARN)
            icmp_error_protocol(a->net, &a->frame, a->mbuf, a->now);
        return parsed;
    }
    return a->frame.kind == FRAME_TCP ? tcp(a, own) : icmp(a);
}

static enum net_counter arrive(struct arrival *a)
{
    enum net_counter why = net_counter_of_drop(frame_parse(a->head, a->mbuf->pkt_len, &a->frame));
    struct net_packet packet;

    if (why != NET_KEEP && why != NET_protocol_other && why != NET_fragment)
        return why;
    if (!for_our_mac(a->net, &a->frame))
        return NET_frame_foreign;
    if (memcmp(a->frame.source_mac, a->net->options.mac, FRAME_MAC) == 0)
        return NET_frame_echo;
    if (frame_mac_is_group(a->frame.source_mac))
        return NET_frame_foreign;
    if (!vlan_is_ours(a))
        return NET_vlan_other;
    if (why != NET_KEEP || a->frame.kind != FRAME_ARP)
        return ip(a, why);
    why = whole_packet(a, &packet);
    if (why != NET_KEEP)
        return why;
    share(a);
    arp_input(a->net, &packet, a->now);
    return NET_KEEP;
}

void net_input(struct net *net, struct rte_mbuf **frames, uint32_t n, uint64_t now,
               struct net_burst *burst)
{
    burst->tcp_count = burst->error_count = burst->passed_count = burst->learn_count = 0;
    net_route_forget(net);
    for (uint32_t i = 0; i < n && i < NET_BURST; i++) {
        struct arrival a = {.net = net,
                            .burst = burst,
                            .mbuf = frames[i],
                            .index = i,
                            .now = now,
                            .head = gather_head(net, frames[i], i)};
        enum net_counter why = arrive(&a);

        if (why != NET_KEEP)
            net_count(net, why);
    }
}
