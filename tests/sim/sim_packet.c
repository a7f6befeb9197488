/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_packet.h"

#include <stdlib.h>

#include "dataplane/packet/checksum.h"

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20, OPTION_END = 0, OPTION_NOP = 1 };

struct sim_packet *sim_packet_new(int way, struct span frame)
{
    struct sim_packet *p = malloc(sizeof(*p) + frame.len);

    *p = (struct sim_packet){.len = (uint32_t)frame.len, .way = (uint8_t)way};
    memcpy(p->frame, frame.data, frame.len);
    return p;
}

struct sim_packet *sim_packet_copy(const struct sim_packet *p)
{
    struct sim_packet *copy = malloc(sizeof(*p) + p->len);

    memcpy(copy, p, sizeof(*p) + p->len);
    return copy;
}

static bool view_v4(struct sim_view *v, uint32_t room)
{
    uint32_t total = room < IPV4_HEADER ? 0 : sim_get16(v->ip + 2);

    if (total < IPV4_HEADER || total > room || v->ip[0] != 0x45)
        return false;
    v->protocol = sim_get16(v->ip + 6) & 0x3fff ? SIM_FRAGMENT : v->ip[9];
    v->l4 = v->ip + IPV4_HEADER;
    v->l4_len = total - IPV4_HEADER;
    v->source = ip_address_v4(v->ip + 12);
    v->destination = ip_address_v4(v->ip + 16);
    return true;
}

static bool view_v6(struct sim_view *v, uint32_t room)
{
    if (room < IPV6_HEADER || sim_get16(v->ip + 4) > room - IPV6_HEADER)
        return false;
    v->protocol = v->ip[6];
    v->l4 = v->ip + IPV6_HEADER;
    v->l4_len = sim_get16(v->ip + 4);
    v->source = ip_address_v6(v->ip + 8);
    v->destination = ip_address_v6(v->ip + 24);
    return true;
}

bool sim_packet_view(struct sim_packet *p, struct sim_view *v)
{
    uint32_t room = p->len - SIM_ETHERNET;

    if (p->len <= SIM_ETHERNET)
        return false;
    *v = (struct sim_view){.ip = p->frame + SIM_ETHERNET};
    v->v4 = v->ip[0] >> 4 == 4;
    if (!v->v4 && v->ip[0] >> 4 != 6)
        return false;
    return v->v4 ? view_v4(v, room) : view_v6(v, room);
}

bool sim_packet_view_tcp(struct sim_packet *p, struct sim_view *v)
{
    return sim_packet_view(p, v) && v->protocol == SIM_TCP && v->l4_len >= TCP_HEADER &&
           sim_view_header(v) >= TCP_HEADER && sim_view_header(v) <= v->l4_len;
}

static void add_transport(struct checksum *c, const struct sim_view *v)
{
    if (v->protocol != SIM_ICMP)
        checksum_pseudo(c, &v->source, &v->destination, v->protocol, v->l4_len);
    checksum_add(c, v->l4, v->l4_len);
}

bool sim_view_sums_good(const struct sim_view *v)
{
    struct checksum header = {0}, transport = {0};

    checksum_add(&header, v->ip, IPV4_HEADER);
    add_transport(&transport, v);
    return (!v->v4 || checksum_fold(&header) == 0xffff) && checksum_fold(&transport) == 0xffff;
}

/* RFC 1624: what a byte adds, modulo 65535, depends on whether its place is even. */
void sim_view_patch(struct sim_view *v, uint32_t at, const void *bytes, uint32_t len)
{
    const uint8_t *from = bytes;
    uint64_t sum = (uint16_t)~sim_get16(v->l4 + SIM_SUM);

    for (uint32_t i = 0; i < len; i++) {
        uint32_t shift = (at + i) % 2 ? 0 : 8;

        sum += 0xffff - ((uint32_t)v->l4[at + i] << shift) + ((uint32_t)from[i] << shift);
        v->l4[at + i] = from[i];
    }
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    sim_put16(v->l4 + SIM_SUM, (uint16_t)~sum);
}

void sim_view_patch32(struct sim_view *v, uint32_t at, uint32_t value)
{
    uint8_t bytes[4];

    sim_put32(bytes, value);
    sim_view_patch(v, at, bytes, sizeof(bytes));
}

void sim_packet_sum_v4(struct sim_packet *p)
{
    uint8_t *ip = p->frame + SIM_ETHERNET;
    struct checksum header = {0};
    uint16_t sum;

    if (ip[0] >> 4 != 4)
        return;
    sim_put16(ip + 10, 0);
    checksum_add(&header, ip, IPV4_HEADER);
    sum = checksum_final(&header);
    memcpy(ip + 10, &sum, 2);
}

void sim_view_sum(struct sim_view *v)
{
    uint32_t at = v->protocol == SIM_TCP ? SIM_SUM : 2;
    struct checksum header = {0}, transport = {0};
    uint16_t sum;

    sim_put16(v->l4 + at, 0);
    add_transport(&transport, v);
    sum = checksum_final(&transport);
    memcpy(v->l4 + at, &sum, 2);
    if (!v->v4)
        return;
    sim_put16(v->ip + 10, 0);
    checksum_add(&header, v->ip, IPV4_HEADER);
    sum = checksum_final(&header);
    memcpy(v->ip + 10, &sum, 2);
}

bool sim_view_mark(struct sim_view *v)
{
    uint32_t shift = v->v4 ? 0 : 4, ecn = v->ip[1] >> shift & 3;
    uint32_t sum = (uint16_t)~sim_get16(v->ip + 10);

    if (!ecn)
        return false;
    v->ip[1] |= (uint8_t)(3 << shift);
    if (!v->v4)
        return true;
    sum += 3 - ecn;
    sim_put16(v->ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
    return true;
}

uint8_t *sim_view_option(const struct sim_view *v, uint8_t kind)
{
    uint8_t *at = v->l4 + TCP_HEADER, *end = v->l4 + sim_view_header(v);

    while (at < end && *at != OPTION_END) {
        if (*at == OPTION_NOP) {
            at++;
            continue;
        }
        if (end - at < 2 || at[1] < 2 || at[1] > end - at)
            return NULL;
        if (*at == kind)
            return at;
        at += at[1];
    }
    return NULL;
}
