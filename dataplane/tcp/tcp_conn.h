/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_CONN_H
#define DATAPLANE_TCP_TCP_CONN_H

#include "dataplane/handoff/budget.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/tcp/tcp_congestion.h"
#include "dataplane/tcp/tcp_cookie.h"
#include "dataplane/tcp/tcp_flight.h"
#include "dataplane/tcp/tcp_flow.h"
#include "dataplane/tcp/tcp_half_open.h"
#include "dataplane/tcp/tcp_option.h"
#include "dataplane/tcp/tcp_path.h"
#include "dataplane/tcp/tcp_port.h"
#include "dataplane/tcp/tcp_prefix.h"
#include "dataplane/tcp/tcp_rto.h"
#include "dataplane/tcp/tcp_sequence.h"
#include "dataplane/tcp/tcp_side.h"
#include "dataplane/tcp/timer_wheel.h"

/* Private to dataplane/tcp: the connection block and a worker's endpoint. */

enum tcp_state {
#define TCP_STATE(name, text) TCP_##name,
#include "dataplane/tcp/tcp_state.def"
#undef TCP_STATE
    TCP_STATES,
};
/* The state's name as RFC 9293 writes it. */
const char *tcp_state_name(enum tcp_state state);

enum tcp_conn_flag {
    CONN_IN_READY = 1 << 0,   /* on the list that tcp_ready() serves */
    CONN_IN_OUTPUT = 1 << 1,  /* on the list that tcp_output() serves */
    CONN_PROBE = 1 << 2,      /* a zero-window probe is due */
    CONN_ACK_NOW = 1 << 3,    /* an acknowledgement is due at the end of the turn */
    CONN_SEND_SYN = 1 << 4,   /* SYN or SYN-ACK is due */
    CONN_RETRANSMIT = 1 << 5, /* the first unacknowledged segment is due again */
    CONN_SHUTDOWN = 1 << 6,   /* FIN follows the last queued byte */
    CONN_DISCARD = 1 << 7,    /* payload is acknowledged and dropped */
    CONN_FORGOTTEN = 1 << 8,  /* no session holds it (yet, or any more) */
    CONN_TIMESTAMPS = 1 << 9, /* agreed on */
    CONN_FIN_AHEAD = 1 << 10, /* the peer's FIN is known, at fin_seq, behind a hole */
    CONN_RECOVERY = 1 << 11,  /* fast recovery (RFC 6582) */
    CONN_KEEPALIVE = 1 << 12, /* a keep-alive probe is due */
    CONN_NARROW = 1 << 13,    /* the window is narrow_window */
    CONN_SYN_LOST = 1 << 14,  /* our SYN went out more than once */
    CONN_DOUBTED = 1 << 15,   /* TIME-WAIT: a SYN that could not begin anew was challenged */
};

/* What was agreed on or asked for, and what lasts of loss recovery between two flights. */
enum tcp_mode {
    TCP_MODE_SACK = 1 << 0,       /* agreed on (RFC 2018) */
    TCP_MODE_ECN = 1 << 1,        /* agreed on (RFC 3168) */
    TCP_MODE_ECHO = 1 << 2,       /* CE arrived: ECE on every acknowledgement, until CWR arrives */
    TCP_MODE_CWR = 1 << 3,        /* cwnd was reduced: CWR goes out with the next new data */
    TCP_MODE_NAGLE = 1 << 4,      /* RFC 9293 section 3.7.4 */
    TCP_MODE_PROBED = 1 << 5,     /* the last flight's tail was repeated: was it lost? */
    TCP_MODE_REORDERS = 1 << 6,   /* the path was seen to (RFC 8985 section 6.2 step 3) */
    TCP_MODE_KEEPALIVE = 1 << 7,  /* RFC 9293 section 3.8.4 */
    TCP_MODE_PROVEN = 1 << 8,     /* a full segment was acknowledged */
    TCP_MODE_REDUCED = 1 << 9,    /* the path carries less than the peer allows */
    TCP_MODE_UNREACHED = 1 << 10, /* ICMP said so since something was last acknowledged */
};

