/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CAPTURE_LAYERS_H
#define TESTS_CAPTURE_LAYERS_H

#include "proto/base/ip_address.h"

/* A frame built from the inside out: each layer goes in front of what is there. */
enum { LAYERS_MAX = 70000 };

struct layers {
    uint8_t bytes[LAYERS_MAX]; /* the frame lies at the end */
    size_t len;
};

struct layers_ip {
    struct ip_address source, destination;
    uint8_t protocol;
    uint8_t hop_limit;
    uint32_t identification;
    uint16_t offset; /* bytes; with `more`, a fragment */
    bool more;
};

void layers_init(struct layers *l, struct span payload);
struct span layers_span(const struct layers *l);
void layers_front(struct layers *l, struct span bytes);
/* Fills in a TCP segment's checksum. */
void layers_tcp_sum(struct layers *l, const struct ip_address *source,
                    const struct ip_address *destination);
/* Either version, by the addresses; in IPv6 a fragment header where it is one. */
void layers_ip(struct layers *l, const struct layers_ip *ip);
void layers_udp(struct layers *l, uint16_t port);
void layers_vlan(struct layers *l, uint16_t inner);
void layers_ethernet(struct layers *l, uint16_t type);
/* What an Ethernet header says of the IP packet that is in front. */
uint16_t layers_ip_type(const struct layers *l);

#endif
