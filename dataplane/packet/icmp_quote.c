/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/icmp_quote.h"

#include "dataplane/packet/checksum.h"
#include "proto/base/cursor.h"

enum { PROTOCOL_TCP = 6, PROTOCOL_ICMP6 = 58, QUOTED_TCP = 8 };
enum { V4_UNREACHABLE = 3, V4_TIME_EXCEEDED = 11, V4_PARAMETER = 12 };
enum { V6_UNREACHABLE = 1, V6_TOO_BIG = 2, V6_PARAMETER = 4 };

/* The quoted IPv4 header: the packet we sent, cut short at any length. */
static bool quoted_ipv4(struct cursor *c, struct icmp_quote *quote)
{
    struct span h = cursor_take(c, 20);

    if (c->bad || h.data[0] >> 4 != 4 || (h.data[0] & 15) < 5 || h.data[9] != PROTOCOL_TCP)
        return false;
    if ((h.data[6] & 0x1f) || h.data[7])
        return false; /* not the first fragment: no ports there */
    cursor_take(c, (size_t)(h.data[0] & 15) * 4 - 20);
    quote->source = ip_address_v4(h.data + 12);
    quote->destination = ip_address_v4(h.data + 16);
    return !c->bad;
}

/* We send no extension headers, so TCP follows at once. */
static bool quoted_ipv6(struct cursor *c, struct icmp_quote *quote)
{
    struct span h = cursor_take(c, 40);

    if (c->bad || h.data[0] >> 4 != 6 || h.data[6] != PROTOCOL_TCP)
        return false;
    quote->source = ip_address_v6(h.data + 8);
    quote->destination = ip_address_v6(h.data + 24);
    return true;
}

/* What kind of error: hard ones tell that the other end will never answer (RFC 1122
 * section 4.2.3.9). */
static bool classify(bool v4, uint8_t type, uint8_t code, uint32_t word, struct icmp_quote *out)
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

bool icmp_quote_read(struct span message, bool v4, struct icmp_quote *out)
{
    struct cursor c = cursor_of(message);
    uint8_t type = cursor_u8(&c), code = cursor_u8(&c);
    uint32_t word;

    *out = (struct icmp_quote){0};
    cursor_u16(&c);
    word = cursor_u32(&c);
    if (c.bad || !classify(v4, type, code, word, out))
        return false;
    if (!(v4 ? quoted_ipv4(&c, out) : quoted_ipv6(&c, out)) || cursor_left(&c) < QUOTED_TCP)
        return false;
    out->header = cursor_take(&c, cursor_left(&c));
    return true;
}

bool icmp_quote_checksum_good(struct span message, const struct frame *f)
{
    struct checksum sum = {0};

    if (!f->v4)
        checksum_pseudo(&sum, &f->source, &f->destination, PROTOCOL_ICMP6, (uint32_t)message.len);
    checksum_add(&sum, message.data, message.len);
    return checksum_fold(&sum) == 0xffff;
}
