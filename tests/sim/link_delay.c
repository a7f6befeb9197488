/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* A wire's length. */
struct link_delay {
    struct link_element element;
    uint64_t delay;
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    const struct link_delay *e = (const struct link_delay *)element;

    sim_link_hold(link, p, link->now + e->delay);
}

struct link_element *link_delay_new(uint64_t delay)
{
    struct link_delay *e = calloc(1, sizeof(*e));

    *e = (struct link_delay){.element = {.name = "delay", .pass = pass}, .delay = delay};
    return &e->element;
}
