/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_OBSERVED_FLOW_H
#define DATAPLANE_TCP_OBSERVED_FLOW_H

#include "dataplane/tcp/interval_store.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/tcp/tcp_flow.h"
#include "dataplane/tcp/tcp_observer.h"
#include "dataplane/tcp/tcp_option.h"

/*
 * The inside of the observer, shared by its files:
 *   tcp_observer.c       creation, finding and making a segment's flow
 *   observed_flow.c      a flow's life: begin, end, the queues that time it out
 *   observed_segment.c   what a segment says: SYN, RST, ACK, window, doubts
 *   observed_bytes.c     holding, delivering, gaps
 */

/* Why bytes are held although they are in order. */
enum observed_doubt {
    DOUBT_CHECKSUM = 1,
    DOUBT_TTL = 2,
    DOUBT_PAWS = 4,
    DOUBT_WINDOW = 8,
    DOUBT_NO_ACK = 16,
    DOUBT_SYN = 32,
    DOUBT_OFFLOAD =
        64, /* the sum is that of the pseudo header: a capture before the card filled it in */
    DOUBT_PACKET = 128,
};

/* One direction. Numbers are its sender's. */
struct observed_side {
    uint32_t next;    /* the next to deliver, once `synced` */
    uint32_t highest; /* behind the highest byte seen */
    uint32_t acked;   /* what the receiver acknowledged, if has_ack */
    uint32_t edge;    /* right edge of the receiver's window, if has_edge */
    uint32_t fin;     /* its FIN's number, if has_fin */
    uint32_t fin_after;
    uint32_t ts_recent;
    uint32_t syn_other; /* a SYN within the flow, if has_syn_other */
    uint32_t isn;       /* if has_isn */
    uint32_t first_ack; /* the lowest acknowledged before `synced`, if has_ack */
    uint32_t kept;      /* blocks of the list that are delivered, at its front */
    uint64_t offset;    /* delivered bytes and gaps */
    struct interval_list list;
    struct interval *kept_last; /* the last block that is delivered; NULL: none */
    uint8_t scale;
    uint8_t ttl;
    bool synced : 1, opened : 1, has_isn : 1, has_scale : 1, has_ack : 1, has_edge : 1, has_fin : 1,
        fin_doubtful : 1, has_ts : 1, has_syn_other : 1, ttl_known : 1, finished : 1;
};

enum { OBSERVED_NONE = UINT32_MAX, OBSERVED_RECENT = 256 };

/* A flow is in exactly one of the first three, and in the fourth while something waits. In each the
 * order is that of due times. */
enum observed_queue {
    QUEUE_OPENING,
    QUEUE_ALIVE,
    QUEUE_CLOSING, /* ended, or reset: stragglers are swallowed */
    QUEUE_WAITING,
    OBSERVED_QUEUES,
};

struct observed_link {
    uint32_t next, previous;
};

struct observed_flow {
    struct tcp_observed_flow shown; /* first: what callbacks see */
    struct observed_side sides[TCP_DIRECTIONS];
    struct ip_address local; /* the lower end, which the table does not hold */
    struct observed_link life, wait;
    uint64_t queued_ns; /* when it came into the queue of its life */
    uint64_t wait_ns;   /* when it began to wait */
    uint64_t again_ns;  /* the same, or when it was found to need more patience */
    uint64_t heard;     /* segments of the flow when it began to wait */
    uint32_t patience;  /* how often it was found so */
    uint32_t losses;    /* the capture's losses when it was last looked at */
    uint8_t queue;      /* enum observed_queue, of `life` */
    uint8_t missing;    /* enum tcp_direction: the one that is not seen, if alone */
    uint8_t silent;     /* waits in a row that ended without a segment of the other side */
    bool waiting : 1;   /* in QUEUE_WAITING */
    bool begun : 1;     /* flow_begin was called */
    bool over : 1;      /* flow_end was called, or the reset awaits it */
    bool reset : 1;     /* a reset was believed, flow_end is to come */
    bool alone : 1;     /* one direction is not seen: nothing depends on it */
    bool low_is_client : 1;
};

