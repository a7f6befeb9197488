/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/*
 * What goes to the engine comes in fragments (RFC 791 section 3.2, RFC 8200 section 4.5), as from a
 * tunnel's end that ignores "don't fragment". The other way nothing is cut: clients of the
 * simulator put nothing together.
 */
enum { IPV4 = 20, IPV6 = 40, EXTENSION = 8, MORE = 0x2000, UNIT = 8 };

struct link_fragment {
    struct link_element element;
    uint32_t mtu; /* of a fragment, its headers included */
    uint32_t id;
};

static void put_header(uint8_t *ip, const struct sim_view *v, uint32_t id, uint32_t at,
                       uint32_t len, bool more)
{
    memcpy(ip, v->ip, v->v4 ? IPV4 : IPV6);
    if (v->v4) {
        sim_put16(ip + 2, IPV4 + len);
        sim_put16(ip + 4, id);
        sim_put16(ip + 6, at / UNIT | (more ? MORE : 0));
        return;
    }
    sim_put16(ip + 4, EXTENSION + len);
    ip[6] = SIM_FRAGMENT;
    ip[IPV6] = v->protocol;
    ip[IPV6 + 1] = 0;
    sim_put16(ip + IPV6 + 2, at | more);
    sim_put32(ip + IPV6 + 4, id);
}

static void cut(struct sim_link *link, struct link_fragment *e, struct sim_packet *p,
                const struct sim_view *v)
{
    uint32_t header = v->v4 ? IPV4 : IPV6 + EXTENSION, step = (e->mtu - header) / UNIT * UNIT;

    e->id++;
    for (uint32_t at = 0; at < v->l4_len; at += step) {
        uint32_t left = v->l4_len - at, len = left < step ? left : step;
        uint8_t frame[1600];
        struct sim_packet *piece;

        memcpy(frame, p->frame, SIM_ETHERNET);
        put_header(frame + SIM_ETHERNET, v, e->id, at, len, len < left);
        memcpy(frame + SIM_ETHERNET + header, v->l4 + at, len);
        piece = sim_packet_new(p->way, span_of(frame, SIM_ETHERNET + header + len));
        piece->stage = p->stage;
        sim_packet_sum_v4(piece);
        e->element.changed++;
        sim_link_forward(link, piece);
    }
    free(p);
}

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    struct link_fragment *e = (struct link_fragment *)element;
    struct sim_view v;

    if (p->way == SIM_IN && p->len - SIM_ETHERNET > e->mtu && sim_packet_view(p, &v) &&
        sim_view_sums_good(&v))
        cut(link, e, p, &v);
    else
        sim_link_forward(link, p);
}

struct link_element *link_fragment_new(uint32_t mtu)
{
    struct link_fragment *e = calloc(1, sizeof(*e));

    *e = (struct link_fragment){.element = {.name = "fragment", .pass = pass}, .mtu = mtu};
    return &e->element;
}
