/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CAPTURE_TAP_FRAME_H
#define DATAPLANE_CAPTURE_TAP_FRAME_H

#include "proto/base/ip_address.h"

/*
 * The headers of a captured frame, from the outside in: link layer, VLAN tags, MPLS labels, IP and
 * its extension headers, tunnels and what is in them. Nothing here keeps state; a frame that the
 * capture cut short is read as far as it goes. What hosts would refuse for policy's sake (source
 * routes, odd addresses) is not refused here: somebody may have taken it.
 */
enum tap_frame_step {
    TAP_FRAME_ON,       /* a header was read, there is more */
    TAP_FRAME_TCP,      /* `bytes` is a TCP segment */
    TAP_FRAME_FRAGMENT, /* `bytes` is a fragment's part of a datagram */
    TAP_FRAME_OTHER,    /* neither IP nor a tag or label */
    TAP_FRAME_PROTOCOL, /* IP, and neither TCP nor a known tunnel */
    TAP_FRAME_LINK,     /* unknown link type */
    TAP_FRAME_SHORT,
    TAP_FRAME_MALFORMED,
    TAP_FRAME_DEPTH,
    TAP_FRAME_CHECKSUM, /* of an IPv4 header */
};

enum { TAP_FRAME_HEADERS = 24 }; /* most inside one another */

/* What the next header is, and so how `type` reads. */
enum tap_frame_kind {
    TAP_FRAME_OF_LINK,     /* LINKTYPE_ */
    TAP_FRAME_OF_TYPE,     /* EtherType */
    TAP_FRAME_OF_PROTOCOL, /* IP protocol */
};

struct tap_frame {
    struct span bytes; /* from the next header on, as much as was captured */
    uint32_t wire_len; /* the same on the wire, padding left out as soon as it is known */
    bool doubtful;     /* its receiver may have dropped the datagram */
    bool unchecked;    /* checksums of IPv4 and GRE are not looked at */
    uint8_t kind;      /* enum tap_frame_kind */
    uint32_t type;
    uint8_t headers; /* read so far */
    uint8_t tunnels; /* of them, tunnels opened */
    uint32_t domain; /* the number of the VXLAN, and a mark that it is one; 0 outside of any */
    /* Of the latest IP header: */
    struct ip_address source, destination;
    uint8_t hop_limit;
    bool v4;
    /* Of the latest fragment: */
    uint32_t identification;
    uint16_t offset; /* bytes */
    bool more;       /* fragments follow */
};

/* A frame of a link as it came: `link` is its LINKTYPE, `wire_len` more than the bytes where the
 * capture cut it, and never less. */
static inline struct tap_frame tap_frame_of(struct span bytes, uint32_t wire_len, uint32_t link)
{
    return (struct tap_frame){.bytes = bytes,
                              .wire_len = wire_len > bytes.len ? wire_len : (uint32_t)bytes.len,
                              .kind = TAP_FRAME_OF_LINK,
                              .type = link};
}

/* Reads one header. After TAP_FRAME_FRAGMENT the caller goes on with the whole datagram in `bytes`
 * and `wire_len`; `type` is its protocol already. `vxlan_port` 0: none is opened. */
enum tap_frame_step tap_frame_next(struct tap_frame *frame, uint16_t vxlan_port);
bool tap_frame_link_known(uint32_t link);

#endif
