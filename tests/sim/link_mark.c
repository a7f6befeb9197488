/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* A hop that marks some packets instead of dropping them, where their endpoints speak ECN. */
struct link_mark {
    struct link_element element;
    uint32_t ppm;
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    const struct link_mark *e = (const struct link_mark *)element;
    struct sim_view v;

    if (sim_random_ppm(&link->random, e->ppm) && sim_packet_view(p, &v))
        element->changed += sim_view_mark(&v);
    sim_link_forward(link, p);
}

struct link_element *link_mark_new(uint32_t ppm)
{
    struct link_mark *e = calloc(1, sizeof(*e));

    *e = (struct link_mark){.element = {.name = "mark", .pass = pass}, .ppm = ppm};
    return &e->element;
}
