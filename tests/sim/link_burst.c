/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* Gilbert-Elliott: two states in each direction, each with a loss rate of its own. */
struct link_burst {
    struct link_element element;
    uint32_t change[2], loss[2];
    bool bad[SIM_WAYS];
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    struct link_burst *e = (struct link_burst *)element;
    bool *bad = &e->bad[p->way];

    if (sim_random_ppm(&link->random, e->change[*bad]))
        *bad = !*bad;
    if (sim_random_ppm(&link->random, e->loss[*bad]))
        sim_link_drop(link, element, p);
    else
        sim_link_forward(link, p);
}

struct link_element *link_burst_new(uint32_t to_bad, uint32_t to_good, uint32_t loss_good,
                                    uint32_t loss_bad)
{
    struct link_burst *e = calloc(1, sizeof(*e));

    *e = (struct link_burst){.element = {.name = "burst", .pass = pass},
                             .change = {to_bad, to_good},
                             .loss = {loss_good, loss_bad}};
    return &e->element;
}
