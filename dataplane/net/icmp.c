/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net_state.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/icmp_quote.h"

/* Echo and errors of ICMP (RFC 792, RFC 1122 section 3.2.2) and ICMPv6 (RFC 4443). */
enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, PROTOCOL_ICMP = 1, PROTOCOL_ICMP6 = 58 };
enum { V4_ECHO_REPLY = 0, V4_ECHO = 8, V6_ECHO = 128, V6_ECHO_REPLY = 129 };
enum { HOP_LIMIT = 64, MESSAGE_HEADER = 8 };

bool net_bucket_take(struct net_bucket *bucket, uint32_t each_second, uint64_t now)
{
    uint64_t earned = (now - bucket->filled) * each_second / 1000000;

    if (earned) {
        uint64_t filled = bucket->allowance + earned;

        bucket->allowance = filled > each_second ? each_second : (uint32_t)filled;
        bucket->filled = now;
    }
    if (!bucket->allowance)
        return false;
    bucket->allowance--;
    return true;
}

/* The request's bytes with another type, back to where they came from. */
static void echo(struct net *net, const struct net_packet *packet, uint64_t now)
{
    const struct frame *f = packet->frame;
    struct checksum sum = {0};
    struct ip_address hop;
    struct rte_mbuf *frame;
    const struct net_own *own = net_own(net, &f->destination);
    uint16_t check;
    uint8_t *reply;

    if (!own || !net_next_hop(net, own, &f->source, &hop)) {
        net_count(net, NET_route_none);
        return;
    }
    frame = net_frame(net, f->source_mac, f->v4 ? TYPE_IPV4 : TYPE_IPV6);
    if (!frame)
        return;
    net_ip_header(net, frame,
                  &(struct net_ip){.source = &f->destination,
                                   .destination = &f->source,
                                   .protocol = f->v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6,
                                   .hop_limit = HOP_LIMIT,
                                   .len = (uint32_t)packet->bytes.len});
    reply = (uint8_t *)rte_pktmbuf_append(frame, (uint16_t)packet->bytes.len);
    if (!reply) {
        net_count(net, NET_icmp_other);
        frame_pool_give(net->pool, &frame, 1);
        return;
    }
    if (!f->v4)
        checksum_pseudo(&sum, &f->destination, &f->source, PROTOCOL_ICMP6,
                        (uint32_t)packet->bytes.len);
    memcpy(reply, packet->bytes.data, packet->bytes.len);
    reply[0] = f->v4 ? V4_ECHO_REPLY : V6_ECHO_REPLY;
    memset(reply + 2, 0, 2);
    checksum_add(&sum, reply, packet->bytes.len);
    check = checksum_final(&sum);
    memcpy(reply + 2, &check, 2);
    net_count(net, NET_echo_in);
    net_send_to(net, frame, &hop, now);
}

/* The error quotes a segment of ours. */
static bool quoted(struct net *net, const struct net_packet *packet, struct net_error *out)
{
    struct icmp_quote quote;
    const struct net_own *own;

    if (!icmp_quote_read(packet->bytes, packet->frame->v4, &quote))
        return false;
    *out = (struct net_error){
        .quoted = {.source = quote.source,
                   .destination = quote.destination,
                   .header = quote.header},
        .mtu = quote.mtu,
        .hard = quote.hard,
    };
    own = net_own(net, &out->quoted.source);
    return own && own->state == NET_OURS;
}

bool icmp_input(struct net *net, const struct net_packet *packet, uint64_t now,
                struct net_error *error_out)
{
    const struct frame *f = packet->frame;
    uint8_t type;

    if (packet->bytes.len < MESSAGE_HEADER || !icmp_quote_checksum_good(packet->bytes, f)) {
        net_count(net, NET_icmp_malformed);
        return false;
    }
    type = packet->bytes.data[0];
    if (!f->v4 && (type == 135 || type == 136)) {
        ndp_input(net, packet, now);
        return false;
    }
    if (packet->learn_only)
        return false;
    if (type == (f->v4 ? V4_ECHO : V6_ECHO)) {
        if (frame_mac_is_group(f->destination_mac))
            net_count(net, NET_icmp_other);
        else if (!net_bucket_take(&net->echoes, NET_ECHOES, now))
            net_count(net, NET_icmp_limited);
        else
            echo(net, packet, now);
        return false;
    }
    if (quoted(net, packet, error_out)) {
        net_count(net, NET_icmp_errors_in);
        return true;
    }
    net_count(net, NET_icmp_other);
    return false;
}
