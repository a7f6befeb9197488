/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/checksum.h"
#include "dataplane/net/net_state.h"
#include "proto/base/cursor.h"

/* Neighbour discovery (RFC 4861) without routers, and duplicate address detection (RFC 4862
 * section 5.4). */
enum { TYPE_IPV6 = 0x86dd, ICMP6 = 58, SOLICITATION = 135, ADVERTISEMENT = 136, HOP_LIMIT = 255 };
enum { OPTION_SOURCE = 1, OPTION_TARGET = 2 };
enum { FLAG_SOLICITED = 0x40, FLAG_OVERRIDE = 0x20 };

static const struct ip_address unspecified;

struct ndp {
    uint8_t type, flags;
    struct ip_address target;
    const uint8_t *mac; /* the link-layer address option that belongs to the type, or NULL */
};

void ndp_solicited_group(const struct ip_address *address, struct ip_address *group_out)
{
    static const uint8_t prefix[13] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

    memcpy(group_out->bytes, prefix, sizeof(prefix));
    memcpy(group_out->bytes + 13, address->bytes + 13, 3);
}

static bool is_group(const struct ip_address *a)
{
    return a->bytes[0] == 0xff;
}

/* Options are {type, length in units of 8, ...}; a length of 0 spoils the message (RFC 4861
 * section 4.6). */
static bool read_options(struct cursor *c, uint8_t wanted, const uint8_t **mac_out)
{
    while (cursor_left(c)) {
        uint8_t type = cursor_u8(c), len = cursor_u8(c);
        struct span body;

        if (len == 0)
            return false;
        body = cursor_take(c, len * 8u - 2u);
        if (c->bad)
            return false;
        if (type == wanted && len == 1)
            *mac_out = body.data;
    }
    return !c->bad;
}

/* The checks of RFC 4861 sections 7.1.1 and 7.1.2; the checksum was checked before. */
static bool read_ndp(const struct net_packet *packet, struct ndp *out)
{
    struct cursor c = cursor_of(packet->bytes);
    const struct frame *f = packet->frame;
    uint8_t code;
    struct span target;

    *out = (struct ndp){.type = cursor_u8(&c)};
    code = cursor_u8(&c);
    cursor_u16(&c);
    out->flags = cursor_u8(&c);
    cursor_take(&c, 3);
    target = cursor_take(&c, 16);
    if (c.bad || code != 0 || f->hop_limit != HOP_LIMIT)
        return false;
    out->target = ip_address_v6(target.data);
    if (is_group(&out->target) || ip_address_is_v4(&out->target) ||
        !read_options(&c, out->type == SOLICITATION ? OPTION_SOURCE : OPTION_TARGET, &out->mac))
        return false;
    if (out->mac && frame_mac_is_group(out->mac))
        return false;
    if (out->type == ADVERTISEMENT)
        return !(is_group(&f->destination) && (out->flags & FLAG_SOLICITED)) &&
               !ip_address_equal(&f->source, &unspecified);
    /* A detection's question comes from nobody, names no MAC address, and goes to the
     * solicited-node group. */
    if (ip_address_equal(&f->source, &unspecified)) {
        struct ip_address group;

        ndp_solicited_group(&out->target, &group);
        return !out->mac && ip_address_equal(&f->destination, &group);
    }
    return true;
}

struct message {
    uint8_t type, flags, option;
    const struct ip_address *source, *destination, *target;
    const uint8_t *mac; /* Ethernet destination; NULL for the group's */
};

static void send_message(struct net *net, const struct message *m)
{
    uint32_t len = m->option ? 32 : 24;
    struct checksum sum = {0};
    struct rte_mbuf *frame;
    struct writer w;
    uint8_t mac[6];
    uint16_t check;

    net_group_mac(m->destination, mac);
    frame = net_frame(net, m->mac ? m->mac : mac, TYPE_IPV6);
    if (!frame)
        return;
    net_ip_header(net, frame,
                  &(struct net_ip){.source = m->source,
                                   .destination = m->destination,
                                   .protocol = ICMP6,
                                   .hop_limit = HOP_LIMIT,
                                   .len = len});
    w = writer_of(rte_pktmbuf_append(frame, (uint16_t)len), len);
    writer_byte(&w, m->type);
    writer_uint(&w, 0, 3);
    writer_byte(&w, m->flags);
    writer_uint(&w, 0, 3);
    writer_span_put(&w, span_of(m->target->bytes, 16));
    if (m->option) {
        writer_byte(&w, m->option);
        writer_byte(&w, 1);
        writer_span_put(&w, span_of(net->options.mac, FRAME_MAC));
    }
    checksum_pseudo(&sum, m->source, m->destination, ICMP6, len);
    checksum_add(&sum, w.data, w.len);
    check = checksum_final(&sum);
    memcpy(w.data + 2, &check, 2);
    net_send(net, frame);
}

