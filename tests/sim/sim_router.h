/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_ROUTER_H
#define TESTS_SIM_SIM_ROUTER_H

#include "tests/sim/sim_packet.h"

/* The engine's only neighbour, by frames: answers ARP and neighbour solicitations for itself, and
 * passes IP packets on. */
enum { ROUTER_DROP, ROUTER_FORWARD, ROUTER_ANSWER };

extern const uint8_t sim_router_mac[6], sim_router_engine_mac[6];
struct ip_address sim_router_address(bool v4);
/* What becomes of a frame of the engine's; an answer is written over it, no longer than it was. */
int sim_router_take(struct sim_packet *p);
/* The Ethernet header of a packet that goes to the engine. */
void sim_router_address_frame(struct sim_packet *p);

#endif
