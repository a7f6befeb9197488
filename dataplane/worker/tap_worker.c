/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/tap_worker.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <urcu-qsbr.h>

#include "dataplane/capture/tap_owner.h"
#include "dataplane/tcp/flow_owner.h"

enum {
    QUEUES = TAP_LIVE_PORTS * PORT_QUEUES,
    SCRATCH = 128 * 1024, /* the longest datagram, or what a port has put together */
    LINK_ETHERNET = 1,
};

/* A queue of a port that this worker empties. */
struct queue {
    struct port *port;
    uint16_t number;
};

struct tap_worker {
    uint32_t index, workers;
    uint16_t burst;
    uint32_t queue_count;
    struct queue queues[QUEUES];
    struct mesh *mesh;
    struct tap_worker **all;
    struct handoff_port *handoff;
    struct tap *tap;
    bool ignore_checksums;
    uint16_t vxlan_port;
    struct frame_pool pool;
    struct tap_worker_counters counters;
    struct tap_worker_time time;
    uint64_t losses_told;
    struct rte_mbuf *frames[TAP_WORKER_BURST];
    uint8_t *scratch;
    _Atomic uint64_t losses __attribute__((aligned(64))); /* written by anyone */
};

/* ---- what is another worker's ---- */

static void drop_of(struct tap_worker *w, uint32_t owner, struct rte_mbuf *frame)
{
    tap_worker_lost(w->all[owner]);
    frame_pool_give(&w->pool, &frame, 1);
}

/* Takes the frame. */
static bool pass_frame(struct tap_worker *w, uint32_t owner, struct rte_mbuf *frame,
                       enum frame_way way)
{
    frame_note(frame)->way = way;
    if (mesh_pass(w->mesh, w->index, owner, frame))
        return true;
    w->counters.mesh_full++;
    drop_of(w, owner, frame);
    return false;
}

/* Copies bytes to the end of a chain. False: no more frames. */
static bool append(struct tap_worker *w, struct rte_mbuf *head, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;

    while (len) {
        struct rte_mbuf *last = rte_pktmbuf_lastseg(head);
        size_t n = rte_pktmbuf_tailroom(last) < len ? rte_pktmbuf_tailroom(last) : len;

        if (n == 0) {
            struct rte_mbuf *next = frame_pool_take(&w->pool);

            if (!next)
                return false;
            if (rte_pktmbuf_chain(head, next) == 0)
                continue;
            frame_pool_give(&w->pool, &next, 1);
            return false;
        }
        memcpy(rte_pktmbuf_append(head, (uint16_t)n), from, n);
        from += n;
        len -= n;
    }
    return true;
}

/* The packet as it is, then its segment. */
static bool pass_packet(void *context, const struct observed_packet *packet)
{
    struct tap_worker *w = context;
    struct rte_mbuf *frame;
    uint32_t hash, owner;

    if (w->workers == 1 || !tap_owner_packet(packet, &hash))
        return false;
    owner = flow_owner_of(hash, w->workers);
    if (owner == w->index)
        return false;
    frame = frame_pool_take(&w->pool);
    if (!frame || !append(w, frame, packet, sizeof(*packet)) ||
        !append(w, frame, packet->segment.data, packet->segment.len)) {
        w->counters.pool_empty++;
        tap_worker_lost(w->all[owner]);
        if (frame)
            frame_pool_give(&w->pool, &frame, 1);
    } else if (pass_frame(w, owner, frame, FRAME_WAY_WHOLE)) {
        w->counters.datagrams_passed++;
    }
    return true;
}

/* ---- what is this one's ---- */

/* The frame's bytes in one piece. */
static struct span bytes_of(struct tap_worker *w, const struct rte_mbuf *frame)
{
    uint32_t len = frame->pkt_len < SCRATCH ? frame->pkt_len : SCRATCH;

    return span_of(rte_pktmbuf_read(frame, 0, len, w->scratch), len);
}

static void take_packet(struct tap_worker *w, const struct rte_mbuf *frame)
{
    struct span bytes = bytes_of(w, frame);
    struct observed_packet packet;

    memcpy(&packet, bytes.data, sizeof(packet));
    packet.segment = span_skip(bytes, sizeof(packet));
    tap_packet(w->tap, &packet);
}

/* Ports judge whole segments; those in tunnels and in fragments are judged by software. */
static enum tcp_checksum checksum_of(const struct tap_worker *w, const struct rte_mbuf *frame)
{
    uint64_t status = frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

