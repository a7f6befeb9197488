/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/observed_flow.h"

enum { MS = 1000000 };

static struct observed_link *link_of(struct tcp_observer *o, enum observed_queue queue, uint32_t i)
{
    return queue == QUEUE_WAITING ? &o->flows[i].wait : &o->flows[i].life;
}

static void queue_add(struct tcp_observer *o, enum observed_queue queue, uint32_t i)
{
    struct observed_ends *q = &o->queues[queue];
    struct observed_link *link = link_of(o, queue, i);

    link->next = OBSERVED_NONE;
    link->previous = q->last;
    if (q->last == OBSERVED_NONE)
        q->first = i;
    else
        link_of(o, queue, q->last)->next = i;
    q->last = i;
}

static void queue_remove(struct tcp_observer *o, enum observed_queue queue, uint32_t i)
{
    struct observed_ends *q = &o->queues[queue];
    struct observed_link *link = link_of(o, queue, i);

    if (link->previous == OBSERVED_NONE)
        q->first = link->next;
    else
        link_of(o, queue, link->previous)->next = link->next;
    if (link->next == OBSERVED_NONE)
        q->last = link->previous;
    else
        link_of(o, queue, link->next)->previous = link->previous;
}

static uint64_t patience(const struct tcp_observer *o, enum observed_queue queue)
{
    uint32_t ms = queue == QUEUE_OPENING ? o->options.open_ms
                  : queue == QUEUE_ALIVE ? o->options.idle_ms
                                         : o->options.gap_ms;

    return (uint64_t)ms * MS;
}

static void due_by(struct tcp_observer *o, uint64_t at)
{
    if (at < o->due)
        o->due = at;
}

void observed_flow_queue(struct tcp_observer *o, struct observed_flow *f, enum observed_queue queue)
{
    uint32_t i = observed_index(o, f);

    queue_remove(o, f->queue, i);
    f->queue = (uint8_t)queue;
    f->queued_ns = o->now;
    queue_add(o, queue, i);
    due_by(o, o->now + patience(o, queue));
}

static uint64_t segments_of(const struct observed_flow *f)
{
    return f->shown.side[0].packets + f->shown.side[1].packets;
}

void observed_flow_wait(struct tcp_observer *o, struct observed_flow *f, bool waits)
{
    uint32_t i = observed_index(o, f);

    if (f->waiting)
        queue_remove(o, QUEUE_WAITING, i);
    f->waiting = waits;
    if (!waits)
        return;
    f->wait_ns = f->again_ns = o->now;
    f->heard = segments_of(f);
    f->patience = 0;
    queue_add(o, QUEUE_WAITING, i);
    due_by(o, o->now + patience(o, QUEUE_WAITING));
}

/* Too little came since to say that the capture has lost it. */
static bool wait_longer(struct tcp_observer *o, struct observed_flow *f)
{
    uint32_t i = observed_index(o, f);
    bool half = !f->shown.side[0].seen || !f->shown.side[1].seen;

    /* That the other side is not seen at all is found out at once. */
    if ((half && !f->alone) || segments_of(f) - f->heard >= o->options.gap_segments ||
        f->patience == o->options.gap_segments)
        return false;
    f->patience++;
    queue_remove(o, QUEUE_WAITING, i);
    f->again_ns = o->now;
    queue_add(o, QUEUE_WAITING, i);
    return true;
}

static uint64_t hash_of(const struct tcp_observer *o, const struct observed_segment *s)
{
    return tcp_flow_hash(&o->table, &s->key) ^ s->packet->domain * UINT64_C(0x9e3779b97f4a7c15);
}

static bool is_of(const struct tcp_observer *o, uint32_t i, const struct observed_segment *s)
{
    const struct observed_flow *f = &o->flows[i];
    const struct tcp_flow *entry = &o->table.entries[i];

    return entry->local_port == s->key.local_port && entry->remote_port == s->key.remote_port &&
           ip_address_equal(&f->local, &s->key.local) &&
           ip_address_equal(&entry->remote, &s->key.remote) && f->shown.domain == s->packet->domain;
}

/* Its place among the recent ones. No secret is in it: who makes flows that meet here makes the
 * table be asked, no more. */