struct observed_ends {
    uint32_t first, last;
};

struct tcp_observer {
    struct tcp_observer_options options;
    struct tcp_observer_calls calls;
    struct tcp_observer_counters counters;
    struct tcp_flows table;
    struct observed_flow *flows; /* entry i of the table is flow i */
    uint32_t free;               /* given back, chained by life.next */
    uint32_t fresh;              /* from here on none was ever used, and its memory not touched */
    uint32_t used;
    uint32_t recent[OBSERVED_RECENT]; /* index + 1 of the flow seen last with such a key, or 0 */
    struct interval_store *store;
    struct observed_ends queues[OBSERVED_QUEUES];
    uint64_t now;
    uint64_t due; /* nothing in a queue is due before */
    uint64_t last_id;
    uint32_t losses;
    uint32_t blocks_max, keep_blocks;
};

/* A segment, read. */
struct observed_segment {
    const struct observed_packet *packet;
    struct tcp_flow_key key; /* local is the lower end */
    bool from_low; /* its sender is the lower end */
    uint32_t seq, ack;
    uint32_t window; /* as it stands in the header */
    uint8_t flags;
    uint8_t doubt;
    struct tcp_option option;
    struct span payload;
    uint32_t cut; /* payload bytes that the capture cut off */
};

static inline uint32_t observed_index(const struct tcp_observer *o, const struct observed_flow *f)
{
    return (uint32_t)(f - o->flows);
}

/* observed_flow.c */
/* Packets come in runs of a flow: those seen of late are found without the table's hash. */
struct observed_flow *observed_flow_find(struct tcp_observer *o, const struct observed_segment *s);
/* NULL: no room. */
struct observed_flow *observed_flow_open(struct tcp_observer *o, const struct observed_segment *s);
/* Calls flow_begin if that was not done. */
void observed_flow_begin(struct tcp_observer *o, struct observed_flow *f);
/* Calls flow_end if that is due. The flow stays for stragglers. */
void observed_flow_end(struct tcp_observer *o, struct observed_flow *f,
                       enum tcp_observer_end reason);
/* After bytes moved: ends a flow that is closed, sees to it that a wait begins or ends. */
void observed_flow_settle(struct tcp_observer *o, struct observed_flow *f);
/* Gives the block back; flow_end was called or was never due. */
void observed_flow_forget(struct tcp_observer *o, struct observed_flow *f);
/* To the end of a queue of lives. */
void observed_flow_queue(struct tcp_observer *o, struct observed_flow *f,
                         enum observed_queue queue);
/* Starts, restarts or ends its waiting. */
void observed_flow_wait(struct tcp_observer *o, struct observed_flow *f, bool waits);
/* What is due at o->now. */
void observed_flow_timers(struct tcp_observer *o);
/* Tells an event; those that are told once a direction only the first time. */
void observed_flow_tell(struct tcp_observer *o, struct observed_flow *f,
                        const struct tcp_observation *observation);

/* observed_segment.c */
/* The segment opens another connection between the same ports. */
bool observed_segment_reuses(const struct observed_flow *f, const struct observed_segment *s);
void observed_segment_take(struct tcp_observer *o, struct observed_flow *f,
                           struct observed_segment *s);

/* observed_bytes.c */
/* Payload of a direction that is new, or not; and where the sender's FIN is. */
void observed_bytes_take(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                         const struct observed_segment *s);
/* Delivers what can be delivered now, in both directions. True: something was. */
bool observed_bytes_progress(struct tcp_observer *o, struct observed_flow *f);
/* Stops waiting: tells gaps. `all`: also where the receiver did not acknowledge what is behind. */
void observed_bytes_force(struct tcp_observer *o, struct observed_flow *f, bool all);
/* Whether something waits for what should be here any moment. */
bool observed_bytes_waiting(const struct tcp_observer *o, const struct observed_flow *f);
/* The receiver acknowledged more. */
void observed_bytes_acked(struct tcp_observer *o, struct observed_side *side);
/* Gives all blocks back. */
void observed_bytes_drop(struct tcp_observer *o, struct observed_flow *f);

#endif