/* What the connection's main timer waits for; they exclude each other. */
enum tcp_timer_kind {
    TCP_TIMER_NONE,
    TCP_TIMER_RETRANSMIT, /* something is under way */
    TCP_TIMER_PERSIST,    /* nothing is, and the window keeps us from sending */
    TCP_TIMER_FIN_WAIT_2, /* our FIN was acknowledged and nobody reads any more */
    TCP_TIMER_TIME_WAIT,
    TCP_TIMER_REORDER, /* what looks lost may only be late (RFC 8985 section 6.2 step 5) */
    TCP_TIMER_KEEPALIVE,
    TCP_TIMER_PROBE, /* the tail of what is under way may be lost (RFC 8985 section 7) */
};

#define CONN_NONE UINT32_MAX
#define FRAME_NONE UINT16_MAX

/*
 * The connection block. Legal states:
 *   free       CLOSED, CONN_FORGOTTEN, on the free list through ready_next; holds nothing
 *   dying      the same, but still on a turn's list (CONN_IN_*): freed when it is taken off
 *   gone       CLOSED, held by its session until tcp_forget(); no timer, no flow entry; may have
 *              unread bytes
 *   begun      SYN_RECEIVED and CONN_FORGOTTEN: within tcp_receive(), until it is ESTABLISHED
 *   open       any other state, held by a session
 *   orphan     any other state, CONN_FORGOTTEN: finishes closing on its own, until orphan_due
 *   TIME_WAIT  on the list of its kind, oldest first, so that a new connection can take the block
 * rcv_nxt may run ahead of what was acknowledged by the bytes that lie in frames: tcp_settle()
 * takes back what found no chunk. Nothing is acknowledged before that.
 */
struct tcp_conn {
    /* receive: written by tcp_receive(), tcp_consume(), tcp_settle() */
    uint32_t rcv_nxt;
    uint32_t rcv_adv;  /* right edge of the window: the highest that was ever announced */
    uint32_t last_ack; /* rcv_nxt of the last acknowledgement sent */
    uint32_t unread;   /* bytes in the backlog and in frames */
    uint32_t held;     /* memory: capacity of all chunks in backlog and ooo */
    uint32_t ooo_bytes;
    struct chunk *backlog, *backlog_last; /* unread, in order, before the frames */
    struct chunk *ooo;                    /* out of order, by sequence number, without overlap */
    uint16_t frames, frames_last;         /* unread, in this turn's frames */
    uint16_t rcv_mss;                     /* the largest payload seen: what a full segment is */
    uint8_t ooo_pieces;                   /* chunks in ooo */
    uint8_t snd_scale : 4, rcv_scale : 4;
    uint8_t dup_acks; /* immediate acknowledgements due for segments out of order */
    uint8_t state;    /* enum tcp_state; changed by tcp_conn_set_state() only */
    uint16_t flags;   /* enum tcp_conn_flag */
    uint32_t ts_recent;

    /* transmit: written by tcp_receive() for acknowledgements, tcp_output() */
    uint32_t snd_una, snd_nxt;
    uint32_t snd_max; /* the highest ever sent; snd_nxt goes back to snd_una on a timeout */
    uint32_t snd_wnd; /* in bytes */
    uint32_t snd_wl1, snd_wl2;
    union {
        struct tcp_congestion congestion;
        uint32_t syn_sent; /* before it is established: when our SYN went out; microseconds */
    };
    uint16_t mss;        /* payload bytes a segment, options allowed for */
    uint8_t dupacks : 4; /* duplicates received in a row, up to 15 */
    uint8_t backoff : 4; /* doublings of the timeout since the last round trip, up to 15 */
    uint8_t retries;     /* timeouts in a row, without any progress */
    struct tcp_rto rto;
    uint32_t flight;    /* index of its struct tcp_flight, or CONN_NONE */
    uint32_t max_wnd;   /* largest window the peer ever announced */
    uint32_t last_sent; /* ticks */

    /* queue and timers */
    struct sendq queue;
    uint32_t timer_due;      /* tick of the main timer, while timer_kind is set */
    uint32_t ack_due;        /* tick of the delayed acknowledgement; 0: none */
    struct timer_node timer; /* fires at the earlier of the two, or before */

