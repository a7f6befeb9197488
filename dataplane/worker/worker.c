/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/worker.h"

#include <stdlib.h>

#include <urcu-qsbr.h>

enum {
    NO_QUEUE = UINT16_MAX,
    SEGMENTS = 8,  /* super-segments asked of TCP at a time */
    SENT = 32,     /* frames given to the port at a time, at least, while there is more */
    COLLECTED = 8, /* buffers of another worker's frame at most: a jumbo frame's, with room */
    STUCK_US = 100000,
};

struct worker {
    uint32_t index, workers;
    uint16_t burst, rx_queue, tx_queue;
    uint32_t tx_queues;
    bool prepares; /* the port cuts, and its driver wants to see the frames before */
    struct port *port;
    struct mesh *mesh;
    struct net *net;
    struct tcp *tcp;
    struct worker_app app;
    struct handoff_port *handoff;
    struct stage_cycles *cycles;
    struct frame_pool pool;
    struct worker_counters counters;
    struct worker_status status;
    uint32_t held; /* frames of this turn */
    struct rte_mbuf *frames[NET_BURST];
    struct net_burst in;
    struct frame_queue out;
    struct rough_line *rough;
    struct frame_queue late; /* what has passed the rough line */
    uint64_t packets, bytes; /* of this turn, in and out */
    uint64_t out_moved;      /* when the way out last moved, or was empty */
};

/* Stamps of one turn, once a stage. */
struct stamps {
    uint64_t begin, last, count;
    uint64_t stage[STAGES];
};

static void stamp(struct stamps *s, enum stage stage)
{
    uint64_t now = stage_now();

    s->stage[stage] += now - s->last;
    s->last = now;
    s->count++;
}

struct worker *worker_new(const struct worker_options *o)
{
    const struct port_capabilities *port = port_capabilities(o->port);
    struct worker *w = calloc(1, sizeof(*w));
    struct net_options net = o->net;

    if (!w)
        return NULL;
    *w = (struct worker){.index = o->index,
                         .workers = o->net.workers,
                         .port = o->port,
                         .mesh = o->mesh,
                         .tcp = o->tcp,
                         .app = o->app,
                         .handoff = o->handoff,
                         .rough = o->rough,
                         .tx_queues = port->tx_queues,
                         .burst = o->burst < NET_BURST / 2 ? o->burst : NET_BURST / 2};
    w->cycles = handoff_cycles(o->handoff);
    w->rx_queue = o->index < port->rx_queues ? (uint16_t)o->index : NO_QUEUE;
    w->tx_queue = o->index < port->tx_queues ? (uint16_t)o->index : NO_QUEUE;
    frame_pool_init(&w->pool, port_mempool(o->port));
    net.worker = o->index;
    if (w->tx_queue == NO_QUEUE) /* the rings to its owner hold frames of one buffer */
        net.port.tso = net.port.tso_v6 = false;
    w->prepares = net.port.tso;
    w->net = net_new(&net, &w->pool, &w->out);
    if (!w->net) {
        rough_line_free(w->rough, &w->pool);
        free(w);
        return NULL;
    }
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    net_free(w->net);
    frame_pool_give(&w->pool, w->out.frames, w->out.count);
    frame_pool_give(&w->pool, w->late.frames, w->late.count);
    rough_line_free(w->rough, &w->pool);
    frame_pool_fini(&w->pool);
    free(w);
}

void worker_begin(struct worker *w, uint64_t now)
{
    net_start(w->net, now);
}

static void receive(struct worker *w, uint64_t now)
{
    uint32_t n = 0;

    if (w->rx_queue != NO_QUEUE)
        n = port_receive(w->port, w->rx_queue, w->frames, w->burst);
    w->counters.frames_in += n;
    if (w->rough)
        n = rough_line_in(w->rough, &w->pool, w->frames, n, w->burst, now);
    w->packets = n;
    w->bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        w->bytes += w->frames[i]->pkt_len;
    w->held = n;
    w->held += net_made(w->net, w->frames + w->held, NET_BURST - w->held);
    if (w->workers == 1)
        return;
    n = mesh_take(w->mesh, w->index, w->frames + w->held, NET_BURST - w->held);
    w->counters.frames_from_mesh += n;
    w->held += n;
}

/* Puts a frame on another worker's ring; false: dropped there, it stays ours. */
static bool pass(struct worker *w, uint32_t to, struct rte_mbuf *frame, enum frame_way way)
{
    frame_note(frame)->way = way;
    if (!mesh_pass(w->mesh, w->index, to, frame)) {
        w->counters.mesh_full++;
        return false;
    }
    w->counters.frames_to_mesh++;
    return true;
}

