/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/*
 * One to three neighbouring bits flip, anywhere in the IP packet. The Internet checksum finds every
 * such error (RFC 1071: a run shorter than 16 bits), so whoever takes the packet in has not looked.
 */
struct link_corrupt {
    struct link_element element;
    uint32_t ppm;
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    const struct link_corrupt *e = (const struct link_corrupt *)element;

    if (sim_random_ppm(&link->random, e->ppm)) {
        uint64_t bits = (uint64_t)(p->len - SIM_ETHERNET) * 8;
        uint64_t at = sim_random_below(&link->random, bits);
        uint64_t end = at + 1 + sim_random_below(&link->random, 3);

        element->changed++;
        for (; at < end && at < bits; at++)
            p->frame[SIM_ETHERNET + at / 8] ^= (uint8_t)(0x80 >> at % 8);
    }
    sim_link_forward(link, p);
}

struct link_element *link_corrupt_new(uint32_t ppm)
{
    struct link_corrupt *e = calloc(1, sizeof(*e));

    *e = (struct link_corrupt){.element = {.name = "corrupt", .pass = pass}, .ppm = ppm};
    return &e->element;
}
