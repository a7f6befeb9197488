/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* A middlebox that cuts some segments in two, anywhere: what is sent again then begins and ends
 * elsewhere than what has arrived. */
enum { FIN = 1, PSH = 8, IPV4 = 20, IPV6 = 40 };

struct link_cut {
    struct link_element element;
    uint32_t ppm;
};

/* Bytes [from, from + len) of the segment's payload. */
static struct sim_packet *part(const struct sim_packet *p, const struct sim_view *v, uint32_t from,
                               uint32_t len, uint8_t without)
{
    uint32_t header = sim_view_header(v), l4 = SIM_ETHERNET + (v->v4 ? IPV4 : IPV6);
    struct sim_packet *piece = sim_packet_copy(p);
    struct sim_view w;

    memcpy(piece->frame + l4 + header, v->l4 + header + from, len);
    piece->len = l4 + header + len;
    sim_put16(piece->frame + SIM_ETHERNET + (v->v4 ? 2 : 4), header + len + (v->v4 ? IPV4 : 0));
    sim_packet_view(piece, &w);
    sim_put32(w.l4 + SIM_SEQ, sim_get32(w.l4 + SIM_SEQ) + from);
    w.l4[SIM_FLAGS] &= (uint8_t)~without;
    sim_view_sum(&w);
    return piece;
}

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    const struct link_cut *e = (const struct link_cut *)element;
    struct sim_view v;
    uint32_t len, at;

    if (!sim_random_ppm(&link->random, e->ppm) || !sim_packet_view_tcp(p, &v) ||
        !sim_view_sums_good(&v) || (len = v.l4_len - sim_view_header(&v)) < 2) {
        sim_link_forward(link, p);
        return;
    }
    at = 1 + (uint32_t)sim_random_below(&link->random, len - 1);
    element->changed++;
    sim_link_forward(link, part(p, &v, 0, at, FIN | PSH));
    sim_link_forward(link, part(p, &v, at, len - at, 0));
    free(p);
}

struct link_element *link_cut_new(uint32_t ppm)
{
    struct link_cut *e = calloc(1, sizeof(*e));

    *e = (struct link_cut){.element = {.name = "cut", .pass = pass}, .ppm = ppm};
    return &e->element;
}
