/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_NET_STATE_H
#define DATAPLANE_NET_NET_STATE_H

#include "dataplane/packet/frame.h"
#include "dataplane/net/neighbour.h"
#include "dataplane/net/net.h"
#include "dataplane/net/net_fragment.h"
#include "dataplane/packet/checksum.h"

/* What the files of this folder share; nobody outside includes it. */

enum {
    NET_WHOLE = 10240, /* longest ICMP message we gather from a chain */
    NET_ADDRESS_SLOTS = 256,
    NET_LINK_HEADER = 18, /* Ethernet with one tag */
    NET_IP_HEADER = 40,
    NET_CONFIRMED = 64,
    NET_ROUTE_BITS = 6,
    NET_ROUTES = 1 << NET_ROUTE_BITS,
};

enum net_address_state { NET_TENTATIVE, NET_OURS, NET_DUPLICATE };

/* So many a second, and as many at once after a pause. */
struct net_bucket {
    uint64_t filled;
    uint32_t allowance;
};

/* Whether one more may go out. */
bool net_bucket_take(struct net_bucket *bucket, uint32_t each_second, uint64_t now);

struct net_own {
    struct net_address a;
    uint64_t mask[2]; /* of the address's two halves as they lie, what its prefix covers */
    uint8_t state;    /* enum net_address_state */
};

/*
 * What is alike in all segments between two addresses: the way they take, and the headers in front
 * of TCP's. Good for the turn that it was found in, so it stands for no lookup of another turn.
 */
struct net_route {
    struct ip_address source, destination;
    struct ip_address hop;
    uint32_t turn; /* of net->turn; 0: none */
    bool resolved; /* the link's address of `hop` is known, and stands in the headers */
    bool v4;
    uint8_t link, headers_len;                        /* bytes of headers[] */
    uint8_t headers[NET_LINK_HEADER + NET_IP_HEADER]; /* without ECN, length, id, checksum */
    struct checksum ipv4;                             /* of the IPv4 header as it stands there */
    struct checksum pseudo; /* of the addresses and the protocol, for a length of 0 */
};

/* Whose traffic confirmed its neighbour last, and when. */
struct net_confirmed {
    struct ip_address source;
    uint64_t at;
    uint8_t mac[6];
};

struct net {
    struct net_options options;
    struct net_own own[NET_ADDRESSES + 1]; /* and our link-local address */
    uint32_t own_count;
    uint8_t slots[NET_ADDRESS_SLOTS]; /* index + 1 into own[], open addressing */
    struct frame_pool *pool;
    struct frame_queue *out;
    struct neighbours *neighbours;
    struct net_counters counters;
    uint64_t tentative_until; /* UINT64_MAX when nothing is tentative */
    struct net_bucket echoes, errors;
    uint16_t ip_id;
    uint32_t turn; /* changes with each burst, and with whatever changes a way; never 0 */
    struct net_route routes[NET_ROUTES];
    struct fragments *fragments;
    uint32_t made_count;
    struct rte_mbuf *made[NET_MADE];
    struct net_confirmed confirmed[NET_CONFIRMED]; /* by the address's last byte */
    uint8_t heads[NET_BURST]
                 [FRAME_HEAD]; /* headers of frames whose first piece does not hold them */
    uint8_t whole[NET_WHOLE];
};

static inline void net_count(struct net *net, enum net_counter counter)
{
    net->counters.row[counter]++;
}

/* The address's entry, or NULL when it is none of ours. */
struct net_own *net_own(struct net *net, const struct ip_address *address);
/* Whether the address lies in the prefix of one of ours. */
bool net_on_link(const struct net *net, const struct ip_address *address);
/* Whether it lies in the network that is claimed. */
bool net_claims(const struct net *net, const struct ip_address *address);
/* Whom to hand a packet from `source` (ours) to `destination`; false without a route. */
bool net_next_hop(const struct net *net, const struct net_own *source,
                  const struct ip_address *destination, struct ip_address *hop_out);
/* An address of ours to speak to `destination` from; NULL when there is none usable. */
const struct net_own *net_source_for(const struct net *net, const struct ip_address *destination);

/* net_route.c: the way of a segment, by `own`'s address (NULL: none of ours). False without one. */
bool net_route_look(struct net *net, const struct net_own *own, const struct tcp_segment *segment,
                    uint64_t now, struct net_route *route_out);
/* The same from an address of ours, kept for the rest of the turn; NULL without one. */
const struct net_route *net_route_find(struct net *net, const struct tcp_segment *segment,
                                       uint64_t now);
/* What was kept is looked up again. */
void net_route_forget(struct net *net);
/* Appends the headers of a packet with `len` bytes behind them to an empty frame; returns where
 * those begin. */
uint8_t *net_route_headers(struct net *net, const struct net_route *route, struct rte_mbuf *frame,
                           uint8_t ecn, uint32_t len);
/* Writes a link header and returns its length. */
size_t net_link_header(const struct net *net, uint8_t *to, const uint8_t destination[6],
                       uint16_t type);
/* An empty frame with the Ethernet header in place, `type` in host order; NULL is counted. */
struct rte_mbuf *net_frame(struct net *net, const uint8_t destination[6], uint16_t type);
/* Takes the frame and sends it. */
void net_send(struct net *net, struct rte_mbuf *frame);
/* Takes a frame whose Ethernet destination is open, sends it to `hop` now or when it is known. */
void net_send_to(struct net *net, struct rte_mbuf *frame, const struct ip_address *hop,
                 uint64_t now);
/* What was heard about a neighbour; frames that waited are sent. */
bool net_learn(struct net *net, const struct ip_address *address, const uint8_t mac[6],
               enum neighbour_news news, uint64_t now);
struct net_ip {
    const struct ip_address *source, *destination;
    uint8_t protocol, hop_limit;
    uint8_t ecn;  /* two bits (RFC 3168 section 5) */
    uint32_t len; /* bytes of payload */
};

/* Appends an IPv4 or IPv6 header, as the destination is; the frame has room. */
void net_ip_header(struct net *net, struct rte_mbuf *frame, const struct net_ip *ip);
/* The link-layer group of an IPv6 group. */
void net_group_mac(const struct ip_address *group, uint8_t mac_out[6]);

/* One received packet for the handlers: `bytes` are the l4_len bytes from frame->l4, in one run. */
struct net_packet {
    const struct frame *frame;
    struct span bytes;
    bool learn_only; /* another worker answers */
};

/* The frame of a packet that came in fragments waits for net_made(); false: no room. */
bool net_make(struct net *net, const struct fragment_packet *packet);

void arp_input(struct net *net, const struct net_packet *packet, uint64_t now);
/* Asks for `target`; to all, or to `mac`. */
void arp_request(struct net *net, const struct ip_address *target, const uint8_t *mac);
void arp_announce(struct net *net, const struct ip_address *address);

void ndp_input(struct net *net, const struct net_packet *packet, uint64_t now);
void ndp_solicit(struct net *net, const struct ip_address *target, const uint8_t *mac);
/* Asks whether somebody has our tentative address. */
void ndp_detect(struct net *net, const struct ip_address *address);
void ndp_announce(struct net *net, const struct ip_address *address);
void ndp_solicited_group(const struct ip_address *address, struct ip_address *group_out);

/* Echo requests are answered; an error that quotes a segment of ours is filled into *error_out and
 * true returned. */
bool icmp_input(struct net *net, const struct net_packet *packet, uint64_t now,
                struct net_error *error_out);

#endif
