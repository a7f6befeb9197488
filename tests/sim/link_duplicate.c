/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* Some packets come twice, the second time later. */
struct link_duplicate {
    struct link_element element;
    uint32_t ppm;
    uint64_t spread;
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    struct link_duplicate *e = (struct link_duplicate *)element;

    if (sim_random_ppm(&link->random, e->ppm)) {
        element->changed++;
        sim_link_hold(link, sim_packet_copy(p),
                      link->now + sim_random_below(&link->random, e->spread));
    }
    sim_link_forward(link, p);
}

struct link_element *link_duplicate_new(uint32_t ppm, uint64_t spread)
{
    struct link_duplicate *e = calloc(1, sizeof(*e));

    *e = (struct link_duplicate){
        .element = {.name = "duplicate", .pass = pass}, .ppm = ppm, .spread = spread};
    return &e->element;
}
