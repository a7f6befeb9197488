/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* Each packet with the same chance, whatever befell the others. */
struct link_loss {
    struct link_element element;
    uint32_t ppm;
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    const struct link_loss *e = (const struct link_loss *)element;

    if (sim_random_ppm(&link->random, e->ppm))
        sim_link_drop(link, element, p);
    else
        sim_link_forward(link, p);
}

struct link_element *link_loss_new(uint32_t ppm)
{
    struct link_loss *e = calloc(1, sizeof(*e));

    *e = (struct link_loss){.element = {.name = "loss", .pass = pass}, .ppm = ppm};
    return &e->element;
}