    if (w->ignore_checksums || status == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
        return TCP_CHECKSUM_GOOD;
    return TCP_CHECKSUM_UNKNOWN;
}

/* The next frame's bytes, as far as they lie in the first piece. */
static void look_ahead(const struct rte_mbuf *frame)
{
    tap_input_ahead(span_of(rte_pktmbuf_mtod(frame, const uint8_t *), frame->data_len));
}

/* True when the frame is left to be given back. */
static bool take_frame(struct tap_worker *w, struct rte_mbuf *frame)
{
    enum frame_way way = frame_note(frame)->way;
    struct tap_input_frame in;
    uint32_t hash, owner;

    if (way == FRAME_WAY_WHOLE) {
        take_packet(w, frame);
        return true;
    }
    in = (struct tap_input_frame){.bytes = bytes_of(w, frame),
                                  .wire_len = frame->pkt_len,
                                  .link = LINK_ETHERNET,
                                  .time_ns = w->time.now_ns,
                                  .checksum = (uint8_t)checksum_of(w, frame)};
    if (way == FRAME_WAY_PORT && w->workers > 1 && tap_owner_hash(&in, w->vxlan_port, &hash)) {
        owner = flow_owner_of(hash, w->workers);
        if (owner != w->index) {
            w->counters.frames_to_mesh += pass_frame(w, owner, frame, FRAME_WAY_PASSED);
            return false;
        }
    }
    tap_feed(w->tap, &in);
    return true;
}

static void take_frames(struct tap_worker *w, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (i + 2 < n)
            rte_prefetch0(w->frames[i + 2]);
        if (i + 1 < n)
            look_ahead(w->frames[i + 1]);
        if (take_frame(w, w->frames[i]))
            w->frames[kept++] = w->frames[i];
    }
    frame_pool_give(&w->pool, w->frames, kept);
}

/* ---- the turn ---- */

/* What was lost before now is told before what came since. */
static void take_losses(struct tap_worker *w)
{
    uint64_t losses = atomic_load_explicit(&w->losses, memory_order_relaxed);

    if (losses == w->losses_told)
        return;
    w->losses_told = losses;
    tap_lost(w->tap);
}

uint32_t tap_worker_turn(struct tap_worker *w, struct tap_worker_time time)
{
    uint32_t did = 0, n;

    w->time = time;
    take_losses(w);
    for (uint32_t i = 0; i < w->queue_count; i++) {
        n = port_receive(w->queues[i].port, w->queues[i].number, w->frames, w->burst);
        w->counters.frames_in += n;
        did += n;
        take_frames(w, n);
    }
    if (w->workers > 1) {
        n = mesh_take(w->mesh, w->index, w->frames, TAP_WORKER_BURST);
        w->counters.frames_from_mesh += n;
        did += n;
        take_frames(w, n);
    }
    tap_time(w->tap, time.now_ns, time.epoch_ns);
    handoff_flush(w->handoff);
    urcu_qsbr_quiescent_state();
    w->counters.turns_busy += did != 0;
    w->counters.turns_empty += did == 0;
    __atomic_store_n(&handoff_cycles(w->handoff)->heartbeat_us, time.now_ns / 1000,
                     __ATOMIC_RELAXED);
    return did;
}

void tap_worker_lost(struct tap_worker *w)
{
    atomic_fetch_add_explicit(&w->losses, 1, memory_order_relaxed);
}

void tap_worker_close(struct tap_worker *w)
{
    w->queue_count = 0;
}

void tap_worker_finish(struct tap_worker *w)
{
    take_losses(w);
    tap_finish(w->tap);
}

void tap_worker_napped(struct tap_worker *w)
{
    w->counters.naps++;
}

/* ---- beginning and end ---- */

static void take_queues(struct tap_worker *w, const struct tap_worker_options *o)
{
    for (uint32_t p = 0; p < o->port_count; p++) {
        uint32_t queues = port_capabilities(o->ports[p])->rx_queues;
        uint32_t first = queues == o->workers ? 0 : p;

        for (uint32_t q = 0; q < queues && w->queue_count < QUEUES; q++)
            if ((first + q) % o->workers == o->index)
                w->queues[w->queue_count++] = (struct queue){o->ports[p], (uint16_t)q};
    }
}

struct tap_worker *tap_worker_new(const struct tap_worker_options *o)
{
    struct tap_worker *w = aligned_alloc(64, sizeof(*w));
    struct tap_input_options input;

    if (!w)
        return NULL;
    tap_input_defaults(&input);
    *w = (struct tap_worker){.index = o->index,
                             .workers = o->workers,
                             .burst = o->burst < TAP_WORKER_BURST ? o->burst : TAP_WORKER_BURST,
                             .mesh = o->mesh,
                             .all = o->all,
                             .handoff = handoff_port_of(o->handoff, o->index),
                             .ignore_checksums = o->source->ignore_checksums,
                             .vxlan_port = input.vxlan_port,
                             .scratch = malloc(SCRATCH)};
    take_queues(w, o);
    frame_pool_init(&w->pool, port_mempool(o->ports[0]));
    w->tap = tap_new(&(struct tap_options){.handoff = o->handoff,
                                           .worker = o->index,
                                           .source = o->source,
                                           .pass = pass_packet,
                                           .context = w});
    if (w->tap && w->scratch)
        return w;
    tap_worker_free(w);
    return NULL;
}

void tap_worker_free(struct tap_worker *w)
{
    if (!w)
        return;
    tap_free(w->tap);
    frame_pool_fini(&w->pool);
    free(w->scratch);
    free(w);
}

const struct tap_worker_counters *tap_worker_counters(const struct tap_worker *w)
{
    return &w->counters;
}

const struct tap *tap_worker_tap(const struct tap_worker *w)
{
    return w->tap;
}

uint64_t tap_worker_heartbeat(const struct tap_worker *w)
{
    return __atomic_load_n(&handoff_cycles(w->handoff)->heartbeat_us, __ATOMIC_RELAXED);
}