void ndp_solicit(struct net *net, const struct ip_address *target, const uint8_t *mac)
{
    const struct net_own *source = net_source_for(net, target);
    struct ip_address group;

    if (!source)
        return;
    ndp_solicited_group(target, &group);
    net_count(net, NET_requests_out);
    send_message(net, &(struct message){.type = SOLICITATION,
                                        .option = OPTION_SOURCE,
                                        .source = &source->a.address,
                                        .destination = mac ? target : &group,
                                        .target = target,
                                        .mac = mac});
}

void ndp_detect(struct net *net, const struct ip_address *address)
{
    struct ip_address group;

    ndp_solicited_group(address, &group);
    send_message(net, &(struct message){.type = SOLICITATION,
                                        .source = &unspecified,
                                        .destination = &group,
                                        .target = address});
}

static const struct ip_address all_nodes = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

void ndp_announce(struct net *net, const struct ip_address *address)
{
    send_message(net, &(struct message){.type = ADVERTISEMENT,
                                        .flags = FLAG_OVERRIDE,
                                        .option = OPTION_TARGET,
                                        .source = address,
                                        .destination = &all_nodes,
                                        .target = address});
}

/* Somebody else has, or wants, an address that we are still asking about. */
static void lose(struct net *net, struct net_own *own)
{
    own->state = NET_DUPLICATE;
    net_route_forget(net);
    net_count(net, NET_addresses_duplicate);
}

static void solicited(struct net *net, const struct net_packet *packet, const struct ndp *m,
                      uint64_t now)
{
    struct net_own *own = net_own(net, &m->target);
    const struct frame *f = packet->frame;
    bool detection = ip_address_equal(&f->source, &unspecified);

    if (own ? own->state == NET_DUPLICATE : !net_claims(net, &m->target))
        return;
    if (own && own->state == NET_TENTATIVE) {
        if (detection)
            lose(net, own);
        return;
    }
    if (m->mac && net_on_link(net, &f->source) &&
        !net_learn(net, &f->source, m->mac, NEIGHBOUR_ASKED_US, now))
        net_count(net, NET_neighbour_full);
    if (packet->learn_only)
        return;
    send_message(
        net, &(struct message){.type = ADVERTISEMENT,
                               .flags = detection ? FLAG_OVERRIDE : FLAG_SOLICITED | FLAG_OVERRIDE,
                               .option = OPTION_TARGET,
                               .source = &m->target,
                               .destination = detection ? &all_nodes : &f->source,
                               .target = &m->target,
                               .mac = detection ? NULL
                                      : m->mac  ? m->mac
                                                : f->source_mac});
}

/*
 * RFC 4861 section 7.2.5, with two differences: an advertisement without the override flag never
 * changes a known MAC address, and one without the option confirms what is known by the frame's
 * source.
 */
static void advertised(struct net *net, const struct net_packet *packet, const struct ndp *m,
                       uint64_t now)
{
    struct net_own *own = net_own(net, &m->target);
    const uint8_t *mac = m->mac ? m->mac : packet->frame->source_mac;
    bool known, same;
    uint8_t old[6];

    if (own) {
        if (own->state == NET_TENTATIVE)
            lose(net, own);
        else if (own->state == NET_OURS)
            net_count(net, NET_addresses_duplicate);
        return;
    }
    known = neighbour_find(net->neighbours, &m->target, old);
    same = known && memcmp(old, mac, sizeof(old)) == 0;
    if (known && !same && (!(m->flags & FLAG_OVERRIDE) || !m->mac))
        return;
    net_learn(net, &m->target, mac,
              m->flags & FLAG_SOLICITED ? NEIGHBOUR_ANSWERED : NEIGHBOUR_ANNOUNCED, now);
}

void ndp_input(struct net *net, const struct net_packet *packet, uint64_t now)
{
    struct ndp m;

    if (!read_ndp(packet, &m)) {
        net_count(net, NET_ndp_malformed);
        return;
    }
    net_count(net, NET_ndp_in);
    if (m.type == SOLICITATION)
        solicited(net, packet, &m, now);
    else
        advertised(net, packet, &m, now);
}
