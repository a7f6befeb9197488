/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_router.h"

enum { IPV4 = 0x0800, ARP = 0x0806, IPV6 = 0x86dd, REQUEST = 1, SOLICITATION = 135, NA = 136 };

const uint8_t sim_router_mac[6] = {2, 0, 0, 0, 1, 1};
const uint8_t sim_router_engine_mac[6] = {2, 0, 0, 0, 1, 2};

struct ip_address sim_router_address(bool v4)
{
    static const uint8_t four[4] = {198, 18, 0, 254}, six[16] = {0x20, 1, 0, 2, [15] = 0xfe};

    return v4 ? ip_address_v4(four) : ip_address_v6(six);
}

static void address(struct sim_packet *p, uint32_t type)
{
    memcpy(p->frame, sim_router_engine_mac, 6);
    memcpy(p->frame + 6, sim_router_mac, 6);
    sim_put16(p->frame + 12, type);
}

void sim_router_address_frame(struct sim_packet *p)
{
    address(p, p->frame[SIM_ETHERNET] >> 4 == 4 ? IPV4 : IPV6);
}

/* RFC 826 */
static int take_arp(struct sim_packet *p)
{
    uint8_t *arp = p->frame + SIM_ETHERNET;
    struct ip_address own = sim_router_address(true);

    if (p->len < SIM_ETHERNET + 28 || sim_get16(arp + 6) != REQUEST ||
        memcmp(arp + 24, own.bytes + 12, 4) != 0)
        return ROUTER_DROP;
    sim_put16(arp + 6, 2);
    memcpy(arp + 18, arp + 8, 10); /* who asked is now who is answered */
    memcpy(arp + 8, sim_router_mac, 6);
    memcpy(arp + 14, own.bytes + 12, 4);
    address(p, ARP);
    return ROUTER_ANSWER;
}

/* RFC 4861 section 7.2.4 */
static int take_solicitation(struct sim_packet *p, struct sim_view *v)
{
    struct ip_address own = sim_router_address(false);

    if (v->l4_len < 32 || memcmp(v->l4 + 8, own.bytes, 16) != 0)
        return ROUTER_DROP;
    v->l4[0] = NA;
    sim_put32(v->l4 + 4, 0xe0000000u); /* router, solicited, override */
    v->l4[24] = 2;
    v->l4[25] = 1;
    memcpy(v->l4 + 26, sim_router_mac, 6);
    memcpy(v->ip + 24, v->ip + 8, 16);
    memcpy(v->ip + 8, own.bytes, 16);
    v->ip[7] = 255;
    sim_put16(v->ip + 4, 32);
    p->len = SIM_ETHERNET + 40 + 32;
    sim_packet_view(p, v);
    sim_view_sum(v);
    address(p, IPV6);
    return ROUTER_ANSWER;
}

int sim_router_take(struct sim_packet *p)
{
    uint32_t type = p->len < SIM_ETHERNET ? 0 : sim_get16(p->frame + 12);
    struct sim_view v;

    if (type == ARP)
        return take_arp(p);
    if ((type != IPV4 && type != IPV6) || !sim_packet_view(p, &v))
        return ROUTER_DROP;
    if (v.protocol == SIM_ICMP6 && v.l4_len && v.l4[0] == SOLICITATION)
        return take_solicitation(p, &v);
    return memcmp(p->frame, sim_router_mac, 6) == 0 ? ROUTER_FORWARD : ROUTER_DROP;
}
