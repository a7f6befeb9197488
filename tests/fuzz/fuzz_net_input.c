/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/frame.h"
#include "dataplane/net/net.h"

/*
 * Frames into one worker's IP stack, without DPDK's environment: frames come from malloc. Each
 * frame of the input is {how, length (2), bytes}: how says in which pieces it lies, whether its
 * checksums are mended first, and how it came.
 */
enum { ROOM = 2048, PIECES = 7, MENDED = 8, PASSED = 16, LEARN = 32, FRAMES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rte_mbuf *frame_pool_take(struct frame_pool *pool)
{
    size_t all = sizeof(struct rte_mbuf) + sizeof(struct frame_note) + RTE_PKTMBUF_HEADROOM + ROOM;
    struct rte_mbuf *m =
        aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(all, RTE_CACHE_LINE_SIZE));

    (void)pool;
    memset(m, 0, sizeof(*m) + sizeof(struct frame_note));
    m->buf_addr = (uint8_t *)m + sizeof(*m) + sizeof(struct frame_note);
    m->buf_len = RTE_PKTMBUF_HEADROOM + ROOM;
    m->data_off = RTE_PKTMBUF_HEADROOM;
    m->nb_segs = 1;
    return m;
}

void frame_pool_give(struct frame_pool *pool, struct rte_mbuf **frames, uint32_t n)
{
    (void)pool;
    for (uint32_t i = 0; i < n; i++) {
        for (struct rte_mbuf *m = frames[i], *next; m; m = next) {
            next = m->next;
            free(m);
        }
    }
}

/* So that what lies behind a checksum is reached. */
static void mend(uint8_t *bytes, size_t len)
{
    struct checksum sum = {0};
    struct frame f;
    uint16_t check;

    enum frame_drop why = frame_parse(span_head(span_of(bytes, len), FRAME_HEAD), len, &f);

    if ((why != FRAME_KEEP && why != FRAME_DROP_fragment) || f.l4_len < 20)
        return;
    if (f.v4 && f.kind != FRAME_ARP) {
        memset(bytes + f.l3 + 10, 0, 2);
        checksum_add(&sum, bytes + f.l3, (size_t)(f.l4 - f.l3));
        check = checksum_final(&sum);
        memcpy(bytes + f.l3 + 10, &check, 2);
    }
    if (f.kind != FRAME_ICMP4 && f.kind != FRAME_ICMP6)
        return;
    sum = (struct checksum){0};
    memset(bytes + f.l4 + 2, 0, 2);
    if (!f.v4)
        checksum_pseudo(&sum, &f.source, &f.destination, 58, f.l4_len);
    checksum_add(&sum, bytes + f.l4, f.l4_len);
    check = checksum_final(&sum);
    memcpy(bytes + f.l4 + 2, &check, 2);
}

/* Exact copies on the heap's border: reading past a piece's end is seen. */
static struct rte_mbuf *scatter(const uint8_t *bytes, size_t len, uint8_t how)
{
    size_t piece = how & PIECES ? (size_t)(how & PIECES) * 23 : len;
    struct rte_mbuf *head = NULL, **link = &head;
    size_t done = 0;

    do {
        struct rte_mbuf *m = frame_pool_take(NULL);
        size_t take = len - done < piece ? len - done : piece;

        m->data_off = (uint16_t)(m->buf_len - take);
        memcpy(rte_pktmbuf_mtod(m, uint8_t *), bytes + done, take);
        m->data_len = (uint16_t)take;
        done += take;
        *link = m;
        link = &m->next;
        if (m != head)
            head->nb_segs++;
    } while (done < len);
    head->pkt_len = (uint32_t)len;
    return head;
}

static void take_in(struct net *net, struct rte_mbuf *m, uint64_t now)
{
    static struct net_burst burst;

    net_input(net, &m, 1, now, &burst);
    for (uint32_t i = 0; i < burst.tcp_count; i++) {
        struct checksum sum = {0};

        checksum_add(&sum, burst.tcp[i].header.data, burst.tcp[i].header.len);
        for (uint32_t j = 0; j < burst.tcp[i].pieces; j++)
            checksum_add(&sum, burst.tcp[i].payload[j].data, burst.tcp[i].payload[j].len);
    }
    frame_pool_give(NULL, &m, 1);
}

static void one_frame(struct net *net, const uint8_t *bytes, size_t len, uint8_t how, uint64_t now)
{
    uint8_t copy[ROOM];
    struct rte_mbuf *m;

    memcpy(copy, bytes, len);
    if (how & MENDED)
        mend(copy, len);
    m = scatter(copy, len, how);
    if (how & MENDED)
        m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    frame_note(m)->way = how & PASSED  ? FRAME_WAY_PASSED
                         : how & LEARN ? FRAME_WAY_LEARN
                                       : FRAME_WAY_PORT;
    take_in(net, m, now);
    while (net_made(net, &m, 1))
        take_in(net, m, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ours4[4] = {198, 18, 0, 2}, ours6[16] = {0x20, 1, 0, 2, [15] = 2};
    struct net_options o = {.mac = {2, 0, 0, 0, 0, 2},
                            .address_count = 2,
                            .workers = 2,
                            .dad_ms = 5,
                            .addresses = {{.prefix = 24}, {.prefix = 64}},
                            .port = {.mtu = 1500}};
    static struct frame_queue out;
    uint64_t now = 1000;
    struct net *net;

    o.addresses[0].address = ip_address_v4(ours4);
    o.addresses[1].address = ip_address_v6(ours6);
    net = net_new(&o, NULL, &out);
    net_start(net, now);
    for (int i = 0; i < FRAMES && size > 3; i++, now += 1700) {
        size_t len = (size_t)(data[1] << 8 | data[2]) % ROOM;

        len = len < size - 3 ? len : size - 3;
        if (len)
            one_frame(net, data + 3, len, data[0], now);
        net_timers(net, now);
        frame_pool_give(NULL, out.frames, out.count);
        frame_queue_taken(&out, out.count);
        data += 3 + len;
        size -= 3 + len;
    }
    net_free(net);
    return 0;
}
