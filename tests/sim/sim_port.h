/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_PORT_H
#define TESTS_SIM_SIM_PORT_H

#include <rte_mbuf.h>

#include "tests/sim/sim_packet.h"

/*
 * What a network card does for its driver: makes the sums that are left to it, cuts large segments,
 * joins received ones. As cards do it, from what stands in the frame: a sum that was begun wrongly
 * comes out wrong.
 */
enum { SIM_PORT_FRAME = 66000 };

/* A frame that is transmitted, as packets of the wire, each taken by `emit`. The frame stays the
 * caller's. */
void sim_port_cut(const struct rte_mbuf *frame, void (*emit)(void *user, struct sim_packet *p),
                  void *user);
/*
 * Joins `p` to `held` where both are segments of one flow, one behind the other, and alike in all
 * else, up to `most` bytes. NULL: not so; else the new packet, and both are freed.
 */
struct sim_packet *sim_port_join(struct sim_packet *held, struct sim_packet *p, uint32_t most);
/* RTE_MBUF_F_RX_*: what the card found out about the sums of a received packet. */
uint64_t sim_port_sums(struct sim_packet *p);

#endif
