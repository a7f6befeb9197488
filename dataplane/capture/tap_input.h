/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CAPTURE_TAP_INPUT_H
#define DATAPLANE_CAPTURE_TAP_INPUT_H

#include "dataplane/tcp/tcp_observer.h"

/*
 * The way of a captured frame to the observer: link layer, VLAN, MPLS, tunnels (GRE, ERSPAN, VXLAN,
 * IP in IP), IPv6 extension headers, fragments put together by policy, then tcp_observer_packet().
 * Bounded memory, taken at creation; bounded depth; whatever ends elsewhere is counted by reason.
 */

struct tap_input_counters {
#define TAP_INPUT_COUNTER(name, text) uint64_t name;
#include "dataplane/capture/tap_input_counter.def"
#undef TAP_INPUT_COUNTER
};

/* Fragments of one datagram that differ where they overlap. */
struct tap_fragment_overlap {
    struct ip_address source, destination;
    uint32_t identification;
    uint32_t offset, len; /* in the datagram's payload */
    bool dropped;         /* the policy drops the whole datagram */
    uint64_t time_ns;
};

struct tap_input_options {
    enum overlap_policy policy;
    uint32_t datagrams;       /* gathered at a time, at most */
    uint32_t fragment_memory; /* bytes of fragments, of all datagrams */
    uint32_t fragment_ms;     /* how long a datagram may take to become whole */
    uint16_t vxlan_port;      /* 0: VXLAN is not opened */
    bool ignore_checksums;    /* of IPv4, GRE and TCP: all are taken for good */
    uint8_t secret[16];
    /* Datagrams put together may be another worker's: true when it was given to that one. May be
     * NULL, as the next. */
    bool (*pass)(void *context, const struct observed_packet *packet);
    void (*fragment_overlap)(void *context, const struct tap_fragment_overlap *overlap);
    void *context;
};
/* Defaults for everything but the secret. */
void tap_input_defaults(struct tap_input_options *options_out);

/* A frame as a port or a capture file gives it. */
struct tap_input_frame {
    struct span bytes; /* borrowed until the call returns */
    uint32_t wire_len; /* more than bytes.len when the capture cut it */
    uint32_t link;     /* LINKTYPE_ of www.tcpdump.org/linktypes.html: 1 for Ethernet */
    uint64_t time_ns;
    uint8_t checksum; /* enum tcp_checksum: what the port says of an untunnelled, whole segment;
                         unknown: it is checked here */
    bool after_loss;  /* frames were lost right before this one */
};

struct tap_input;

/* NULL: no memory. The observer is borrowed. */
struct tap_input *tap_input_new(const struct tap_input_options *options,
                                struct tcp_observer *observer);
void tap_input_free(struct tap_input *input);
void tap_input_feed(struct tap_input *input, const struct tap_input_frame *frame);
/* Lets the bytes of a frame that comes soon be fetched from memory while the one before it is fed:
 * waiting for them at their first touch takes longer than all that reassembly does. */
void tap_input_ahead(struct span bytes);
/* A packet that another worker's input has put together and passed. */
void tap_input_packet(struct tap_input *input, const struct observed_packet *packet);
const struct tap_input_counters *tap_input_counters(const struct tap_input *input);
/* Whether frames of this link type are understood. */
bool tap_input_link_known(uint32_t link);

#endif
