/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_GATHER_H
#define TESTS_SIM_SIM_GATHER_H

#include "tests/sim/sim_packet.h"

/*
 * What has arrived in fragments: the packets they are of, for whoever watches what an endpoint may
 * know. It knows only fragments of the link's own, which never contradict each other, and believes
 * more than an endpoint does: it forgets nothing while it has room.
 */
enum { SIM_GATHERED = 1024, SIM_GATHER_UNITS = 256 };

struct sim_gather {
    struct {
        struct sim_packet *whole;
        uint32_t id, units, all; /* of 8 bytes: here, in all; 0: not known yet */
        uint8_t have[SIM_GATHER_UNITS];
    } packets[SIM_GATHERED];
};

/*
 * The packet that is whole now, lent until the next call; NULL for a fragment whose packet is not.
 * What is no fragment comes back itself.
 */
struct sim_packet *sim_gather(struct sim_gather *g, struct sim_packet *p);
void sim_gather_fini(struct sim_gather *g);

#endif