static uint32_t *recent_of(struct tcp_observer *o, const struct tcp_flow_key *key)
{
    uint32_t ports = (uint32_t)key->local_port << 16 | key->remote_port, ends[2];

    memcpy(&ends[0], key->local.bytes + 12, 4);
    memcpy(&ends[1], key->remote.bytes + 12, 4);
    ports = (ports ^ ends[0] ^ (ends[1] << 7 | ends[1] >> 25)) * 0x9e3779b1u;
    return &o->recent[ports >> 24];
}
_Static_assert(OBSERVED_RECENT == 256, "a byte names one");

struct observed_flow *observed_flow_find(struct tcp_observer *o, const struct observed_segment *s)
{
    uint32_t *recent = recent_of(o, &s->key), i;

    if (*recent && is_of(o, *recent - 1, s))
        return &o->flows[*recent - 1];
    i = tcp_flow_find(&o->table, hash_of(o, s), &s->key);
    if (i == TCP_FLOW_NONE || !is_of(o, i, s))
        return NULL;
    *recent = i + 1;
    return &o->flows[i];
}

/* The oldest that can be missed: half-open, then ended, then alive but silent for long. */
static bool evict(struct tcp_observer *o)
{
    for (enum observed_queue queue = QUEUE_OPENING; queue <= QUEUE_CLOSING; queue++) {
        static const uint8_t order[] = {QUEUE_OPENING, QUEUE_CLOSING, QUEUE_ALIVE};
        uint32_t i = o->queues[order[queue]].first;
        struct observed_flow *f = &o->flows[i];

        if (i == OBSERVED_NONE ||
            (order[queue] == QUEUE_ALIVE && o->now - f->shown.last_ns < patience(o, QUEUE_OPENING)))
            continue;
        o->counters.flows_evicted++;
        observed_flow_end(o, f, f->reset ? TCP_END_RESET : TCP_END_EVICTED);
        observed_flow_forget(o, f);
        return true;
    }
    return false;
}

/* Who opened: the sender of a SYN, the receiver of a SYN+ACK; else the side with the higher port.
 */
static bool sender_is_client(const struct observed_segment *s)
{
    uint16_t source = s->from_low ? s->key.local_port : s->key.remote_port;
    uint16_t destination = s->from_low ? s->key.remote_port : s->key.local_port;

    if (s->flags & TCP_SYN)
        return !(s->flags & TCP_ACK);
    return source >= destination;
}

/* A free one. False: all are in use, and none can be given up. */
static bool take(struct tcp_observer *o, uint32_t *index_out)
{
    if (o->free == OBSERVED_NONE && o->fresh < o->options.flows) {
        *index_out = o->fresh++;
        return true;
    }
    if (o->free == OBSERVED_NONE && !evict(o))
        return false;
    *index_out = o->free;
    o->free = o->flows[o->free].life.next;
    return true;
}

struct observed_flow *observed_flow_open(struct tcp_observer *o, const struct observed_segment *s)
{
    bool to_server = sender_is_client(s);
    const struct observed_packet *p = s->packet;
    struct observed_flow *f;
    uint32_t i;

    if (!take(o, &i)) {
        o->counters.drop_flows++;
        return NULL;
    }
    f = &o->flows[i];
    o->used++;
    *f = (struct observed_flow){
        .shown = {.client = to_server ? p->source : p->destination,
                  .server = to_server ? p->destination : p->source,
                  .domain = p->domain,
                  .id = ++o->last_id,
                  .begin_ns = p->time_ns,
                  .last_ns = o->now,
                  .guessed = !(s->flags & TCP_SYN)},
        .local = s->key.local,
        .losses = o->losses,
        .queue = QUEUE_OPENING,
        .queued_ns = o->now,
        .low_is_client = s->from_low == to_server,
    };
    f->shown.client_port = f->low_is_client ? s->key.local_port : s->key.remote_port;
    f->shown.server_port = f->low_is_client ? s->key.remote_port : s->key.local_port;
    tcp_flow_add(&o->table, i, hash_of(o, s), &s->key);
    *recent_of(o, &s->key) = i + 1;
    queue_add(o, QUEUE_OPENING, i);
    due_by(o, o->now + patience(o, QUEUE_OPENING));
    return f;
}

void observed_flow_begin(struct tcp_observer *o, struct observed_flow *f)
{
    if (f->begun)
        return;
    f->begun = true;
    o->counters.flows++;
    o->calls.flow_begin(o->calls.context, &f->shown);
}

/* Nothing more can come. */
static bool closed(const struct observed_flow *f)
{
    bool up = f->sides[TCP_TO_SERVER].finished, down = f->sides[TCP_TO_CLIENT].finished;

    return (up && down) || (f->alone && (up || down));
}

