/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_INSIDE_H
#define TESTS_SIM_SIM_INSIDE_H

#include "dataplane/tcp/tcp.h"
#include "tests/sim/sim_watch.h"

/*
 * Looks into an endpoint between two turns:
 *   no state was changed but by an edge of RFC 9293's figure 5;
 *   what waits to be acknowledged or to be sent has a timer that is on the wheel, and the
 * endpoint's next timer is not later than it; what was sent new since the last look is within the
 * congestion window; what was received in order, and what lies unread, is what arrived.
 */
enum { INSIDE_CONNECTIONS = 1024 };

struct sim_inside {
    uint32_t snd_max[INSIDE_CONNECTIONS];
    uint64_t looked; /* connections, over all looks */
};

void sim_inside_look(struct sim_inside *inside, const struct tcp *tcp,
                     const struct sim_watch *watch);
/* All connections have ended: nothing of theirs may be out of the endpoint's own pools. */
void sim_inside_end(const struct tcp *tcp, const struct sim_watch *watch);

#endif
