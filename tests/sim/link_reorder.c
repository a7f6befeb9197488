/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* Some packets take a longer way, and are overtaken. */
struct link_reorder {
    struct link_element element;
    uint32_t ppm;
    uint64_t spread;
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    struct link_reorder *e = (struct link_reorder *)element;

    if (!sim_random_ppm(&link->random, e->ppm)) {
        sim_link_forward(link, p);
        return;
    }
    element->changed++;
    sim_link_hold(link, p, link->now + sim_random_below(&link->random, e->spread));
}

struct link_element *link_reorder_new(uint32_t ppm, uint64_t spread)
{
    struct link_reorder *e = calloc(1, sizeof(*e));

    *e = (struct link_reorder){
        .element = {.name = "reorder", .pass = pass}, .ppm = ppm, .spread = spread};
    return &e->element;
}
