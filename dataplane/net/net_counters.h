/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_NET_COUNTERS_H
#define DATAPLANE_NET_NET_COUNTERS_H

#include <stdint.h>

enum net_counter {
#define NET_COUNTER(name, text) NET_##name,
#include "dataplane/net/net_counter.def"
#undef NET_COUNTER
    NET_COUNTERS,
    NET_KEEP = NET_COUNTERS, /* no reason to drop */
};

/* Written by one worker, read by anyone. */
struct net_counters {
    uint64_t row[NET_COUNTERS];
};

#endif
