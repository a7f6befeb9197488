/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/checksum.h"
#include "dataplane/net/net_state.h"
#include "proto/base/cursor.h"

/* Echo and errors of ICMP (RFC 792, RFC 1122 section 3.2.2) and ICMPv6 (RFC 4443). */
enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    PROTOCOL_ICMP = 1,
    PROTOCOL_ICMP6 = 58,
    PROTOCOL_TCP = 6
};
enum {
    V4_ECHO_REPLY = 0,
    V4_UNREACHABLE = 3,
    V4_ECHO = 8,
    V4_TIME_EXCEEDED = 11,
    V4_PARAMETER = 12
};
enum {
    V6_UNREACHABLE = 1,
    V6_TOO_BIG = 2,
    V6_TIME_EXCEEDED = 3,
    V6_PARAMETER = 4,
    V6_ECHO = 128,
    V6_ECHO_REPLY = 129
};
enum { HOP_LIMIT = 64, QUOTED_TCP = 8, MESSAGE_HEADER = 8 };

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

/* The quoted IPv4 header: the packet we sent, cut short at any length. */
static bool quoted_ipv4(struct cursor *c, struct tcp_packet *quoted)
{
    struct span h = cursor_take(c, 20);

    if (c->bad || h.data[0] >> 4 != 4 || (h.data[0] & 15) < 5 || h.data[9] != PROTOCOL_TCP)
        return false;
    if ((h.data[6] & 0x1f) || h.data[7])
        return false; /* not the first fragment: no ports there */
    cursor_take(c, (size_t)(h.data[0] & 15) * 4 - 20);
    quoted->source = ip_address_v4(h.data + 12);
    quoted->destination = ip_address_v4(h.data + 16);
    return !c->bad;
}

/* We send no extension headers, so TCP follows at once. */
static bool quoted_ipv6(struct cursor *c, struct tcp_packet *quoted)
{
    struct span h = cursor_take(c, 40);

    if (c->bad || h.data[0] >> 4 != 6 || h.data[6] != PROTOCOL_TCP)
        return false;
    quoted->source = ip_address_v6(h.data + 8);
    quoted->destination = ip_address_v6(h.data + 24);
    return true;
}

/* What kind of error: hard ones tell that the other end will never answer (RFC 1122
 * section 4.2.3.9). */
static bool classify(bool v4, uint8_t type, uint8_t code, uint32_t word, struct net_error *out)
{
    if (v4) {
        out->hard = type == V4_UNREACHABLE && (code == 2 || code == 3);
        out->mtu = type == V4_UNREACHABLE && code == 4 ? word & 0xffff : 0;
        return type == V4_UNREACHABLE || type == V4_TIME_EXCEEDED || type == V4_PARAMETER;
    }
    out->hard =
        (type == V6_UNREACHABLE && (code == 1 || code == 4)) || (type == V6_PARAMETER && code == 1);
    out->mtu = type == V6_TOO_BIG ? word : 0;
    return type >= V6_UNREACHABLE && type <= V6_PARAMETER;
}

/* The addresses and ports that an error quotes. False: they are of no segment of ours. */
static bool quoted(struct net *net, const struct net_packet *packet, struct net_error *out)
{
    struct cursor c = cursor_of(packet->bytes);
    uint8_t type = cursor_u8(&c), code = cursor_u8(&c);
    bool v4 = packet->frame->v4;
    const struct net_own *own;
    uint32_t word;

    *out = (struct net_error){0};
    cursor_u16(&c);
    word = cursor_u32(&c);
    if (c.bad || !classify(v4, type, code, word, out))
        return false;
    if (!(v4 ? quoted_ipv4(&c, &out->quoted) : quoted_ipv6(&c, &out->quoted)) ||
        cursor_left(&c) < QUOTED_TCP)
        return false;
    out->quoted.header = cursor_take(&c, cursor_left(&c));
    own = net_own(net, &out->quoted.source);
    return own && own->state == NET_OURS;
}

static bool checksum_good(const struct net_packet *packet)
{
    const struct frame *f = packet->frame;
    struct checksum sum = {0};

    if (!f->v4)
        checksum_pseudo(&sum, &f->source, &f->destination, PROTOCOL_ICMP6,
                        (uint32_t)packet->bytes.len);
    checksum_add(&sum, packet->bytes.data, packet->bytes.len);
    return checksum_fold(&sum) == 0xffff;
}

bool icmp_input(struct net *net, const struct net_packet *packet, uint64_t now,
                struct net_error *error_out)
{
    const struct frame *f = packet->frame;
    uint8_t type;

    if (packet->bytes.len < MESSAGE_HEADER || !checksum_good(packet)) {
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