/* A short copy of a frame for each of the others to learn neighbours from. */
static void share(struct worker *w, const struct rte_mbuf *frame)
{
    for (uint32_t to = 0; to < w->workers; to++) {
        struct rte_mbuf *copy = to == w->index ? NULL : frame_pool_take(&w->pool);
        bool fits = copy && frame->pkt_len <= rte_pktmbuf_tailroom(copy);
        uint8_t *room = fits ? (uint8_t *)rte_pktmbuf_append(copy, (uint16_t)frame->pkt_len) : NULL;
        const uint8_t *bytes = room ? rte_pktmbuf_read(frame, 0, frame->pkt_len, room) : NULL;

        if (bytes && bytes != room)
            memcpy(room, bytes, frame->pkt_len);
        if (bytes) {
            copy->ol_flags = frame->ol_flags & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
            copy->vlan_tci = frame->vlan_tci;
        }
        if (copy && (!bytes || !pass(w, to, copy, FRAME_WAY_LEARN)))
            frame_pool_give(&w->pool, &copy, 1);
    }
}

/* Frames that others own leave; the rest stays until the turn's end. */
static void hand_over(struct worker *w)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < w->in.learn_count; i++)
        share(w, w->frames[w->in.learn[i]]);
    for (uint32_t i = 0; i < w->in.passed_count; i++)
        if (pass(w, w->in.owner[i], w->frames[w->in.passed[i]], FRAME_WAY_PASSED))
            w->frames[w->in.passed[i]] = NULL;
    for (uint32_t i = 0; w->in.passed_count && i < w->held; i++)
        if (w->frames[i])
            w->frames[kept++] = w->frames[i];
    if (w->in.passed_count)
        w->held = kept;
}

static void segments_in(struct worker *w, uint64_t now)
{
    tcp_receive_burst(w->tcp, w->in.tcp, w->in.tcp_count, now);
    for (uint32_t i = 0; i < w->in.error_count; i++)
        tcp_icmp_error(w->tcp, &w->in.errors[i].quoted, w->in.errors[i].mtu, w->in.errors[i].hard,
                       now);
}

/* What the port is to get: of a rough line, what has come out of it. */
static struct frame_queue *way_out(struct worker *w)
{
    return w->rough ? &w->late : &w->out;
}

/* Frames of workers without a queue, for the owner of the queue they share. */
static void collect_out(struct worker *w)
{
    struct frame_queue *q = way_out(w);
    struct rte_mbuf *frame;

    for (uint32_t from = w->tx_queues + w->index; from < w->workers; from += w->tx_queues)
        while (frame_queue_room(q) >= COLLECTED && mesh_take_out(w->mesh, from, &frame, 1))
            frame_queue_put(q, frame);
}

/* As many frames as the port, or the ring to its queue's owner, takes now. */
static uint32_t offer(struct worker *w, struct frame_queue *q)
{
    uint32_t sent = 0, took = 1;

    if (w->tx_queue == NO_QUEUE) {
        while (sent < q->count && mesh_send(w->mesh, w->index, q->frames[sent]))
            sent++;
        return sent;
    }
    while (took && sent < q->count) {
        took = port_transmit(w->port, w->tx_queue, q->frames + sent, q->count - sent);
        sent += took;
    }
    return sent;
}

/* What is not taken waits for the next turn. A driver may refuse one frame for ever; that one must
 * not hold up the rest. Returns how many have left. */
static uint32_t transmit(struct worker *w, uint64_t now)
{
    struct frame_queue *q = way_out(w);
    uint32_t sent;

    if (w->rough)
        rough_line_out(w->rough, &w->pool, &w->out, &w->late, now);
    sent = offer(w, q);
    if (sent || !q->count) {
        w->out_moved = now;
    } else if (now - w->out_moved > STUCK_US) {
        w->counters.out_stuck++;
        frame_pool_give(&w->pool, q->frames, 1);
        w->out_moved = now;
        sent = 1;
    }
    frame_queue_taken(q, sent);
    return sent;
}

/* What the application sends beside TCP. */
static uint32_t segments_made(struct worker *w, uint64_t now)
{
    struct tcp_segment segments[SEGMENTS];
    uint32_t max = frame_queue_room(&w->out), n, all = 0;

    do {
        n = w->app.make(w->app.self, now, segments, max - all < SEGMENTS ? max - all : SEGMENTS);
        for (uint32_t i = 0; i < n; i++)
            net_output_claimed(w->net, &segments[i], now);
        all += n;
    } while (n && all < max);
    return all + transmit(w, now);
}

