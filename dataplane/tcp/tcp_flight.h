/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_FLIGHT_H
#define DATAPLANE_TCP_TCP_FLIGHT_H

#include "dataplane/tcp/tcp_cubic.h"
#include "dataplane/tcp/tcp_hystart.h"
#include "dataplane/tcp/tcp_prr.h"
#include "dataplane/tcp/tcp_rack.h"

struct tcp;
struct tcp_conn;

/*
 * What a connection needs to know only while something of its own is under way: when each part was
 * sent and what became of it (the scoreboard of RFC 6675 and the transmit records of RFC 8985 in
 * one), and the state of loss recovery and congestion control that goes with it. A block is taken
 * from the worker's pool with the first byte and given back when all is acknowledged, so that an
 * idle connection costs nothing.
 *
 * Without a block (the pool is empty) a connection goes on by RFC 5681 and 6582 alone: duplicates
 * are counted, SACK blocks are not read, round trips are taken from timestamps only.
 *
 * The records cover SND.UNA up to SND.MAX without gaps, in order. What was sent at about the same
 * time and has met the same is one record, so that there are few. SACK may split them up to
 * TCP_SENT - TCP_SENT_SPARE; beyond that a block that would split one more is not believed, which
 * costs at most a needless retransmission. So each acknowledgement costs at most a few passes over
 * TCP_SENT records, whatever a peer says.
 */
enum { TCP_SENT = 128, TCP_SENT_SPARE = 24 };

enum tcp_sent_flag {
    SENT_SACKED = 1, /* the peer has it */
    SENT_LOST = 2,   /* held for lost, and not sent again since; never with SENT_SACKED */
    SENT_RESENT = 4, /* was sent more than once: `time` is the last time */
};

struct tcp_sent {
    uint32_t end;   /* sequence number behind it; it begins where the one before ends */
    uint32_t time;  /* microseconds, low 32 bits */
    uint32_t flags; /* enum tcp_sent_flag */
};

enum tcp_flight_state {
    FLIGHT_OPEN,
    FLIGHT_RECOVERY, /* fast recovery, up to congestion.recover */
    FLIGHT_LOSS,     /* after a timeout, up to congestion.recover */
};

/* What Eifel detection and response (RFC 3522, RFC 4015) need to take a reduction back. */
struct tcp_undo {
    uint32_t cwnd, ssthresh, w_max; /* before */
    uint32_t stamp;                 /* timestamp of the first retransmission */
    bool armed;   /* a retransmission went out, and no acknowledgement judged it */
    bool timeout; /* it was the timer's */
};

struct tcp_flight {
    uint32_t next; /* in the list of free blocks */
    uint16_t count;
    uint8_t state;      /* enum tcp_flight_state */
    bool apart;         /* something went out again: what follows begins a record of its own */
    bool probe_due;     /* a tail loss probe is to be sent */
    bool sampled;       /* a round trip was measured since the last probe (RFC 8985 section 7.3) */
    uint32_t sacked;    /* bytes that are SENT_SACKED */
    uint32_t lost;      /* bytes that are SENT_LOST */
    uint32_t limited;   /* SND.MAX when cwnd last held something back */
    uint32_t rtt_end;   /* acknowledging this ends the round trip that is being measured */
    uint32_t probe_end; /* RFC 8985's TLP.end_seq, while one of the two below is set */
    bool probe_new;     /* a probe of new data is under way */
    bool probe_again;   /* a probe that repeats the last segment is under way */
    struct tcp_rack rack;
    struct tcp_prr prr;
    struct tcp_cubic cubic;
    struct tcp_hystart hystart;
    struct tcp_undo undo;
    struct tcp_sent sent[TCP_SENT];
};

/* The pool: `count` blocks. False: no memory. */
bool tcp_flight_pool_init(struct tcp *tcp, uint32_t count);
void tcp_flight_pool_fini(struct tcp *tcp);
/*
 * The connection's block, or NULL. tcp_flight_take() takes one if it has none; what is under way
 * already is then one record that counts as sent again. NULL: the pool is empty, which is counted.
 */
struct tcp_flight *tcp_flight_take(struct tcp *tcp, struct tcp_conn *conn);
/* Gives the block back, if there is one; keeps in the connection what lasts. */
void tcp_flight_give(struct tcp *tcp, struct tcp_conn *conn);

/* What was sent in a row within this part of the least round trip may share a record: RFC 8985
 * section 5.1 asks for a quarter. Microseconds. */
static inline uint32_t tcp_flight_grain(const struct tcp_flight *f)
{
    return f->rack.min_rtt / 32;
}

/* Bytes from `una` on that are covered. */
static inline uint32_t tcp_flight_bytes(const struct tcp_flight *f, uint32_t una)
{
    return f->count ? f->sent[f->count - 1].end - una : 0;
}

/* RFC 6675's pipe, RFC 8985's and 9937's inflight: sent, and neither SACKed nor lost. */
static inline uint32_t tcp_flight_pipe(const struct tcp_flight *f, uint32_t una)
{
    return tcp_flight_bytes(f, una) - f->sacked - f->lost;
}

static inline uint32_t tcp_flight_start(const struct tcp_flight *f, uint32_t una, uint32_t i)
{
    return i ? f->sent[i - 1].end : una;
}

/* [seq, end) goes out now: new data, or again, or both. `seq` is within what is covered or at its
 * end. */
void tcp_flight_sent(struct tcp_flight *f, uint32_t una, uint32_t seq, uint32_t end, uint32_t now);
/*
 * Marks the part of record `i` that lies in [seq, end) SACKed; it must not be SACKed yet. Returns
 * the record of that part, or TCP_SENT when no record was free for it.
 */
uint32_t tcp_flight_sack(struct tcp_flight *f, uint32_t una, uint32_t i, uint32_t seq,
                         uint32_t end);
/* Marks record `i` lost. */
void tcp_flight_lose(struct tcp_flight *f, uint32_t una, uint32_t i);
/* Record `i` is under way again, neither lost nor SACKed. */
void tcp_flight_clear(struct tcp_flight *f, uint32_t una, uint32_t i);
/* Drops the records before `ack`, and the front of the one that it lies in. */
void tcp_flight_acked(struct tcp_flight *f, uint32_t una, uint32_t ack);
/*
 * Joins neighbours that have become alike. One pass. Where records are short, also what was sent
 * again within a grain, though RACK then takes the two for one.
 */
void tcp_flight_join(struct tcp_flight *f);
/* True while a record can be made two. */
static inline bool tcp_flight_splits(const struct tcp_flight *f)
{
    return f->count < TCP_SENT;
}
/* The first lost record, or TCP_SENT. */
uint32_t tcp_flight_first_lost(const struct tcp_flight *f);

#endif
