/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_observer.h"

#include <stdlib.h>

#include "dataplane/tcp/observed_flow.h"
#include "dataplane/tcp/tcp_header.h"

static const char *const event_names[] = {
#define OBSERVER_EVENT(name, text, most, what) text,
#include "dataplane/tcp/tcp_observer_event.def"
#undef OBSERVER_EVENT
};

static const char *const end_names[] = {
#define OBSERVER_END(name, text) text,
#include "dataplane/tcp/tcp_observer_end.def"
#undef OBSERVER_END
};

const char *tcp_observer_event_name(enum tcp_observer_event event)
{
    return event_names[event];
}

const char *tcp_observer_event_what(enum tcp_observer_event event)
{
    static const char *const whats[] = {
#define OBSERVER_EVENT(name, text, most, what) what,
#include "dataplane/tcp/tcp_observer_event.def"
#undef OBSERVER_EVENT
    };

    return whats[event];
}

const char *tcp_observer_end_name(enum tcp_observer_end reason)
{
    return end_names[reason];
}

void tcp_observer_defaults(struct tcp_observer_options *options)
{
    *options = (struct tcp_observer_options){
        .flows = 65536,
        .memory = 256u << 20,
        .flow_memory = 1u << 20,
        .keep = 64u << 10,
        .policy = OVERLAP_LINUX,
        .gap_ms = 1000,
        .open_ms = 30000,
        .idle_ms = 600000,
        .ttl_drop = 3,
        .midstream = true,
    };
}

struct tcp_observer *tcp_observer_new(const struct tcp_observer_options *options,
                                      const struct tcp_observer_calls *calls)
{
    struct tcp_observer *o = calloc(1, sizeof(*o));

    if (!o)
        return NULL;
    o->options = *options;
    o->calls = *calls;
    o->due = UINT64_MAX;
    o->free = OBSERVED_NONE;
    if (!o->options.gap_ms)
        o->options.gap_ms = 1;
    o->keep_blocks = (options->keep + INTERVAL_DATA - 1) / INTERVAL_DATA;
    o->blocks_max = options->flow_memory / INTERVAL_BLOCK + o->keep_blocks;
    for (uint32_t q = 0; q < OBSERVED_QUEUES; q++)
        o->queues[q] = (struct observed_ends){OBSERVED_NONE, OBSERVED_NONE};
    o->flows = calloc(options->flows, sizeof(*o->flows));
    o->store = interval_store_new(options->memory, options->policy, interval_wins_tcp);
    if (!o->flows || !o->store || !tcp_flow_init(&o->table, options->flows, options->secret)) {
        tcp_observer_free(o);
        return NULL;
    }
    return o;
}

void tcp_observer_free(struct tcp_observer *o)
{
    if (!o)
        return;
    if (o->table.entries)
        tcp_flow_fini(&o->table);
    interval_store_free(o->store);
    free(o->flows);
    free(o);
}

const struct tcp_observer_counters *tcp_observer_counters(const struct tcp_observer *o)
{
    return &o->counters;
}

uint32_t tcp_observer_flows(const struct tcp_observer *o)
{
    return o->used;
}

uint64_t tcp_observer_held(const struct tcp_observer *o)
{
    return interval_store_used(o->store);
}

/* Both directions of a flow have one key: its lower end stands as local. */
static void set_key(const struct tcp_header *h, struct observed_segment *s)
{
    const struct observed_packet *p = s->packet;
    int order = memcmp(p->source.bytes, p->destination.bytes, sizeof(p->source.bytes));

    s->from_low = order < 0 || (order == 0 && h->source_port <= h->destination_port);
    s->key =
        s->from_low
            ? (struct tcp_flow_key){p->source, p->destination, h->source_port, h->destination_port}
            : (struct tcp_flow_key){p->destination, p->source, h->destination_port, h->source_port};
}

static bool read_segment(const struct observed_packet *p, struct observed_segment *s)
{
    struct tcp_header h;

    if (!tcp_header_parse(p->segment, &h) || p->segment_len < p->segment.len)
        return false;
    s->packet = p;
    set_key(&h, s);
    s->seq = h.seq;
    s->ack = h.ack;
    s->window = h.window;
    s->flags = h.flags;
    s->option = h.option;
    s->payload = span_skip(p->segment, h.len);
    s->cut = p->segment_len - (uint32_t)p->segment.len;
    s->doubt = p->checksum == TCP_CHECKSUM_BAD      ? DOUBT_CHECKSUM
               : p->checksum == TCP_CHECKSUM_PSEUDO ? DOUBT_OFFLOAD
                                                    : 0;
    return s->cut <= UINT16_MAX;
}

static bool begins_flow(const struct tcp_observer *o, const struct observed_segment *s)
{
    if (s->flags & TCP_RST || s->doubt & DOUBT_CHECKSUM)
        return false;
    return s->flags & TCP_SYN || (o->options.midstream && (s->payload.len || s->cut));
}

void tcp_observer_lost(struct tcp_observer *o)
{
    o->losses++;
}

void tcp_observer_time(struct tcp_observer *o, uint64_t now)
{
    if (now > o->now)
        o->now = now;
    observed_flow_timers(o);
}

void tcp_observer_packet(struct tcp_observer *o, const struct observed_packet *packet)
{
    struct observed_segment s;
    struct observed_flow *f;

    o->counters.packets++;
    if (packet->after_loss)
        tcp_observer_lost(o);
    tcp_observer_time(o, packet->time_ns);
    if (!read_segment(packet, &s)) {
        o->counters.drop_header++;
        return;
    }
    f = observed_flow_find(o, &s);
    if (f && observed_segment_reuses(f, &s)) {
        observed_flow_end(o, f, f->reset ? TCP_END_RESET : TCP_END_REUSED);
        observed_flow_forget(o, f);
        f = NULL;
    }
    if (!f && !begins_flow(o, &s)) {
        o->counters.drop_no_flow++;
        return;
    }
    if (!f)
        f = observed_flow_open(o, &s);
    if (f)
        observed_segment_take(o, f, &s);
}

void tcp_observer_finish(struct tcp_observer *o)
{
    static const enum observed_queue order[] = {QUEUE_CLOSING, QUEUE_ALIVE, QUEUE_OPENING};

    for (uint32_t q = 0; q < 3; q++) {
        while (o->queues[order[q]].first != OBSERVED_NONE) {
            struct observed_flow *f = &o->flows[o->queues[order[q]].first];

            observed_flow_end(o, f, f->reset ? TCP_END_RESET : TCP_END_CAPTURE);
            observed_flow_forget(o, f);
        }
    }
}
