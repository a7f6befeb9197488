/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_port.h"

#include <stdlib.h>

#include <rte_byteorder.h>

#include "dataplane/packet/checksum.h"
#include "dataplane/tcp/tcp.h"

enum { IP_ID = 4, IP_SUM = 10, IPV4_LENGTH = 2, IPV6_LENGTH = 4, SAME_TCP = 4 };

/* The IP header's own length, identification and sum. */
static void put_ip(const struct rte_mbuf *m, uint8_t *ip, uint32_t index, uint32_t len)
{
    struct checksum c = {0};
    uint16_t sum;

    if (!(m->ol_flags & RTE_MBUF_F_TX_IPV4)) {
        sim_put16(ip + IPV6_LENGTH, len);
        return;
    }
    sim_put16(ip + IPV4_LENGTH, len + m->l3_len);
    sim_put16(ip + IP_ID, sim_get16(ip + IP_ID) + index);
    sim_put16(ip + IP_SUM, 0);
    checksum_add(&c, ip, m->l3_len);
    sum = checksum_final(&c);
    memcpy(ip + IP_SUM, &sum, 2);
}

/* The engine put the pseudo header's sum into the field; of what is cut, without the length. */
static void put_sum(uint8_t *l4, uint32_t len, bool cut)
{
    struct checksum c = {0};
    uint16_t sum;

    checksum_add(&c, l4, len);
    if (cut)
        c.sum += rte_cpu_to_be_16((uint16_t)len);
    sum = checksum_final(&c);
    memcpy(l4 + SIM_SUM, &sum, 2);
}

/* The n-th of the packets, `len` of `payload` bytes from `at`. */
static struct sim_packet *one(const struct rte_mbuf *m, const uint8_t *frame, uint32_t at,
                              uint32_t len, uint32_t index)
{
    uint32_t l4 = m->l2_len + m->l3_len, headers = l4 + m->l4_len;
    bool cut = m->ol_flags & RTE_MBUF_F_TX_TCP_SEG, last = headers + at + len == m->pkt_len;
    struct sim_packet *p = malloc(sizeof(*p) + headers + len);
    uint8_t *tcp = p->frame + l4;

    *p = (struct sim_packet){.len = headers + len, .way = SIM_OUT};
    memcpy(p->frame, frame, headers);
    memcpy(p->frame + headers, frame + headers + at, len);
    sim_put32(tcp + SIM_SEQ, sim_get32(tcp + SIM_SEQ) + at);
    if (!last)
        tcp[SIM_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    put_ip(m, p->frame + m->l2_len, index, m->l4_len + len);
    put_sum(tcp, m->l4_len + len, cut);
    return p;
}

void sim_port_cut(const struct rte_mbuf *m, void (*emit)(void *user, struct sim_packet *p),
                  void *user)
{
    static uint8_t room[SIM_PORT_FRAME];
    const uint8_t *frame = rte_pktmbuf_read(m, 0, m->pkt_len, room);
    uint32_t headers = m->l2_len + m->l3_len + m->l4_len, payload = m->pkt_len - headers;
    uint32_t step = m->ol_flags & RTE_MBUF_F_TX_TCP_SEG ? m->tso_segsz : payload;

    if (!(m->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM)) {
        emit(user, sim_packet_new(SIM_OUT, span_of(frame, m->pkt_len)));
        return;
    }
    for (uint32_t at = 0, i = 0; i == 0 || at < payload; at += step, i++)
        emit(user, one(m, frame, at, payload - at < step ? payload - at : step, i));
}

/* Headers up to the flags but for lengths, numbers and sums. */
static bool alike(const struct sim_view *a, const struct sim_view *b)
{
    uint32_t header = sim_view_header(a);

    return a->v4 == b->v4 && ip_address_equal(&a->source, &b->source) &&
           ip_address_equal(&a->destination, &b->destination) && a->ip[1] == b->ip[1] &&
           memcmp(a->l4, b->l4, SAME_TCP) == 0 && header == sim_view_header(b) &&
           memcmp(a->l4 + SIM_ACK, b->l4 + SIM_ACK, SIM_FLAGS - SIM_ACK) == 0 &&
           memcmp(a->l4 + SIM_WINDOW, b->l4 + SIM_WINDOW, 2) == 0 &&
           memcmp(a->l4 + 20, b->l4 + 20, header - 20) == 0;
}

struct sim_packet *sim_port_join(struct sim_packet *held, struct sim_packet *p, uint32_t most)
{
    struct sim_packet *whole;
    struct sim_view a, b;
    uint32_t more, header;

    if (!sim_packet_view_tcp(held, &a) || !sim_packet_view_tcp(p, &b) || !alike(&a, &b) ||
        !sim_view_sums_good(&a) || !sim_view_sums_good(&b))
        return NULL;
    header = sim_view_header(&a);
    more = b.l4_len - header;
    if (!more || a.l4_len == header || a.l4[SIM_FLAGS] != TCP_ACK ||
        (b.l4[SIM_FLAGS] & ~TCP_PSH) != TCP_ACK || held->len + more > most ||
        sim_get32(b.l4 + SIM_SEQ) != sim_get32(a.l4 + SIM_SEQ) + a.l4_len - header)
        return NULL;
    whole = malloc(sizeof(*whole) + held->len + more);
    memcpy(whole, held, sizeof(*held) + held->len);
    memcpy(whole->frame + held->len, b.l4 + header, more);
    whole->len += more;
    a.ip = whole->frame + SIM_ETHERNET;
    sim_put16(a.ip + (a.v4 ? IPV4_LENGTH : IPV6_LENGTH),
              whole->len - SIM_ETHERNET - (a.v4 ? 0 : 40));
    sim_packet_view(whole, &a);
    a.l4[SIM_FLAGS] |= b.l4[SIM_FLAGS];
    sim_view_sum(&a);
    free(held);
    free(p);
    return whole;
}

uint64_t sim_port_sums(struct sim_packet *p)
{
    struct sim_view v;

    if (!sim_packet_view_tcp(p, &v))
        return 0;
    return sim_view_sums_good(&v) ? RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD
                                  : RTE_MBUF_F_RX_L4_CKSUM_BAD;
}
