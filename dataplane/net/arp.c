/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net_state.h"
#include "proto/base/cursor.h"

/* ARP for IPv4 over Ethernet (RFC 826), announcements (RFC 5227 section 3). */
enum { TYPE_ARP = 0x0806, TYPE_IPV4 = 0x0800, HARDWARE_ETHERNET = 1, REQUEST = 1, REPLY = 2 };

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t nobody[6];

struct arp {
    uint16_t operation;
    struct span sender_mac;
    struct ip_address sender, target;
};

static bool read_arp(struct span bytes, struct arp *out)
{
    struct cursor c = cursor_of(bytes);
    uint16_t hardware = cursor_u16(&c), type = cursor_u16(&c);
    uint16_t lengths = cursor_u16(&c);
    struct span sender, target;

    out->operation = cursor_u16(&c);
    out->sender_mac = cursor_take(&c, FRAME_MAC);
    sender = cursor_take(&c, 4);
    cursor_take(&c, FRAME_MAC);
    target = cursor_take(&c, 4);
    if (c.bad || hardware != HARDWARE_ETHERNET || type != TYPE_IPV4 || lengths != 0x0604)
        return false;
    out->sender = ip_address_v4(sender.data);
    out->target = ip_address_v4(target.data);
    return true;
}

static void send_arp(struct net *net, uint16_t operation, const uint8_t to[6],
                     const struct ip_address *sender, const struct ip_address *target)
{
    struct rte_mbuf *frame = net_frame(net, to, TYPE_ARP);
    struct writer w;

    if (!frame)
        return;
    w = writer_of(rte_pktmbuf_append(frame, 28), 28);
    writer_uint(&w, HARDWARE_ETHERNET, 2);
    writer_uint(&w, TYPE_IPV4, 2);
    writer_uint(&w, 0x0604, 2);
    writer_uint(&w, operation, 2);
    writer_span_put(&w, span_of(net->options.mac, FRAME_MAC));
    writer_span_put(&w, span_of(sender->bytes + 12, 4));
    writer_span_put(&w, span_of(operation == REPLY ? to : nobody, FRAME_MAC));
    writer_span_put(&w, span_of(target->bytes + 12, 4));
    net_send(net, frame);
}

void arp_request(struct net *net, const struct ip_address *target, const uint8_t *mac)
{
    const struct net_own *source = net_source_for(net, target);

    if (!source)
        return;
    net_count(net, NET_requests_out);
    send_arp(net, REQUEST, mac ? mac : everybody, &source->a.address, target);
}

void arp_announce(struct net *net, const struct ip_address *address)
{
    send_arp(net, REQUEST, everybody, address, address);
}

void arp_input(struct net *net, const struct net_packet *packet, uint64_t now)
{
    static const struct ip_address zero_bytes;
    struct ip_address unset = ip_address_v4(zero_bytes.bytes);
    struct net_own *own;
    struct arp a;
    bool probe;

    if (!read_arp(packet->bytes, &a) || (a.operation != REQUEST && a.operation != REPLY) ||
        memcmp(a.sender_mac.data, packet->frame->source_mac, FRAME_MAC)) {
        net_count(net, NET_arp_malformed);
        return;
    }
    net_count(net, NET_arp_in);
    /* Our own address from somebody else's card: told, not given up (RFC 5227 section 2.4 (c)). */
    if (net_own(net, &a.sender)) {
        net_count(net, NET_addresses_duplicate);
        return;
    }
    own = net_own(net, &a.target);
    probe = ip_address_equal(&a.sender,
                             &unset); /* RFC 5227 section 2.1.1: answered, not learned from */
    if (!probe && net_on_link(net, &a.sender)) {
        enum neighbour_news news = !own                   ? NEIGHBOUR_ANNOUNCED
                                   : a.operation == REPLY ? NEIGHBOUR_ANSWERED
                                                          : NEIGHBOUR_ASKED_US;

        if (!net_learn(net, &a.sender, a.sender_mac.data, news, now) && news == NEIGHBOUR_ASKED_US)
            net_count(net, NET_neighbour_full);
    }
    if ((own || net_claims(net, &a.target)) && a.operation == REQUEST && !packet->learn_only)
        send_arp(net, REPLY, a.sender_mac.data, &a.target, &a.sender);
}
