/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* A middlebox that lets no option through which it does not know. */
struct link_strip {
    struct link_element element;
    uint32_t kinds;
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    const struct link_strip *e = (const struct link_strip *)element;
    uint8_t nops[40];
    struct sim_view v;

    memset(nops, 1, sizeof(nops));
    for (uint32_t kind = 2; kind < 32 && sim_packet_view_tcp(p, &v); kind++) {
        uint8_t *option = e->kinds >> kind & 1 ? sim_view_option(&v, (uint8_t)kind) : NULL;

        if (!option)
            continue;
        sim_view_patch(&v, (uint32_t)(option - v.l4), nops, option[1]);
        element->changed++;
    }
    sim_link_forward(link, p);
}

struct link_element *link_strip_new(uint32_t kinds)
{
    struct link_strip *e = calloc(1, sizeof(*e));

    *e = (struct link_strip){.element = {.name = "strip", .pass = pass}, .kinds = kinds};
    return &e->element;
}
