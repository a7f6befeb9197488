/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

void sim_link_add(struct sim_link *link, struct link_element *element)
{
    if (link->count < SIM_ELEMENTS)
        link->elements[link->count++] = element;
    else
        free(element);
}

static bool before(const struct sim_packet *a, const struct sim_packet *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct sim_link *link, struct sim_packet *p)
{
    uint32_t i = link->flying_count++;

    if (link->flying_count > link->flying_cap) {
        link->flying_cap = link->flying_cap ? 2 * link->flying_cap : 64;
        link->flying = realloc(link->flying, link->flying_cap * sizeof(struct sim_packet *));
    }
    while (i && before(p, link->flying[(i - 1) / 2])) {
        link->flying[i] = link->flying[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    link->flying[i] = p;
}

static struct sim_packet *pop(struct sim_link *link)
{
    struct sim_packet *first = link->flying[0], *last = link->flying[--link->flying_count];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child + 1 < link->flying_count && before(link->flying[child + 1], link->flying[child]))
            child++;
        if (child >= link->flying_count || before(last, link->flying[child]))
            break;
        link->flying[i] = link->flying[child];
        i = child;
    }
    if (link->flying_count)
        link->flying[i] = last;
    return first;
}

/* `stage` is the element that the packet is at; past either end it has arrived. */
static void enter(struct sim_link *link, struct sim_packet *p)
{
    if (p->stage < link->count) {
        struct link_element *e = link->elements[p->stage];

        e->pass(link, e, p);
        return;
    }
    link->delivered[p->way]++;
    link->deliver(link->user, p);
}

void sim_link_send(struct sim_link *link, struct sim_packet *p)
{
    p->stage = p->way == SIM_IN ? 0 : link->count - 1;
    enter(link, p);
}

void sim_link_forward(struct sim_link *link, struct sim_packet *p)
{
    /* From 0 downwards it wraps, which is past the end as well. */
    p->stage += p->way == SIM_IN ? 1 : UINT32_MAX;
    enter(link, p);
}

void sim_link_hold(struct sim_link *link, struct sim_packet *p, uint64_t until)
{
    p->at = until;
    p->order = link->order++;
    push(link, p);
}

void sim_link_drop(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    (void)link;
    element->dropped++;
    free(p);
}

uint32_t sim_link_run(struct sim_link *link, uint64_t now)
{
    uint32_t moved = 0;

    link->now = now;
    for (; link->flying_count && link->flying[0]->at <= now; moved++)
        sim_link_forward(link, pop(link));
    return moved;
}

uint64_t sim_link_next(const struct sim_link *link)
{
    return link->flying_count ? link->flying[0]->at : UINT64_MAX;
}

void sim_link_fini(struct sim_link *link)
{
    while (link->flying_count)
        free(link->flying[--link->flying_count]);
    free(link->flying);
    for (uint32_t i = 0; i < link->count; i++)
        free(link->elements[i]);
    link->flying = NULL;
    link->count = link->flying_cap = 0;
}