void observed_flow_settle(struct tcp_observer *o, struct observed_flow *f)
{
    bool waits;

    if (f->over)
        return;
    if (closed(f)) {
        observed_flow_end(o, f, TCP_END_CLOSED);
        observed_flow_queue(o, f, QUEUE_CLOSING);
        return;
    }
    waits = observed_bytes_waiting(o, f);
    if (waits != f->waiting)
        observed_flow_wait(o, f, waits);
}

void observed_flow_end(struct tcp_observer *o, struct observed_flow *f,
                       enum tcp_observer_end reason)
{
    if (f->over)
        return;
    observed_bytes_force(o, f, true);
    if (closed(f))
        reason = TCP_END_CLOSED;
    if (f->begun && f->losses != o->losses)
        observed_flow_tell(
            o, f, &(struct tcp_observation){.event = TCP_OBSERVED_CAPTURE_GAP, .time_ns = o->now});
    f->over = true;
    if (f->begun)
        o->calls.flow_end(o->calls.context, &f->shown, reason, o->now);
    f->shown.user = NULL;
    observed_bytes_drop(o, f);
    observed_flow_wait(o, f, false);
}

void observed_flow_forget(struct tcp_observer *o, struct observed_flow *f)
{
    uint32_t i = observed_index(o, f);
    const struct tcp_flow *entry = &o->table.entries[i];
    struct tcp_flow_key key = {f->local, entry->remote, entry->local_port, entry->remote_port};
    uint32_t *recent = recent_of(o, &key);

    if (*recent == i + 1)
        *recent = 0;
    observed_bytes_drop(o, f);
    observed_flow_wait(o, f, false);
    queue_remove(o, f->queue, i);
    tcp_flow_remove(&o->table, i);
    f->life.next = o->free;
    o->free = i;
    o->used--;
}

/* The first of a queue of lives that is due; those that were active meanwhile go to its end. */
static struct observed_flow *life_due(struct tcp_observer *o, enum observed_queue queue)
{
    uint64_t after = patience(o, queue);

    while (o->queues[queue].first != OBSERVED_NONE) {
        struct observed_flow *f = &o->flows[o->queues[queue].first];

        if (f->queued_ns + after > o->now) {
            due_by(o, f->queued_ns + after);
            return NULL;
        }
        if (queue == QUEUE_CLOSING || f->shown.last_ns + after <= o->now)
            return f;
        observed_flow_queue(o, f, queue);
    }
    return NULL;
}

static struct observed_flow *wait_due(struct tcp_observer *o)
{
    struct observed_flow *f;
    uint64_t at;

    if (o->queues[QUEUE_WAITING].first == OBSERVED_NONE)
        return NULL;
    f = &o->flows[o->queues[QUEUE_WAITING].first];
    at = f->again_ns + patience(o, QUEUE_WAITING);
    if (at <= o->now)
        return f;
    due_by(o, at);
    return NULL;
}

void observed_flow_timers(struct tcp_observer *o)
{
    struct observed_flow *f;

    if (o->now < o->due)
        return;
    o->due = UINT64_MAX;
    while ((f = wait_due(o))) {
        if (wait_longer(o, f))
            continue;
        observed_bytes_force(o, f, false);
        observed_flow_wait(o, f, false);
        observed_flow_settle(o, f);
    }
    for (enum observed_queue queue = QUEUE_OPENING; queue <= QUEUE_CLOSING; queue++) {
        while ((f = life_due(o, queue))) {
            observed_flow_end(o, f, f->reset ? TCP_END_RESET : TCP_END_IDLE);
            observed_flow_forget(o, f);
        }
    }
}

void observed_flow_tell(struct tcp_observer *o, struct observed_flow *f,
                        const struct tcp_observation *observation)
{
    static const uint8_t most[] = {
#define OBSERVER_EVENT(name, text, most, what) most,
#include "dataplane/tcp/tcp_observer_event.def"
#undef OBSERVER_EVENT
    };
    struct tcp_observed_side *shown = &f->shown.side[observation->direction];
    enum tcp_observer_event event = observation->event;

    if (most[event] > 1 ? shown->differences++ >= most[event] : shown->events & 1u << event)
        return;
    shown->events |= 1u << event;
    observed_flow_begin(o, f);
    o->calls.flow_event(o->calls.context, &f->shown, observation);
}
