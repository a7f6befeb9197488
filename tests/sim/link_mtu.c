/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_link.h"

#include <stdlib.h>

/* A hop with a smaller MTU, that says so (RFC 1191 section 4, RFC 4443 section 3.2) or is silent.
 */
struct link_mtu {
    struct link_element element;
    uint32_t mtu;
    bool tell;
};

enum { QUOTED_V4 = 28, QUOTED_V6 = 1280 - 48, UNREACHABLE = 3, TOO_BIG_V4 = 4, TOO_BIG_V6 = 2 };

/* "Too big" to whoever sent the packet, from a router of the link's. */
static void tell(struct sim_link *link, const struct link_mtu *e, const struct sim_view *v,
                 const struct sim_packet *p)
{
    static const uint8_t router4[4] = {198, 18, 1, 1}, router6[16] = {0x20, 1, 0, 2, 0, 0, 0, 9, 1};
    uint32_t most = v->v4 ? QUOTED_V4 : QUOTED_V6, all = p->len - SIM_ETHERNET;
    uint32_t quoted = all < most ? all : most, header = v->v4 ? 20 : 40;
    uint8_t frame[1600] = {0}, *ip = frame + SIM_ETHERNET, *icmp = ip + header;
    struct sim_packet *reply;
    struct sim_view view;

    sim_put16(ip - 2, v->v4 ? 0x0800 : 0x86dd);
    if (v->v4) {
        memcpy(ip, (uint8_t[]){0x45, 0, 0, 0, 0, 0, 0, 0, 64, SIM_ICMP}, 10);
        sim_put16(ip + 2, header + 8 + quoted);
        memcpy(ip + 12, router4, 4);
        memcpy(ip + 16, v->ip + 12, 4);
        icmp[0] = UNREACHABLE;
        icmp[1] = TOO_BIG_V4;
    } else {
        memcpy(ip, (uint8_t[]){0x60, 0, 0, 0, 0, 0, SIM_ICMP6, 64}, 8);
        sim_put16(ip + 4, 8 + quoted);
        memcpy(ip + 8, router6, 16);
        memcpy(ip + 24, v->ip + 8, 16);
        icmp[0] = TOO_BIG_V6;
    }
    sim_put32(icmp + 4, e->mtu);
    memcpy(icmp + 8, v->ip, quoted);
    reply = sim_packet_new(p->way == SIM_IN ? SIM_OUT : SIM_IN,
                           span_of(frame, SIM_ETHERNET + header + 8 + quoted));
    reply->stage = p->stage;
    sim_packet_view(reply, &view);
    sim_view_sum(&view);
    sim_link_forward(link, reply);
}

static void pass(struct sim_link *link, struct link_element *element, struct sim_packet *p)
{
    const struct link_mtu *e = (const struct link_mtu *)element;
    struct sim_view view;

    if (p->len - SIM_ETHERNET <= e->mtu) {
        sim_link_forward(link, p);
        return;
    }
    if (e->tell && sim_packet_view(p, &view) && sim_view_sums_good(&view))
        tell(link, e, &view, p);
    sim_link_drop(link, element, p);
}

struct link_element *link_mtu_new(uint32_t mtu, bool tell_sender)
{
    struct link_mtu *e = calloc(1, sizeof(*e));

    *e = (struct link_mtu){
        .element = {.name = "mtu", .pass = pass}, .mtu = mtu, .tell = tell_sender};
    return &e->element;
}
