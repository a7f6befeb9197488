/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_gather.h"

#include <stdlib.h>

enum { IPV4 = 20, IPV6 = 40, EXTENSION = 8, UNIT = 8, ROOM = SIM_GATHER_UNITS * UNIT };

/* What a fragment's headers say. */
struct piece {
    uint32_t id, at, len;
    uint8_t protocol;
    bool more;
    const uint8_t *bytes;
};

static struct piece read_piece(const struct sim_view *v)
{
    uint32_t field = sim_get16(v->v4 ? v->ip + 6 : v->l4 + 2);

    if (v->v4)
        return (struct piece){sim_get16(v->ip + 4),
                              (field & 0x1fff) * UNIT,
                              v->l4_len,
                              v->ip[9],
                              field & 0x2000,
                              v->l4};
    return (struct piece){
        sim_get32(v->l4 + 4), field & 0xfff8, v->l4_len - EXTENSION, v->l4[0], field & 1,
        v->l4 + EXTENSION};
}

static struct sim_packet *begin(const struct sim_packet *p, const struct sim_view *v,
                                const struct piece *f)
{
    uint8_t frame[SIM_ETHERNET + IPV6 + ROOM] = {0};
    uint32_t header = v->v4 ? IPV4 : IPV6;

    memcpy(frame, p->frame, SIM_ETHERNET + header);
    frame[SIM_ETHERNET + (v->v4 ? 9 : 6)] = f->protocol;
    if (v->v4)
        sim_put16(frame + SIM_ETHERNET + 6, 0);
    return sim_packet_new(p->way, span_of(frame, SIM_ETHERNET + header + ROOM));
}

/* The lengths that the whole packet has. */
static void finish(struct sim_packet *whole, bool v4, uint32_t len)
{
    uint8_t *ip = whole->frame + SIM_ETHERNET;

    sim_put16(ip + (v4 ? 2 : 4), v4 ? IPV4 + len : len);
    whole->len = SIM_ETHERNET + (v4 ? IPV4 : IPV6) + len;
    sim_packet_sum_v4(whole);
}

struct sim_packet *sim_gather(struct sim_gather *g, struct sim_packet *p)
{
    uint32_t slot, header;
    struct sim_view v;
    struct piece f;

    if (!sim_packet_view(p, &v) || v.protocol != SIM_FRAGMENT)
        return p;
    f = read_piece(&v);
    if (f.at + f.len > ROOM)
        return NULL;
    slot = f.id % SIM_GATHERED;
    header = SIM_ETHERNET + (v.v4 ? IPV4 : IPV6);
    if (!g->packets[slot].whole || g->packets[slot].id != f.id) {
        free(g->packets[slot].whole);
        memset(&g->packets[slot], 0, sizeof(g->packets[slot]));
        g->packets[slot].whole = begin(p, &v, &f);
        g->packets[slot].id = f.id;
    }
    memcpy(g->packets[slot].whole->frame + header + f.at, f.bytes, f.len);
    for (uint32_t u = f.at / UNIT; u < (f.at + f.len + UNIT - 1) / UNIT; u++) {
        g->packets[slot].units += !g->packets[slot].have[u];
        g->packets[slot].have[u] = 1;
    }
    if (!f.more) {
        g->packets[slot].all = (f.at + f.len + UNIT - 1) / UNIT;
        finish(g->packets[slot].whole, v.v4, f.at + f.len);
    }
    return g->packets[slot].units == g->packets[slot].all ? g->packets[slot].whole : NULL;
}

void sim_gather_fini(struct sim_gather *g)
{
    for (uint32_t i = 0; i < SIM_GATHERED; i++)
        free(g->packets[i].whole);
}
