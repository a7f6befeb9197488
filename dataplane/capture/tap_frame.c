/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/tap_frame.h"

#include "dataplane/packet/checksum.h"
#include "proto/base/cursor.h"

/* www.tcpdump.org/linktypes.html */
enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
};

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_ERSPAN3 = 0x22eb,
    TYPE_BRIDGED = 0x6558,
    TYPE_VLAN = 0x8100,
    TYPE_IPV6 = 0x86dd,
    TYPE_MPLS = 0x8847,
    TYPE_MPLS_UPSTREAM = 0x8848,
    TYPE_QINQ = 0x88a8,
    TYPE_ERSPAN = 0x88be,
    TYPE_QINQ_OLD = 0x9100,
    TYPE_QINQ_OLDER = 0x9200,
};

enum {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_IPV4 = 4,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_IPV6 = 41,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_GRE = 47,
    PROTOCOL_AUTHENTICATION = 51,
    PROTOCOL_NONE = 59,
    PROTOCOL_DESTINATION = 60,
    PROTOCOL_MOBILITY = 135,
    PROTOCOL_HIP = 139,
    PROTOCOL_SHIM6 = 140,
};

enum { GRE_CHECKSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000 };
enum { VXLAN_HAS_NUMBER = 0x08, DOMAIN_VXLAN = 1 << 24 };

/* What is left behind `n` bytes that were read. */
static void step_over(struct tap_frame *f, size_t n)
{
    f->bytes = span_skip(f->bytes, n);
    f->wire_len = f->wire_len > n ? f->wire_len - (uint32_t)n : 0;
}

static enum tap_frame_step on(struct tap_frame *f, size_t n, enum tap_frame_kind kind,
                              uint32_t type)
{
    step_over(f, n);
    f->kind = (uint8_t)kind;
    f->type = type;
    return TAP_FRAME_ON;
}

/* No field says what comes: IP by its version. */
static enum tap_frame_step on_ip(struct tap_frame *f, size_t n)
{
    uint8_t version = f->bytes.len > n ? f->bytes.data[n] >> 4 : 0;

    if (f->bytes.len <= n)
        return TAP_FRAME_SHORT;
    if (version != 4 && version != 6)
        return TAP_FRAME_OTHER;
    return on(f, n, TAP_FRAME_OF_TYPE, version == 4 ? TYPE_IPV4 : TYPE_IPV6);
}

static enum tap_frame_step ethernet(struct tap_frame *f)
{
    if (f->bytes.len < 14)
        return TAP_FRAME_SHORT;
    return on(f, 14, TAP_FRAME_OF_TYPE, (uint32_t)f->bytes.data[12] << 8 | f->bytes.data[13]);
}

/* BSD's loopback: an address family, in the order of the host that captured (null) or of the net.
 */
static enum tap_frame_step family(struct tap_frame *f)
{
    struct cursor c = cursor_of(f->bytes);
    uint32_t value = cursor_u32(&c);

    if (c.bad)
        return TAP_FRAME_SHORT;
    if (value > UINT16_MAX)
        value = __builtin_bswap32(value);
    switch (value) {
    case 2:
        return on(f, 4, TAP_FRAME_OF_TYPE, TYPE_IPV4);
    case 10: /* Linux, NetBSD and OpenBSD, FreeBSD, macOS */
    case 24:
    case 28:
    case 30:
        return on(f, 4, TAP_FRAME_OF_TYPE, TYPE_IPV6);
    default:
        return TAP_FRAME_OTHER;
    }
}

/* Linux's cooked capture: the EtherType at `at` of a header of `len`. */
static enum tap_frame_step cooked(struct tap_frame *f, size_t at, size_t len)
{
    if (f->bytes.len < len)
        return TAP_FRAME_SHORT;
    return on(f, len, TAP_FRAME_OF_TYPE, (uint32_t)f->bytes.data[at] << 8 | f->bytes.data[at + 1]);
}

static enum tap_frame_step link(struct tap_frame *f)
{
    switch (f->type) {
    case LINK_ETHERNET:
        return ethernet(f);
    case LINK_NULL:
    case LINK_LOOP:
        return family(f);
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
        return on_ip(f, 0);
    case LINK_SLL:
        return cooked(f, 14, 16);
    case LINK_SLL2:
        return cooked(f, 0, 20);
    default:
        return TAP_FRAME_LINK;
    }
}

bool tap_frame_link_known(uint32_t type)
{
    struct tap_frame f = {.type = type};

    return link(&f) != TAP_FRAME_LINK;
}

/* A label stack (RFC 3032 section 2.1) ends with the bottom bit; what is under it, IP or an
 * Ethernet pseudo wire with its control word (RFC 4448 section 4.6), only the first bits tell. */
static enum tap_frame_step mpls(struct tap_frame *f)
{
    bool bottom;

