/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_TAP_ENGINE_H
#define DATAPLANE_WORKER_TAP_ENGINE_H

#include "dataplane/handoff/tap_live.h"

/*
 * A tap on live ports: DPDK's environment, the ports, and a worker an lcore. It listens and sends
 * nothing: no part that could make a frame (ARP, neighbour discovery, ICMP, TCP's endpoint) is in
 * it. Once a process.
 */
extern const struct tap_live_calls tap_engine_calls;

#endif