    /* cold */
    union {
        void *user;          /* while a session holds it */
        uint64_t orphan_due; /* of one that was forgotten: when it must have ended; microseconds */
    };
    uint32_t ready_next, output_next;
    uint32_t index;                     /* of this block */
    uint8_t listener;                   /* index, or TCP_LISTENERS for connections that we opened */
    uint8_t reason;                     /* enum tcp_reason */
    uint8_t events;                     /* enum tcp_event, not yet taken */
    uint8_t timer_kind : 4, probes : 4; /* probes: without any answer, in a row */
    uint16_t modes;                     /* enum tcp_mode */
    uint16_t side;                      /* its struct tcp_side: index + 1; 0: none */
    uint32_t ts_offset;
    struct ip_address local; /* the rest of the key lies in the flow entry of the same index */
    uint32_t fin_seq;
    uint32_t heard;                /* tick at which the last acceptable segment came */
    uint32_t wait_next, wait_prev; /* TIME-WAIT, by age */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct tcp_conn) == BUDGET_CONNECTION, "four cache lines");
_Static_assert(offsetof(struct tcp_conn, snd_una) == 64, "transmit line");
_Static_assert(offsetof(struct tcp_conn, queue) == 128, "queue and timer line");
_Static_assert(offsetof(struct tcp_conn, user) == 192, "cold line");

enum {
    TCP_LISTENERS = 64,
    TCP_FRAMES = 2048, /* pieces of payload a turn keeps in place; more are copied at once */
    TCP_REPLIES = 256, /* segments without a connection a turn */
    TCP_OOO_PIECES = 128,
    TCP_DUP_ACKS = 64,
    TCP_DUPLICATES = 64, /* connections that owe a D-SACK this turn; more collide */
};

struct tcp_frame {
    struct span bytes;
    uint32_t conn;
    uint16_t next;
};

/* Bytes that came twice, to be reported with the connection's next acknowledgement. */
struct tcp_duplicate {
    uint32_t conn; /* index, or CONN_NONE */
    uint32_t start, end;
};

/* Stands before the first block, so that a block leads to its endpoint. */
struct tcp_blocks {
    struct tcp *tcp;
    struct tcp_conn conns[] __attribute__((aligned(64)));
};

/* At most `left` more in this second of the monotonic clock. */
struct tcp_limit {
    uint64_t second;
    uint32_t left;
};

struct tcp_list {
    uint32_t head, tail;
};

struct tcp {
    struct tcp_options options;
    struct chunk_pool *pool;
    uint64_t now;
    struct tcp_blocks *blocks;
    struct tcp_conn *conns; /* of the blocks */
    struct tcp_flows flows;
    struct tcp_half_open half;
    struct tcp_prefixes prefixes;
    struct tcp_cookies cookies;
    struct tcp_sides sides;
    struct tcp_paths *paths;
    struct tcp_ports ports;
    struct timer_wheel wheel;
    uint32_t free;
    uint32_t connections;
    uint32_t gauge[TCP_STATES];
    struct tcp_list ready, output, wait;
    uint32_t ooo_held;      /* memory of all chunks out of order */
    uint32_t receive_limit; /* memory a connection may hold for unread and out-of-order bytes */
    uint8_t receive_class;  /* largest class of chunk for them */
    uint8_t receive_scale;  /* that we announce; at least 1, so that 0 means none agreed on */
    struct {
        uint16_t port;
        uint32_t tag;
    } listeners[TCP_LISTENERS];
    uint32_t listener_count;
    uint32_t listening; /* of them, accept new connections */
    struct tcp_limit challenge_limit, reset_limit;
    struct tcp_frame *frames;
    uint32_t frame_count;
    struct tcp_segment *replies;
    uint32_t reply_count;
    struct tcp_flight *flights; /* the pool */
    uint32_t flight_free, flights_used;
    uint32_t flights_fresh, flight_count; /* of the pool, from `flights_fresh` on never used */
    struct tcp_duplicate duplicates[TCP_DUPLICATES];
    uint32_t arrivals; /* stamps what comes out of order, so that the latest is known */
    struct tcp_counters counters;
};

