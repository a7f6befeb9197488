/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* A firewall that gives each side other sequence numbers than the other side chose. */
enum { OPTION_SACK = 5, ACK = 16, UNREACHABLE = 3, TOO_BIG_V6 = 2 };

struct link_rewrite {
    struct link_element element;
    uint32_t add[SIM_WAYS]; /* to the numbers of what is sent this way */
};

static void rewrite(const struct link_rewrite *e, struct sim_view *v, int way)
{
    uint8_t *sack = sim_view_option(v, OPTION_SACK);

    sim_view_patch32(v, SIM_SEQ, sim_get32(v->l4 + SIM_SEQ) + e->add[way]);
    if (v->l4[SIM_FLAGS] & ACK)
        sim_view_patch32(v, SIM_ACK, sim_get32(v->l4 + SIM_ACK) - e->add[!way]);
    for (uint32_t i = 2; sack && i + 4 <= sack[1]; i += 4)
        sim_view_patch32(v, (uint32_t)(sack + i - v->l4), sim_get32(sack + i) - e->add[!way]);
}

/* An error quotes what was sent the other way, as it was on this side. */
static void rewrite_quoted(const struct link_rewrite *e, struct sim_view *v, int way)
{
    uint32_t at = 8 + (v->v4 ? 20 : 40) + SIM_SEQ;

    if (v->l4_len < at + 4 || v->l4[0] != (v->v4 ? UNREACHABLE : TOO_BIG_V6))
        return;
    sim_put32(v->l4 + at, sim_get32(v->l4 + at) - e->add[!way]);
    sim_view_sum(v);
}

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    const struct link_rewrite *e = (const struct link_rewrite *)element;
    struct sim_view v;

    if (sim_packet_view_tcp(p, &v))
        rewrite(e, &v, p->way);
    else if (sim_packet_view(p, &v) && (v.protocol == SIM_ICMP || v.protocol == SIM_ICMP6) &&
             sim_view_sums_good(&v))
        rewrite_quoted(e, &v, p->way);
    sim_link_forward(link, p);
}

struct link_element *link_rewrite_new(uint32_t in, uint32_t out)
{
    struct link_rewrite *e = calloc(1, sizeof(*e));

    *e = (struct link_rewrite){.element = {.name = "rewrite", .pass = pass}, .add = {in, out}};
    return &e->element;
}
