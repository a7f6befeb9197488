/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/*
 * A client whose clock is set now and then, as the engine sees it: what its timestamps say jumps,
 * forward by up to `ahead` or back by up to `behind` (RFC 7323 section 5.4 forbids the latter, and
 * virtual machines do it). What the engine echoes is read by the clock as it is then.
 */
enum { OPTION_TIMESTAMPS = 8, ACK = 16 };

struct link_clock {
    struct link_element element;
    uint64_t period, next;
    uint32_t ahead, behind; /* milliseconds */
    uint32_t offset;
};

static void step(struct sim_link *link, struct link_clock *e)
{
    for (; e->next <= link->now; e->next += e->period) {
        uint32_t n = (uint32_t)sim_random_below(&link->random, (uint64_t)e->ahead + e->behind + 1);

        e->offset += n - e->behind;
        e->element.changed++;
    }
}

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    struct link_clock *e = (struct link_clock *)element;
    uint8_t *option;
    struct sim_view v;

    if (!e->next)
        e->next = link->now + e->period;
    step(link, e);
    option = sim_packet_view_tcp(p, &v) ? sim_view_option(&v, OPTION_TIMESTAMPS) : NULL;
    if (option && option[1] == 10) {
        uint32_t at = (uint32_t)(option - v.l4) + 2;

        if (p->way == SIM_IN)
            sim_view_patch32(&v, at, sim_get32(v.l4 + at) + e->offset);
        else if (v.l4[SIM_FLAGS] & ACK)
            sim_view_patch32(&v, at + 4, sim_get32(v.l4 + at + 4) - e->offset);
    }
    sim_link_forward(link, p);
}

struct link_element *link_clock_new(uint64_t period, uint32_t ahead, uint32_t behind)
{
    struct link_clock *e = calloc(1, sizeof(*e));

    *e = (struct link_clock){.element = {.name = "clock", .pass = pass},
                             .period = period,
                             .ahead = ahead,
                             .behind = behind};
    return &e->element;
}