static inline struct tcp *tcp_conn_owner(const struct tcp_conn *conn)
{
    const uint8_t *first = (const uint8_t *)(conn - conn->index);

    return ((const struct tcp_blocks *)(const void *)(first - offsetof(struct tcp_blocks, conns)))
        ->tcp;
}

/* The connection's block, or NULL. In line, as what stands next to it: each segment asks. */
static inline struct tcp_flight *tcp_flight_of(const struct tcp *tcp, const struct tcp_conn *conn)
{
    return conn->flight == CONN_NONE ? NULL : &tcp->flights[conn->flight];
}

static inline struct tcp_side *tcp_side_of(const struct tcp *tcp, const struct tcp_conn *conn)
{
    return conn->side ? &tcp->sides.blocks[conn->side - 1] : NULL;
}

/* Brings its flow entry and its lines into the cache. */
static inline void tcp_conn_fetch(const struct tcp *tcp, uint32_t i)
{
    const struct tcp_conn *conn = &tcp->conns[i];

    __builtin_prefetch(&tcp->flows.entries[i], 1);
    __builtin_prefetch(&conn->rcv_nxt, 1);
    __builtin_prefetch(&conn->snd_una, 1);
    __builtin_prefetch(&conn->queue, 1);
    __builtin_prefetch(&conn->user, 1);
}

static inline bool tcp_conn_is(const struct tcp_conn *conn, uint32_t states)
{
    return states >> conn->state & 1;
}
#define IN(state) (1u << TCP_##state)

/* A free block, or that of the oldest orphan in TIME-WAIT, entered into the flow table; NULL when
 * there is none. Here and in the next `hash` is tcp_flow_hash() of the key. */
struct tcp_conn *tcp_conn_new(struct tcp *tcp, const struct tcp_flow_key *key, uint64_t hash);
struct tcp_conn *tcp_conn_find(struct tcp *tcp, const struct tcp_flow_key *key, uint64_t hash);
struct tcp_flow_key tcp_conn_key(const struct tcp *tcp, const struct tcp_conn *conn);
void tcp_conn_set_state(struct tcp *tcp, struct tcp_conn *conn, enum tcp_state state);
/* SYN_SENT or SYN_RECEIVED becomes ESTABLISHED, or FIN_WAIT_1 when its session has already shut it
 * down. */
void tcp_conn_establish(struct tcp *tcp, struct tcp_conn *conn);
void tcp_conn_time_wait(struct tcp *tcp, struct tcp_conn *conn);
/*
 * CLOSED: out of the flow table, without timers and memory; pins move to the released list. Unread
 * bytes stay for the session after TCP_REASON_CLOSED only. The block of an orphan is free at once,
 * or when this turn's lists let go.
 */
void tcp_conn_close(struct tcp *tcp, struct tcp_conn *conn, enum tcp_reason reason);
/* Frees the block if nobody needs it any more. */
void tcp_conn_reclaim(struct tcp *tcp, struct tcp_conn *conn);
/* Remembers events for the session and puts the connection on the ready list; nothing for orphans.
 */
void tcp_conn_tell(struct tcp *tcp, struct tcp_conn *conn, uint32_t events);
/* Puts the connection on the output list with `flags` set. */
void tcp_conn_program(struct tcp *tcp, struct tcp_conn *conn, uint32_t flags);
/* An initial sequence number (RFC 6528) and, as *ts_offset_out, an offset for timestamps (RFC 7323
 * section 7.1), from the tcp_flow_hash() of the connection. */
uint32_t tcp_conn_sequence(struct tcp *tcp, uint64_t hash, uint32_t *ts_offset_out);
/* Takes over what SYN or SYN-ACK offers; `option` of the peer, seq of its SYN. */
void tcp_conn_negotiate(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_option *option,
                        uint32_t seq);
uint16_t tcp_conn_announced_mss(const struct tcp *tcp, const struct tcp_conn *conn);
/* True when one more may go out this second, of about `each_second`. */
bool tcp_limit_pass(struct tcp *tcp, struct tcp_limit *limit, uint32_t each_second);

#endif