    if (f->bytes.len < 4)
        return TAP_FRAME_SHORT;
    bottom = f->bytes.data[2] & 1;
    if (!bottom)
        return on(f, 4, TAP_FRAME_OF_TYPE, TYPE_MPLS);
    if (f->bytes.len > 4 && f->bytes.data[4] >> 4 == 0)
        return on(f, 8, TAP_FRAME_OF_LINK, LINK_ETHERNET);
    return on_ip(f, 4);
}

static bool header_sum_good(struct span header)
{
    struct checksum c = {0};

    checksum_add(&c, header.data, header.len);
    /* A card that cuts segments fills the sum in after the capture. */
    return checksum_fold(&c) == 0xffff || (header.data[10] == 0 && header.data[11] == 0);
}

/* RFC 791 section 3.1 */
static enum tap_frame_step ipv4(struct tap_frame *f)
{
    const uint8_t *h = f->bytes.data;
    size_t header, total;

    if (f->bytes.len < 20)
        return TAP_FRAME_SHORT;
    header = (size_t)(h[0] & 15) * 4;
    total = (size_t)h[2] << 8 | h[3];
    if (total == 0) /* a segment longer than that, on its way to a card that cuts it */
        total = f->wire_len;
    if (h[0] >> 4 != 4 || header < 20 || total < header || total > f->wire_len)
        return TAP_FRAME_MALFORMED;
    if (f->bytes.len < header)
        return TAP_FRAME_SHORT;
    if (!f->unchecked && !header_sum_good(span_head(f->bytes, header)))
        return TAP_FRAME_CHECKSUM;
    f->bytes = span_head(f->bytes, total);
    f->wire_len = (uint32_t)total;
    f->v4 = true;
    f->hop_limit = h[8];
    f->source = ip_address_v4(h + 12);
    f->destination = ip_address_v4(h + 16);
    f->identification = (uint32_t)h[4] << 8 | h[5];
    f->offset = (uint16_t)(((h[6] & 0x1f) << 8 | h[7]) * 8);
    f->more = h[6] & 0x20;
    on(f, header, TAP_FRAME_OF_PROTOCOL, h[9]);
    return f->offset || f->more ? TAP_FRAME_FRAGMENT : TAP_FRAME_ON;
}

/* RFC 8200 section 3 */
static enum tap_frame_step ipv6(struct tap_frame *f)
{
    const uint8_t *h = f->bytes.data;
    size_t total;

    if (f->bytes.len < 40)
        return TAP_FRAME_SHORT;
    total = 40 + ((size_t)h[4] << 8 | h[5]);
    if (total == 40 && h[6] != PROTOCOL_NONE)
        total = f->wire_len;
    if (h[0] >> 4 != 6 || total > f->wire_len)
        return TAP_FRAME_MALFORMED;
    f->bytes = span_head(f->bytes, total);
    f->wire_len = (uint32_t)total;
    f->v4 = false;
    f->hop_limit = h[7];
    f->source = ip_address_v6(h + 8);
    f->destination = ip_address_v6(h + 24);
    return on(f, 40, TAP_FRAME_OF_PROTOCOL, h[6]);
}

static enum tap_frame_step type(struct tap_frame *f)
{
    switch (f->type) {
    case TYPE_VLAN:
    case TYPE_QINQ:
    case TYPE_QINQ_OLD:
    case TYPE_QINQ_OLDER:
        return cooked(f, 2, 4);
    case TYPE_MPLS:
    case TYPE_MPLS_UPSTREAM:
        return mpls(f);
    case TYPE_IPV4:
        return ipv4(f);
    case TYPE_IPV6:
        return ipv6(f);
    default:
        return TAP_FRAME_OTHER;
    }
}

/* Extension headers of IPv6 (RFC 8200 section 4), AH (RFC 4302 section 2) in both versions. */
static enum tap_frame_step extension(struct tap_frame *f)
{
    const uint8_t *h = f->bytes.data;
    size_t len;

    if (f->bytes.len < 8)
        return TAP_FRAME_SHORT;
    len = f->type == PROTOCOL_AUTHENTICATION ? ((size_t)h[1] + 2) * 4 : ((size_t)h[1] + 1) * 8;
    if (len > f->wire_len)
        return TAP_FRAME_MALFORMED;
    if (len > f->bytes.len)
        return TAP_FRAME_SHORT;
    return on(f, len, TAP_FRAME_OF_PROTOCOL, h[0]);
}

/* RFC 8200 section 4.5; one that is a fragment by itself is whole (RFC 6946). */
static enum tap_frame_step fragment(struct tap_frame *f)
{
    const uint8_t *h = f->bytes.data;

    if (f->bytes.len < 8)
        return TAP_FRAME_SHORT;
    f->offset = (uint16_t)((h[2] << 8 | h[3]) & 0xfff8);
    f->more = h[3] & 1;
    f->identification = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
    on(f, 8, TAP_FRAME_OF_PROTOCOL, h[0]);
    return f->offset || f->more ? TAP_FRAME_FRAGMENT : TAP_FRAME_ON;
}