/* Returns how many frames and segments moved. */
static uint32_t segments_out(struct worker *w, uint64_t now)
{
    struct tcp_segment segments[SEGMENTS];
    uint32_t moved = 0, n, max;

    if (w->tx_queue != NO_QUEUE && w->tx_queues < w->workers)
        collect_out(w);
    do {
        uint32_t before = w->out.count;

        max = frame_queue_room(&w->out) / TCP_CUTS;
        max = max < SEGMENTS ? max : SEGMENTS;
        n = max ? tcp_output(w->tcp, now, segments, max) : 0;
        for (uint32_t i = 0; i < n; i++)
            net_output(w->net, &segments[i], now);
        w->packets += w->out.count - before;
        for (uint32_t i = before; i < w->out.count; i++)
            w->bytes += w->out.frames[i]->pkt_len;
        if (w->prepares)
            port_prepare(w->port, w->tx_queue, w->out.frames + before, w->out.count - before);
        w->counters.segments_out += n;
        w->counters.out_waits += max == 0;
        moved += n;
        if (w->out.count >= SENT)
            moved += transmit(w, now);
    } while (n);
    return moved + transmit(w, now);
}

static void account_line(struct worker *w)
{
    const struct rough_line_counts *c = rough_line_counts(w->rough);

    w->counters.line_lost_in = c->lost[ROUGH_LINE_IN];
    w->counters.line_lost_out = c->lost[ROUGH_LINE_OUT];
    w->counters.line_full = c->full[ROUGH_LINE_IN] + c->full[ROUGH_LINE_OUT];
}

static void account(struct worker *w, const struct stamps *s, bool did, struct turn_time time)
{
    struct stage_cycles *c = w->cycles;

    if (did) {
        w->counters.turns_busy++;
        c->busy += s->last - s->begin;
        for (int i = 0; i < STAGES; i++)
            c->stage[i] += s->stage[i];
        c->stamps += s->count + 1; /* the first is none of a stage */
        c->packets += w->packets;
        c->bytes += w->bytes;
    } else {
        w->counters.turns_empty++;
        c->idle += s->last - s->begin;
    }
    if (w->rough)
        account_line(w);
    c->turns++;
    __atomic_store_n(&c->heartbeat_us, time.now, __ATOMIC_RELAXED);
    w->status = (struct worker_status){.connections = tcp_connections(w->tcp),
                                       .sessions = w->app.count(w->app.self),
                                       .ready = net_ready(w->net)};
}

uint32_t worker_turn(struct worker *w, struct turn_time time)
{
    struct stamps s = {.begin = stage_now()};
    uint32_t did;

    s.last = s.begin;
    receive(w, time.now);
    did = w->held;
    stamp(&s, STAGE_receive);
    net_input(w->net, w->frames, w->held, time.now, &w->in);
    hand_over(w);
    stamp(&s, STAGE_net);
    segments_in(w, time.now);
    stamp(&s, STAGE_tcp);
    did += w->app.turn(w->app.self, time);
    stamp(&s, STAGE_session);
    tcp_settle(w->tcp);
    tcp_timers(w->tcp, time.now);
    stamp(&s, STAGE_tcp);
    net_timers(w->net, time.now);
    stamp(&s, STAGE_net);
    did += segments_out(w, time.now);
    if (w->app.make)
        did += segments_made(w, time.now);
    stamp(&s, STAGE_transmit);
    frame_pool_give(&w->pool, w->frames, w->held);
    w->held = 0;
    handoff_flush(w->handoff);
    urcu_qsbr_quiescent_state();
    stamp(&s, STAGE_receive);
    account(w, &s, did != 0, time);
    return did;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t timers(const struct worker *w)
{
    return earlier(net_next_timer(w->net),
                   earlier(tcp_next_timer(w->tcp), w->app.next_timer(w->app.self)));
}

uint64_t worker_next_timer(const struct worker *w)
{
    return earlier(
        earlier(w->rough ? rough_line_next(w->rough) : UINT64_MAX, w->late.count ? 0 : UINT64_MAX),
        timers(w));
}

void worker_napped(struct worker *w, uint64_t cycles)
{
    w->counters.naps++;
    w->cycles->idle += cycles;
}

const struct worker_counters *worker_counters(const struct worker *w)
{
    return &w->counters;
}

struct worker_status worker_status(const struct worker *w)
{
    return w->status;
}

const struct net *worker_net(const struct worker *w)
{
    return w->net;
}

const struct tcp *worker_tcp(const struct worker *w)
{
    return w->tcp;
}

struct handoff_port *worker_handoff(const struct worker *w)
{
    return w->handoff;
}
