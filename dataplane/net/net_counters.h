/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_NET_COUNTERS_H
#define DATAPLANE_NET_NET_COUNTERS_H

#include "dataplane/packet/frame.h"

enum net_counter {
#define NET_COUNTER(name, text) NET_##name,
#include "dataplane/net/net_counter.def"
#undef NET_COUNTER
    NET_COUNTERS,
    NET_KEEP = NET_COUNTERS, /* no reason to drop */
};

/* The row of a frame that frame_parse() refused; NET_KEEP where it did not. */
static inline enum net_counter net_counter_of_drop(enum frame_drop drop)
{
    return drop == FRAME_KEEP ? NET_KEEP
                              : (enum net_counter)((uint32_t)NET_frame_short + (uint32_t)drop);
}
_Static_assert(NET_arp_malformed - NET_frame_short == FRAME_DROP_arp_malformed,
               "one block of rows");

/* Written by one worker, read by anyone. */
struct net_counters {
    uint64_t row[NET_COUNTERS];
};

#endif
