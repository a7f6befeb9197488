/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_NET_NET_RIG_H
#define TESTS_NET_NET_RIG_H

#include "dataplane/net/net.h"
#include "tests/harness/check.h"
#include "tests/packet/packet.h"

/* One worker's IP stack on frames made by hand; DPDK's environment without hugepages, devices or
 * files. */
struct rig {
    struct frame_pool pool;
    struct frame_queue out;
    struct net *net;
    struct net_burst burst;
    struct rte_mbuf *last; /* of rig_input(); it stays until the next one */
};

/* Once a process. There is a port net_null0, and `vdev` if that is not NULL. */
void rig_environment(const char *vdev);
/* The addresses of packet.h: ours with /24 and /64, gateways 198.18.0.254 and 2001:2::fe; no
 * detection, no offloads. */
struct net_options rig_options(void);
struct rig *rig_new(const struct net_options *options);
void rig_free(struct rig *rig);
/* A frame of these bytes, in pieces of `piece` bytes, 0 for one. */
struct rte_mbuf *rig_frame(struct rig *rig, struct span bytes, uint32_t piece);
void rig_input(struct rig *rig, struct span bytes, uint64_t now);
void rig_input_pieces(struct rig *rig, struct span bytes, uint32_t piece, uint64_t now);
/* In two pieces, the first of `first` bytes. */
void rig_input_cut(struct rig *rig, struct span bytes, uint32_t first, uint64_t now);
/* The bytes of the n-th frame on its way out, which must be one piece. */
struct span rig_out(const struct rig *rig, uint32_t n);
void rig_clear_out(struct rig *rig);
uint64_t rig_count(const struct rig *rig, enum net_counter counter);
/* Makes peer and gateways known, so that what is sent leaves at once. */
void rig_meet(struct rig *rig, uint64_t now);

#endif
