/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_OBSERVER_H
#define DATAPLANE_TCP_TCP_OBSERVER_H

#include "dataplane/tcp/overlap.h"
#include "proto/base/ip_address.h"

/*
 * One worker's view of other hosts' TCP connections: segments as a mirror port or a capture shows
 * them go in, the bytes of both directions come out, each in order, each once, both interleaved as
 * the hosts themselves saw them. No packets, no threads, no clock: time is that of the capture, in
 * nanoseconds of any epoch.
 *
 * Bytes in order are delivered at once, straight from the frame, as soon as the other direction is
 * delivered as far as the segment acknowledges it: a reply never comes before the command that it
 * answers, however the capture was reordered. What is out of order or doubtful (wrong checksum,
 * TTL that fell, timestamp from the past, beyond the window) is held in bounded memory; doubtful
 * bytes are delivered only when the receiver acknowledged them and no better copy came.
 *
 * Nothing is called back but from within tcp_observer_packet(), _time() and _finish(). All memory
 * is taken at creation. Bound on the work for a segment: the segments held for its flow.
 */

enum tcp_direction {
    TCP_TO_SERVER, /* what the side sends that opened the connection ... */
    TCP_TO_CLIENT, /* ... and what is answered; guessed when the opening was not seen, see `guessed`
                    */
    TCP_DIRECTIONS,
};

enum tcp_observer_event {
#define OBSERVER_EVENT(name, text, most, what) TCP_OBSERVED_##name,
#include "dataplane/tcp/tcp_observer_event.def"
#undef OBSERVER_EVENT
    TCP_OBSERVED_COUNT,
};
/* "overlap", ... */
const char *tcp_observer_event_name(enum tcp_observer_event event);
/* The same in words. */
const char *tcp_observer_event_what(enum tcp_observer_event event);

enum tcp_observer_end {
#define OBSERVER_END(name, text) TCP_END_##name,
#include "dataplane/tcp/tcp_observer_end.def"
#undef OBSERVER_END
    TCP_END_COUNT,
};
/* "closed", "reset", ... */
const char *tcp_observer_end_name(enum tcp_observer_end reason);

/* What is known of one direction; index with enum tcp_direction. */
struct tcp_observed_side {
    uint64_t packets;   /* segments seen, those without payload included */
    uint64_t bytes;     /* payload bytes delivered */
    uint64_t gap_bytes; /* bytes that are known to be missing */
    uint32_t gaps;
    uint32_t retransmitted; /* segments that brought nothing new */
    uint32_t dropped;       /* segments, or held ones, given up: checksum, memory, window */
    uint32_t events;        /* bit i: enum tcp_observer_event i happened */
    uint32_t differences;   /* OVERLAP and RETRANSMISSION together, those beyond the limit too */
    uint64_t last_ns;       /* when its last segment was captured */
    bool seen;              /* a segment of this direction was seen at all */
    bool opened;            /* its SYN was seen */
    bool finished;          /* its FIN was delivered */
};

/*
 * A flow, as its callbacks see it. Owned by the observer, valid from flow_begin until flow_end
 * returns; read only, but for `user`.
 */
struct tcp_observed_flow {
    void *user; /* the caller's; NULL at flow_begin */
    struct ip_address client, server;
    uint16_t client_port, server_port;
    uint32_t domain;   /* as handed in with the first packet */
    uint64_t id;       /* counts up from 1 in this observer */
    uint64_t begin_ns; /* its first segment */
    uint64_t last_ns;  /* its latest segment */
    struct tcp_observed_side side[TCP_DIRECTIONS];
    bool guessed; /* which side opened was not seen: the lower port is taken for the server's */
};

struct tcp_observation {
    enum tcp_observer_event event;
    enum tcp_direction direction; /* of the segment that shows it */
    uint64_t offset;              /* in the direction's stream; 0 is the first byte seen */
    uint32_t len;                 /* bytes concerned, 0 when it is not about bytes */
    struct span other; /* the bytes that were not taken, if any; borrowed until the call returns */
    uint64_t time_ns;
};

/*
 * A flow is begun before its first bytes, gap or event, or when its handshake is complete; one that
 * never comes so far (a SYN that nobody answers) is not told at all. `context` is the caller's.
 */
