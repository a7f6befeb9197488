/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_NET_H
#define DATAPLANE_NET_NET_H

#include "dataplane/net/frame_queue.h"
#include "dataplane/net/net_counters.h"
#include "dataplane/port/port.h"
#include "dataplane/tcp/tcp.h"

/*
 * One worker's IP stack: frames in, TCP segments out of them; TCP segments in, frames out of them;
 * ARP, neighbour discovery and ICMP in between. No clock, no threads; time is monotonic
 * microseconds.
 */
enum {
    NET_ADDRESSES = 64,
    NET_BURST = 64, /* frames net_input() takes at a time */
    NET_NEIGHBOURS = 1024,
    NET_ECHOES = 1000, /* echo requests answered a second */
    NET_ERRORS = 100,  /* ICMP errors sent a second */
    NET_VLAN_MAX = 4094,
    NET_MADE = 16, /* frames put together that wait for the next turn */
};

/* An address of ours. */
struct net_address {
    struct ip_address address;
    struct ip_address gateway; /* for what the prefix does not hold */
    uint8_t prefix;            /* bits that are the link's: 0 to 32 or 128 */
    bool has_gateway;
};

struct net_options {
    uint8_t mac[6];
    uint16_t vlan; /* 1 to NET_VLAN_MAX: all our frames carry this tag and others are dropped; 0: no
                      tag */
    struct port_capabilities port;
    struct net_address addresses[NET_ADDRESSES];
    uint32_t address_count;
    /* A network of whose addresses ARP and neighbour discovery say that they are here. What comes to
     * them is counted and dropped, and net_output_claimed() sends from them. */
    struct net_address claim;
    bool claims;
    uint32_t dad_ms; /* how long IPv6 addresses stay tentative (RFC 4862: 1000); 0: no detection */
    uint32_t worker, workers;
    uint64_t seed; /* a secret for hash tables */
};

struct net;

/* Checks addresses, prefixes and gateways. False, with the reason in `why`. */
bool net_options_check(const struct net_options *options, struct writer *why);
/* Frames are taken from `pool` and put into `out`; both are the worker's and outlive this. NULL: no
 * memory. */
struct net *net_new(const struct net_options *options, struct frame_pool *pool,
                    struct frame_queue *out);
void net_free(struct net *net);

/* Tells the link about our addresses, and asks whether somebody else has them; worker 0 only, the
 * others listen. */
void net_start(struct net *net, uint64_t now);
/* All addresses are past detection, good or duplicate. */
bool net_ready(const struct net *net);
/* The multicast groups that our addresses need, as MAC addresses. Returns how many; `max`: more than
 * fit, or those of a whole network. */
uint32_t net_groups(const struct net *net, uint8_t (*groups_out)[6], uint32_t max);
/* The largest TCP payload of a segment without options, for what we announce. */
uint16_t net_mss(const struct net_options *options, bool v4);

/* An ICMP error that quotes a segment of ours: arguments for tcp_icmp_error(). */
struct net_error {
    struct tcp_packet quoted;
    uint32_t mtu;
    bool hard;
};

/* What a burst came to. Frames stay the caller's; spans point into them or into the net's scratch
 * until the next burst. */
struct net_burst {
    uint32_t tcp_count, error_count, passed_count, learn_count;
    struct tcp_packet tcp[NET_BURST];
    struct net_error errors[NET_BURST];
    uint8_t passed[NET_BURST]; /* indices of frames that belong to worker owner[] */
    uint8_t owner[NET_BURST];
    uint8_t learn[NET_BURST]; /* indices of frames that all workers are to hear of */
};

/* Frames of this turn, n <= NET_BURST. Their notes say how they came. */
void net_input(struct net *net, struct rte_mbuf **frames, uint32_t n, uint64_t now,
               struct net_burst *burst_out);
/* Takes over up to `max` frames that were put together from fragments, for the next net_input(). */
uint32_t net_made(struct net *net, struct rte_mbuf **frames_out, uint32_t max);
/* Cuts a segment into frames. What cannot be sent now is dropped and counted; TCP sends it again.
 */
void net_output(struct net *net, const struct tcp_segment *segment, uint64_t now);
/* The same from an address of the network that is claimed; dropped and counted otherwise. */
void net_output_claimed(struct net *net, const struct tcp_segment *segment, uint64_t now);
/* Detection, questions, retries. */
void net_timers(struct net *net, uint64_t now);
uint64_t net_next_timer(const struct net *net);
const struct net_counters *net_counters(const struct net *net);

#endif
