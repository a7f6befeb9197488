/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/*
 * A bottleneck with a queue of its own in each direction; the tail is dropped. From half a queue
 * on, packets whose endpoints speak ECN are marked.
 */
struct link_rate {
    struct link_element element;
    uint64_t rate;
    uint32_t queue;
    uint64_t free_ns[SIM_WAYS]; /* when the last byte so far has left */
};

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    struct link_rate *e = (struct link_rate *)element;
    uint64_t now = link->now * 1000, free_ns = e->free_ns[p->way];
    uint64_t wait = free_ns > now ? free_ns - now : 0;
    uint64_t bytes = wait * e->rate / 8000000000ull;
    struct sim_view v;

    if (e->queue && bytes && bytes + p->len > e->queue) {
        sim_link_drop(link, element, p);
        return;
    }
    if (e->queue && bytes > e->queue / 2 && sim_packet_view(p, &v))
        element->changed += sim_view_mark(&v);
    free_ns = now + wait + p->len * 8000000000ull / e->rate;
    e->free_ns[p->way] = free_ns;
    sim_link_hold(link, p, (free_ns + 999) / 1000);
}

struct link_element *link_rate_new(uint64_t rate, uint32_t queue)
{
    struct link_rate *e = calloc(1, sizeof(*e));

    *e =
        (struct link_rate){.element = {.name = "rate", .pass = pass}, .rate = rate, .queue = queue};
    return &e->element;
}