static bool gre_sum_good(const struct tap_frame *f)
{
    struct checksum c = {0};

    if (f->unchecked || f->bytes.len < f->wire_len)
        return true;
    checksum_add(&c, f->bytes.data, f->bytes.len);
    return checksum_fold(&c) == 0xffff;
}

/* A mirrored frame: type I has no header of its own, II one of 8 bytes, III one of 12, and 8 more
 * if its last bit says so. */
static enum tap_frame_step erspan(struct tap_frame *f, size_t at, uint32_t kind, bool numbered)
{
    size_t len = kind == TYPE_ERSPAN3 ? 12 : numbered ? 8 : 0;

    if (f->bytes.len < at + len)
        return TAP_FRAME_SHORT;
    if (kind == TYPE_ERSPAN3 && f->bytes.data[at + 11] & 1)
        len += 8;
    return on(f, at + len, TAP_FRAME_OF_LINK, LINK_ETHERNET);
}

/* RFC 2784 section 2.1, RFC 2890 section 2 */
static enum tap_frame_step gre(struct tap_frame *f)
{
    struct cursor c = cursor_of(f->bytes);
    uint16_t flags = cursor_u16(&c), inner = cursor_u16(&c);
    size_t len = 4;

    len += flags & GRE_CHECKSUM ? 4 : 0;
    len += flags & GRE_KEY ? 4 : 0;
    len += flags & GRE_SEQUENCE ? 4 : 0;
    if (c.bad || f->bytes.len < len)
        return TAP_FRAME_SHORT;
    if (flags & 7) /* version 1 is PPTP's */
        return TAP_FRAME_PROTOCOL;
    if (flags & GRE_ROUTING || (flags & GRE_CHECKSUM && !gre_sum_good(f)))
        return TAP_FRAME_MALFORMED;
    f->tunnels++;
    if (inner == TYPE_BRIDGED)
        return on(f, len, TAP_FRAME_OF_LINK, LINK_ETHERNET);
    if (inner == TYPE_ERSPAN || inner == TYPE_ERSPAN3)
        return erspan(f, len, inner, flags & GRE_SEQUENCE);
    return on(f, len, TAP_FRAME_OF_TYPE, inner);
}

/* RFC 7348 section 5 */
static enum tap_frame_step vxlan(struct tap_frame *f, uint16_t port)
{
    struct cursor c = cursor_of(f->bytes);
    struct span h = cursor_take(&c, 16);

    if (f->bytes.len >= 4 && (f->bytes.data[2] << 8 | f->bytes.data[3]) != port)
        return TAP_FRAME_PROTOCOL;
    if (c.bad)
        return TAP_FRAME_SHORT;
    if (!(h.data[8] & VXLAN_HAS_NUMBER))
        return TAP_FRAME_MALFORMED;
    f->tunnels++;
    f->domain = DOMAIN_VXLAN | (uint32_t)h.data[12] << 16 | (uint32_t)h.data[13] << 8 | h.data[14];
    return on(f, 16, TAP_FRAME_OF_LINK, LINK_ETHERNET);
}

static enum tap_frame_step inner_ip(struct tap_frame *f, uint32_t inner)
{
    f->tunnels++;
    return on(f, 0, TAP_FRAME_OF_TYPE, inner);
}

static enum tap_frame_step protocol(struct tap_frame *f, uint16_t vxlan_port)
{
    switch (f->type) {
    case PROTOCOL_TCP:
        return TAP_FRAME_TCP;
    case PROTOCOL_IPV4:
        return inner_ip(f, TYPE_IPV4);
    case PROTOCOL_IPV6:
        return inner_ip(f, TYPE_IPV6);
    case PROTOCOL_GRE:
        return gre(f);
    case PROTOCOL_UDP:
        return vxlan_port ? vxlan(f, vxlan_port) : TAP_FRAME_PROTOCOL;
    case PROTOCOL_AUTHENTICATION:
        return extension(f);
    case PROTOCOL_FRAGMENT:
        return f->v4 ? TAP_FRAME_PROTOCOL : fragment(f);
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
    case PROTOCOL_DESTINATION:
    case PROTOCOL_MOBILITY:
    case PROTOCOL_HIP:
    case PROTOCOL_SHIM6:
        return f->v4 ? TAP_FRAME_PROTOCOL : extension(f);
    default:
        return TAP_FRAME_PROTOCOL;
    }
}

enum tap_frame_step tap_frame_next(struct tap_frame *f, uint16_t vxlan_port)
{
    if (f->kind == TAP_FRAME_OF_PROTOCOL && f->type == PROTOCOL_TCP)
        return TAP_FRAME_TCP;
    if (f->headers++ == TAP_FRAME_HEADERS)
        return TAP_FRAME_DEPTH;
    switch (f->kind) {
    case TAP_FRAME_OF_LINK:
        return link(f);
    case TAP_FRAME_OF_TYPE:
        return type(f);
    default:
        return protocol(f, vxlan_port);
    }
}
