/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_PACKET_H
#define TESTS_SIM_SIM_PACKET_H

#include "proto/base/ip_address.h"

/* One frame on its way through the simulated link. */
enum { SIM_ETHERNET = 14, SIM_TCP = 6, SIM_ICMP = 1, SIM_ICMP6 = 58, SIM_FRAGMENT = 44 };
/* To the engine, from the engine. */
enum { SIM_IN, SIM_OUT, SIM_WAYS };

struct sim_packet {
    uint64_t at, order; /* when it goes on, and its place among those of the same time */
    uint32_t stage;     /* the element that holds it */
    uint32_t len;       /* of the frame */
    uint8_t way;        /* SIM_IN or SIM_OUT */
    uint8_t frame[]; /* an Ethernet header, for whoever delivers it to fill in, and an IP packet */
};

/* A copy of a frame, to be freed. */
struct sim_packet *sim_packet_new(int way, struct span frame);
struct sim_packet *sim_packet_copy(const struct sim_packet *p);

/* The transport header of a packet whose lengths fit; what a middlebox looks at. */
struct sim_view {
    uint8_t *ip, *l4;
    uint32_t l4_len;
    uint8_t protocol;
    bool v4;
    struct ip_address source, destination;
};
/* False: no IP packet, or one whose lengths lie. Sums are not looked at. A fragment is of protocol
 * SIM_FRAGMENT in both versions. */
bool sim_packet_view(struct sim_packet *p, struct sim_view *view_out);
/* The same, and a TCP header with all its options lies in it. */
bool sim_packet_view_tcp(struct sim_packet *p, struct sim_view *view_out);
/* The IPv4 header's and the transport checksum are right. */
bool sim_view_sums_good(const struct sim_view *v);
/* Overwrites bytes of a TCP segment and mends its checksum by the difference: a wrong one stays
 * wrong. */
void sim_view_patch(struct sim_view *v, uint32_t at, const void *bytes, uint32_t len);
void sim_view_patch32(struct sim_view *v, uint32_t at, uint32_t value);
/* Sets the IP header's ECN field to CE where it is ECT (RFC 3168 section 5), and mends the header's
 * checksum. False: the packet's endpoints do not take part. */
bool sim_view_mark(struct sim_view *v);
/* Writes the checksum of an IPv4 header afresh; IPv6 has none. */
void sim_packet_sum_v4(struct sim_packet *p);
/* Writes checksums afresh: for packets that are made here. */
void sim_view_sum(struct sim_view *v);

static inline uint32_t sim_get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t sim_get32(const uint8_t *at)
{
    return sim_get16(at) << 16 | sim_get16(at + 2);
}

static inline void sim_put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static inline void sim_put32(uint8_t *at, uint32_t v)
{
    sim_put16(at, v >> 16);
    sim_put16(at + 2, v);
}

/* Fields of a TCP header. */
enum { SIM_SEQ = 4, SIM_ACK = 8, SIM_OFFSET = 12, SIM_FLAGS = 13, SIM_WINDOW = 14, SIM_SUM = 16 };

/* The option of this kind in a segment that sim_packet_view_tcp() let pass, or NULL. */
uint8_t *sim_view_option(const struct sim_view *v, uint8_t kind);
static inline uint32_t sim_view_header(const struct sim_view *v)
{
    return (uint32_t)(v->l4[SIM_OFFSET] >> 4) * 4;
}

#endif