struct tcp_observer_calls {
    void *context;
    void (*flow_begin)(void *context, struct tcp_observed_flow *flow);
    /* The next bytes of the direction. `offset` counts delivered bytes and gaps of this direction;
     * time_ns is when the segment that makes them deliverable was captured. Borrowed until the call
     * returns. */
    void (*flow_bytes)(void *context, struct tcp_observed_flow *flow, enum tcp_direction direction,
                       struct span bytes, uint64_t offset, uint64_t time_ns);
    /* `len` bytes at `offset` went by and will never come. */
    void (*flow_gap)(void *context, struct tcp_observed_flow *flow, enum tcp_direction direction,
                     uint64_t offset, uint64_t len, uint64_t time_ns);
    /* The direction is finished: its FIN is in order. */
    void (*flow_finished)(void *context, struct tcp_observed_flow *flow,
                          enum tcp_direction direction, uint64_t time_ns);
    void (*flow_event)(void *context, struct tcp_observed_flow *flow,
                       const struct tcp_observation *observation);
    /* The last call for the flow. */
    void (*flow_end)(void *context, struct tcp_observed_flow *flow, enum tcp_observer_end reason,
                     uint64_t time_ns);
};

struct tcp_observer_options {
    uint32_t flows;       /* most at a time */
    uint64_t memory;      /* bytes for what is held, of all flows */
    uint32_t flow_memory; /* bytes a direction of a flow may hold */
    uint32_t keep;        /* bytes delivered and not yet acknowledged that a direction keeps, to
                             compare what comes again with; 0: nothing delivered is compared */
    enum overlap_policy policy;
    uint32_t gap_ms; /* how long a hole may stay open once what lies behind it was acknowledged */
    uint32_t gap_segments; /* and so many segments of the flow have to come meanwhile: in a slow
                              dialogue a capture that is out of order may be so by seconds. At most
                              as often as that gap_ms are waited for. 0: the time alone counts */
    uint32_t open_ms;      /* a flow without a complete handshake is given up after this */
    uint32_t idle_ms;      /* any other after this */
    uint8_t ttl_drop;      /* a TTL this much below its direction's is doubtful; 0: none is */
    bool midstream;        /* also flows whose opening was not seen */
    uint8_t secret[16];    /* keys the flow table */
};
/* Defaults for everything but the secret. */
void tcp_observer_defaults(struct tcp_observer_options *options_out);

enum tcp_checksum {
    TCP_CHECKSUM_UNKNOWN, /* a segment that was cut; taken for good */
    TCP_CHECKSUM_GOOD,
    TCP_CHECKSUM_BAD,
    TCP_CHECKSUM_PSEUDO, /* the pseudo header's alone: captured before the sender's card filled it
                            in, or made to look like that */
};

struct observed_packet {
    struct ip_address source, destination;
    struct span segment;  /* TCP header and payload, as much as was captured, contiguous; borrowed
                             until the call returns */
    uint32_t segment_len; /* what it was on the wire; more than segment.len when it was cut */
    uint32_t domain;      /* keeps equal addresses of different networks apart (a VXLAN's number) */
    uint64_t time_ns;
    uint8_t checksum;  /* enum tcp_checksum */
    uint8_t hop_limit; /* TTL */
    bool reassembled;  /* from IP fragments */
    bool doubtful;     /* its receiver may have dropped it: it counts once it is acknowledged */
    bool after_loss;   /* the capture lost packets right before this one */
};

struct tcp_observer_counters {
#define OBSERVER_COUNTER(name, text) uint64_t name;
#include "dataplane/tcp/tcp_observer_counter.def"
#undef OBSERVER_COUNTER
};

struct tcp_observer;

/* NULL: no memory. The calls are copied. */
struct tcp_observer *tcp_observer_new(const struct tcp_observer_options *options,
                                      const struct tcp_observer_calls *calls);
/* Tells nobody; flows are ended with tcp_observer_finish(). */
void tcp_observer_free(struct tcp_observer *observer);
void tcp_observer_packet(struct tcp_observer *observer, const struct observed_packet *packet);
/* Time has come this far without a packet: ends idle flows, tells overdue gaps. */
void tcp_observer_time(struct tcp_observer *observer, uint64_t now_ns);
/* The capture lost packets now: marks every flow that is alive, as after_loss does. */
void tcp_observer_lost(struct tcp_observer *observer);
/* Delivers what can be, tells what is missing, ends all flows. */
void tcp_observer_finish(struct tcp_observer *observer);
const struct tcp_observer_counters *tcp_observer_counters(const struct tcp_observer *observer);
uint32_t tcp_observer_flows(const struct tcp_observer *observer);
/* Bytes held at the moment. */
uint64_t tcp_observer_held(const struct tcp_observer *observer);

#endif
