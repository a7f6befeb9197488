/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/net/net_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/port/eal.h"

enum { FRAMES = 4095 };

static struct rte_mempool *mempool;

void rig_environment(const char *vdev)
{
    static const char *const extra[] = {"--no-huge", "--no-shconf", "--no-telemetry"};
    struct eal_options o = {.program = "test",
                            .memory_mb = 64,
                            .extra = extra,
                            .extra_count = 3,
                            .vdevs = {"net_null0", vdev}};
    char text[256];
    struct writer why = writer_of(text, sizeof(text));

    if (!eal_start(&o, &why)) {
        printf("Bail out! %.*s\n", (int)why.len, text);
        exit(1);
    }
    mempool = rte_pktmbuf_pool_create("rig", FRAMES, 0, sizeof(struct frame_note),
                                      RTE_MBUF_DEFAULT_BUF_SIZE, -1);
    if (!mempool) {
        printf("Bail out! no frames\n");
        exit(1);
    }
}

struct net_options rig_options(void)
{
    struct net_options o = {.workers = 1, .address_count = 2, .seed = 42, .port = {.mtu = 1500}};

    memcpy(o.mac, packet_our_mac, 6);
    o.addresses[0] = (struct net_address){.address = PACKET_OURS4,
                                          .prefix = 24,
                                          .gateway = packet_ip("198.18.0.254"),
                                          .has_gateway = true};
    o.addresses[1] = (struct net_address){.address = PACKET_OURS6,
                                          .prefix = 64,
                                          .gateway = packet_ip("2001:2::fe"),
                                          .has_gateway = true};
    return o;
}

struct rig *rig_new(const struct net_options *options)
{
    struct rig *r = calloc(1, sizeof(*r));

    frame_pool_init(&r->pool, mempool);
    r->net = net_new(options, &r->pool, &r->out);
    return r;
}

static void forget_last(struct rig *r)
{
    if (r->last)
        frame_pool_give(&r->pool, &r->last, 1);
    r->last = NULL;
}

void rig_free(struct rig *r)
{
    forget_last(r);
    rig_clear_out(r);
    net_free(r->net);
    frame_pool_fini(&r->pool);
    free(r);
}

struct rte_mbuf *rig_frame(struct rig *r, struct span bytes, uint32_t piece)
{
    struct rte_mbuf *frame = frame_pool_take(&r->pool), *tail = frame;
    size_t done = 0;

    piece = piece ? piece : (uint32_t)bytes.len;
    while (done < bytes.len) {
        uint32_t take = bytes.len - done < piece ? (uint32_t)(bytes.len - done) : piece;

        if (done) {
            tail->next = frame_pool_take(&r->pool);
            tail = tail->next;
            frame->nb_segs++;
        }
        memcpy(rte_pktmbuf_mtod(tail, uint8_t *), bytes.data + done, take);
        tail->data_len = (uint16_t)take;
        frame->pkt_len += take;
        done += take;
    }
    frame_pool_received(&frame, 1);
    return frame;
}

void rig_input_pieces(struct rig *r, struct span bytes, uint32_t piece, uint64_t now)
{
    forget_last(r);
    r->last = rig_frame(r, bytes, piece);
    net_input(r->net, &r->last, 1, now, &r->burst);
}

void rig_input_cut(struct rig *r, struct span bytes, uint32_t first, uint64_t now)
{
    struct rte_mbuf *front = rig_frame(r, span_head(bytes, first), 0);

    forget_last(r);
    r->last = front;
    front->next = rig_frame(r, span_skip(bytes, first), 0);
    front->nb_segs = 2;
    front->pkt_len = (uint32_t)bytes.len;
    net_input(r->net, &r->last, 1, now, &r->burst);
}

void rig_input(struct rig *r, struct span bytes, uint64_t now)
{
    rig_input_pieces(r, bytes, 0, now);
}

struct span rig_out(const struct rig *r, uint32_t n)
{
    return n < r->out.count
               ? span_of(rte_pktmbuf_mtod(r->out.frames[n], uint8_t *), r->out.frames[n]->data_len)
               : span_of(NULL, 0);
}

void rig_clear_out(struct rig *r)
{
    frame_pool_give(&r->pool, r->out.frames, r->out.count);
    frame_queue_taken(&r->out, r->out.count);
}

uint64_t rig_count(const struct rig *r, enum net_counter counter)
{
    return net_counters(r->net)->row[counter];
}

void rig_meet(struct rig *r, uint64_t now)
{
    struct packet p;

    packet_arp(&p, packet_our_mac, 1, "198.18.0.1", "198.18.0.2");
    rig_input(r, packet_span(&p), now);
    packet_arp(&p, packet_our_mac, 1, "198.18.0.254", "198.18.0.2");
    rig_input(r, packet_span(&p), now);
    packet_ndp(&p, 135, "2001:2::1", "2001:2::2", "2001:2::2", 0, 1);
    rig_input(r, packet_span(&p), now);
    packet_ndp(&p, 135, "2001:2::fe", "2001:2::2", "2001:2::2", 0, 1);
    rig_input(r, packet_span(&p), now);
    rig_clear_out(r);
}
