/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/*
 * A receiver that stops reading now and then, as its peer sees it: while shut, the right edge of
 * its window stays where it was, so that the window closes. It never moves back.
 */
enum { FLOWS = 64, OPTION_SCALE = 3, SYN = 2, RST = 4, ACK = 16 };

struct window_flow {
    uint32_t ports; /* both */
    uint8_t scale;
    bool used, scaled, edged;
    uint32_t edge;
};

struct link_window {
    struct link_element element;
    uint64_t period, shut;
    struct window_flow flows[SIM_WAYS][FLOWS];
};

static struct window_flow *flow_of(struct link_window *e, int way, uint32_t ports)
{
    struct window_flow *f = &e->flows[way][ports * 2654435761u >> 26];

    if (!f->used || f->ports != ports)
        *f = (struct window_flow){.ports = ports, .used = true};
    return f;
}

static void note_syn(struct link_window *e, const struct sim_view *v, int way)
{
    struct window_flow *f = flow_of(e, way, sim_get32(v->l4));
    const uint8_t *scale = sim_view_option(v, OPTION_SCALE);

    f->edged = false;
    f->scaled = scale && scale[1] == 3;
    f->scale = f->scaled ? scale[2] : 0;
}

/* Both ends must have offered a scale for one to hold. */
static uint32_t scale_of(struct link_window *e, const struct sim_view *v, int way)
{
    const uint8_t *p = v->l4;
    const struct window_flow *own = flow_of(e, way, sim_get32(p));
    const struct window_flow *peer = flow_of(e, !way, sim_get16(p + 2) << 16 | sim_get16(p));

    return own->scaled && peer->scaled ? own->scale : 0;
}

/* Somewhere in each period: a fixed place could meet every probe that a peer sends. */
static bool is_shut(const struct link_window *e, uint64_t now)
{
    struct sim_random r = {now / e->period};
    uint64_t begin = sim_random_below(&r, e->period - e->shut + 1);

    return now % e->period >= begin && now % e->period < begin + e->shut;
}

static void limit(struct sim_link *link, struct link_window *e, struct sim_view *v, int way)
{
    struct window_flow *f = flow_of(e, way, sim_get32(v->l4));
    uint32_t scale = scale_of(e, v, way), ack = sim_get32(v->l4 + SIM_ACK);
    uint32_t edge = ack + (sim_get16(v->l4 + SIM_WINDOW) << scale), room;
    uint8_t field[2];

    if (!f->edged || !is_shut(e, link->now)) {
        if (!f->edged || (int32_t)(edge - f->edge) > 0)
            f->edge = edge;
        f->edged = true;
        return;
    }
    if ((int32_t)(edge - f->edge) <= 0)
        return;
    room = (int32_t)(f->edge - ack) > 0 ? f->edge - ack : 0;
    sim_put16(field, room >> scale);
    sim_view_patch(v, SIM_WINDOW, field, 2);
    e->element.changed++;
}

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    struct link_window *e = (struct link_window *)element;
    struct sim_view v;

    if (sim_packet_view_tcp(p, &v) && sim_view_sums_good(&v)) {
        if (v.l4[SIM_FLAGS] & SYN)
            note_syn(e, &v, p->way);
        else if ((v.l4[SIM_FLAGS] & (ACK | RST)) == ACK)
            limit(link, e, &v, p->way);
    }
    sim_link_forward(link, p);
}

struct link_element *link_window_new(uint64_t period, uint64_t shut)
{
    struct link_window *e = calloc(1, sizeof(*e));

    e->element = (struct link_element){.name = "window", .pass = pass};
    e->period = period;
    e->shut = shut;
    return &e->element;
}
