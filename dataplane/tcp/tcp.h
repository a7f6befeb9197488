/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_H
#define DATAPLANE_TCP_TCP_H

#include "dataplane/handoff/chunk.h"
#include "dataplane/tcp/sendq.h"
#include "proto/base/ip_address.h"

/*
 * One worker's TCP as an endpoint (RFC 9293). No packets, no clock, no threads: segments come in as
 * spans, what is to be sent goes out as descriptions that the caller copies into frames of its own.
 * Time is monotonic, in microseconds.
 *
 * One turn:
 *   tcp_receive() for each segment of the burst     payload spans must stay valid until
 * tcp_settle() tcp_ready() until NULL                           the session reads with
 * tcp_peek()/tcp_consume(), writes, closes tcp_settle()                                     what
 * was not consumed is copied out of the frames, once tcp_timers() due timers; may make connections
 * ready for the next turn tcp_output() until 0                             segments to copy into
 * frames
 */

struct tcp;      /* a worker's connections, flow table, timers */
struct tcp_conn; /* one connection */

enum {
    TCP_PIECES = 36, /* 64 KiB in a port's usual buffers, and some to spare */
    TCP_OPTIONS = 40,
    TCP_CUTS = 64, /* frames that a segment may be cut into, at most */
};

/* Explicit congestion notification (RFC 3168): only where the peer asks for it, asked for as well,
 * or not at all. */
enum tcp_ecn { TCP_ECN_ANSWER, TCP_ECN_ASK, TCP_ECN_OFF };

struct tcp_options {
    uint32_t connections; /* most at a time */
    uint32_t half_open;   /* most handshakes that peers began, at most 65535 */
    /* The same for the connections and handshakes of one source network; 0: no limit. */
    uint32_t prefix_connections, prefix_half_open;
    uint8_t prefix_v4, prefix_v6; /* bits of such a network; 0: 24 and 64 */
    bool no_cookies;              /* SYN cookies are not sent, whatever the attack */
    uint32_t out_of_order; /* bytes of memory for what came out of order, all together; 0: no limit
                              but the pool's */
    uint32_t receive_window; /* bytes a connection may have unread or out of order */
    uint32_t narrow_window;  /* the same for those that tcp_set_narrow() was said of */
    uint32_t send_limit;     /* bytes tcp_send_room() allows to queue */
    uint32_t idle_ms;        /* not used by the protocol; sessions have their own deadlines */
    uint32_t keepalive_ms;   /* keep-alive for all connections, after so long a silence; 0: only for
                                those that ask, after two hours */
    uint16_t mss_v4, mss_v6; /* what we announce, from the port's MTU */
    bool newreno;            /* RFC 5681's congestion avoidance instead of CUBIC's (RFC 9438) */
    uint8_t ecn;             /* enum tcp_ecn */
    uint8_t ecn_repeats;     /* repetitions of our SYN that still ask (RFC 3168 section 6.1.1.1) */
    uint32_t flights; /* connections that may have SACK, RACK and CUBIC at a time; 0: one in 4,
                         at least 1024; struct tcp_flight each */
    bool prefault;    /* the memory for them is taken at once */
    /* Whose flows these are (flow_owner.h), of how many; 0 or 1 workers: all. */
    uint32_t worker, workers;
    uint16_t port_first, port_last; /* local ports of connections we open; 0: 10240 and 65535 */
    uint32_t time_wait_ms; /* twice the maximum segment lifetime; 0 for the default of 60 s */
    uint8_t secret[16];    /* keys the initial sequence numbers (RFC 6528) and the flow table */
};

/* One received segment. The IP layer has checked lengths and the TCP checksum. */
struct tcp_packet {
    struct ip_address source, destination;
    struct span header; /* the TCP header with its options, contiguous */
    uint32_t pieces;
    uint8_t ecn;                     /* the two ECN bits of the IP header */
    struct span payload[TCP_PIECES]; /* in order; more pieces than that are not handed in */
};

/* What is to be sent: one header, and payload that may exceed the MSS; the port layer cuts it at
 * `mss`. */
struct tcp_segment {
    struct ip_address source, destination;
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint16_t window;     /* as it stands in the header, scaled */
    uint8_t flags;       /* TCP_FIN ... ; FIN and PSH belong to the last cut only */
    uint8_t ecn;         /* the two ECN bits of the IP header */
    uint8_t options_len; /* a multiple of 4 */
    uint8_t options[TCP_OPTIONS];
    uint16_t mss;              /* payload bytes a cut, options already allowed for */
    uint32_t len;              /* payload bytes */
    uint32_t offset;           /* of the payload in the connection's send queue */
    const struct sendq *queue; /* NULL when len is 0 */
};

enum tcp_flag {
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_PSH = 8,
    TCP_ACK = 16,
    TCP_URG = 32,
    TCP_ECE = 64,
    TCP_CWR = 128
};

struct tcp *tcp_new(const struct tcp_options *options, struct chunk_pool *pool);
void tcp_free(struct tcp *tcp);

/*
 * Connections to `port` at any of our addresses (the IP layer has already checked the address) are
 * accepted from now on; `tag` names the listener to the session. At most 64 listeners; false
 * beyond.
 */
bool tcp_listen(struct tcp *tcp, uint16_t port, uint32_t tag);
/* New connections are no longer accepted on any port; what stands goes on. */
void tcp_unlisten(struct tcp *tcp);
/* The same for one port. Its row may name another listener from then on: tcp_tag() of connections
 * that still stand is that one's. */
void tcp_unlisten_port(struct tcp *tcp, uint16_t port);

/*
 * Opens a connection (RFC 9293 section 3.10.1). A local port of 0 is chosen here (RFC 6056), so
 * that replies hash home; another one is the caller's choice. It is held by the caller at once;
 * TCP_EVENT_ACCEPTED says that it is established. NULL: no block or no port is free, or it exists.
 */
struct tcp_conn *tcp_connect(struct tcp *tcp, const struct ip_address *local, uint16_t local_port,
                             const struct ip_address *remote, uint16_t remote_port, uint64_t now);

/* Takes in one segment. Answers are programmed and leave with tcp_output(). */
void tcp_receive(struct tcp *tcp, const struct tcp_packet *packet, uint64_t now);
/* The same for a burst, in order: all its connections are fetched into the cache before the first
 * of them is touched. */
void tcp_receive_burst(struct tcp *tcp, const struct tcp_packet *packets, uint32_t n, uint64_t now);

/* A connection on which something happened since it was last returned, or NULL. Each at most once
 * until new news. */
struct tcp_conn *tcp_ready(struct tcp *tcp);

enum tcp_event {
    TCP_EVENT_ACCEPTED = 1, /* established; set user data with tcp_set_user() */
    TCP_EVENT_READABLE = 2,
    TCP_EVENT_ACKED = 4,   /* send room grew, or pins were released */
    TCP_EVENT_EOF = 8,     /* the peer sent FIN and all before it was consumed or lies ready */
    TCP_EVENT_CLOSED = 16, /* gone for the session: reset, timed out, or closed on both sides; dies
                              at tcp_forget() */
};
uint32_t tcp_events(struct tcp_conn *conn); /* takes them: the bits are cleared */
enum tcp_reason {
    TCP_REASON_NONE,
    TCP_REASON_CLOSED,
    TCP_REASON_RESET,
    TCP_REASON_TIMED_OUT,
    TCP_REASON_ABORTED,
    TCP_REASON_REFUSED,
    TCP_REASON_UNREACHABLE,
    TCP_REASONS,
};
/* Why a connection is gone. */
enum tcp_reason tcp_reason(const struct tcp_conn *conn);
/* The same for records: "closed", "reset by peer", "timed out", ... */
const char *tcp_close_reason(const struct tcp_conn *conn);
/* The state as RFC 9293 section 3.3.2 names it. */
const char *tcp_state_text(const struct tcp_conn *conn);

void tcp_set_user(struct tcp_conn *conn, void *user);
void *tcp_user(const struct tcp_conn *conn);
uint32_t tcp_tag(const struct tcp_conn *conn);
void tcp_endpoints(const struct tcp_conn *conn, struct ip_address *local_out,
                   uint16_t *local_port_out, struct ip_address *remote_out,
                   uint16_t *remote_port_out);

/* The first contiguous run of unread bytes; empty when there are none. Valid until tcp_settle() or
 * tcp_consume(). */
struct span tcp_peek(const struct tcp_conn *conn);
/* Copies up to `len` unread bytes from the one at `offset` on, and leaves them unread; how many. One
 * walk over what is unread. */
uint32_t tcp_gather(const struct tcp_conn *conn, uint32_t offset, uint8_t *out, uint32_t len);
/* All unread bytes in order. */
uint32_t tcp_unread(const struct tcp_conn *conn);
/* Drops `n` bytes from the front of the first run, n <= its length; opens the window again. */
void tcp_consume(struct tcp *tcp, struct tcp_conn *conn, uint32_t n);

/* The queue to append to; tell with tcp_send() that there is something new. */
struct sendq *tcp_sendq(struct tcp_conn *conn);
uint32_t tcp_send_room(const struct tcp_conn *conn);
void tcp_send(struct tcp *tcp, struct tcp_conn *conn);
/* Bytes of the queue that were never sent. */
uint32_t tcp_unsent(const struct tcp_conn *conn);
/* No more will be appended: FIN after the last byte. Reading goes on; unread and later bytes are
 * dropped after tcp_discard(). */
void tcp_shutdown(struct tcp *tcp, struct tcp_conn *conn);
/* The session wants no more bytes; what comes is acknowledged and dropped, so that a last reply is
 * not lost to a reset. */
void tcp_discard(struct tcp *tcp, struct tcp_conn *conn);
/*
 * Nagle's algorithm (RFC 9293 section 3.7.4): while something is unacknowledged, less than a full
 * segment waits. Off for a new connection: replies leave at once.
 */
void tcp_set_nagle(struct tcp *tcp, struct tcp_conn *conn, bool on);
/* Whether a silent peer is asked if it is still there (RFC 9293 section 3.8.4); "timed out" when
 * nothing answers. */
void tcp_set_keepalive(struct tcp *tcp, struct tcp_conn *conn, bool on);
/*
 * How long bytes may stay unacknowledged, in milliseconds, between a second and an hour; 0: 15
 * repetitions, the default. `offer` tells the peer, and follows what it asks for, if that is more
 * (RFC 5482). False: there is no room for it.
 */
bool tcp_set_user_timeout(struct tcp *tcp, struct tcp_conn *conn, uint32_t ms, bool offer);
/* From now on its receive window is `narrow_window`; before its SYN has left, or it shrinks only as
 * bytes arrive. */
void tcp_set_narrow(struct tcp *tcp, struct tcp_conn *conn);
/* Gone without a word, as if the power had failed: the peer hears nothing, until it sends something
 * and gets a RST for an answer. */
void tcp_vanish(struct tcp *tcp, struct tcp_conn *conn);
/* RST now, everything dropped. */
void tcp_abort(struct tcp *tcp, struct tcp_conn *conn);
/* How many connections may be aborted before tcp_output() takes their RSTs; that of one more is lost,
 * and counted. */
uint32_t tcp_abort_room(const struct tcp *tcp);
/*
 * The session lets go. The connection finishes closing on its own (TIME-WAIT included); pins must
 * have been collected. Bytes that still come are lost: the peer is told by a RST (RFC 9293 section
 * 3.6.1, SHLD-3), after which nothing is sent again. Who wants a last reply to arrive whatever the
 * peer says meanwhile shuts down, discards, and lets go when the connection has ended.
 */
void tcp_forget(struct tcp *tcp, struct tcp_conn *conn);

/* Copies what was not consumed out of the frames of this turn. */
void tcp_settle(struct tcp *tcp);
void tcp_timers(struct tcp *tcp, uint64_t now);
/* When tcp_timers() has to be called next at the latest, UINT64_MAX for never. */
uint64_t tcp_next_timer(const struct tcp *tcp);
/* Fills up to `max` segments; their queues stay untouched until the next call into this tcp. */
uint32_t tcp_output(struct tcp *tcp, uint64_t now, struct tcp_segment *segments_out, uint32_t max);

/* An ICMP error that quotes a segment of ours was checked by the IP layer. `mtu` is 0 unless it
 * says "too big". */
void tcp_icmp_error(struct tcp *tcp, const struct tcp_packet *quoted, uint32_t mtu, bool hard,
                    uint64_t now);

/* Counters by name, one row each in tcp_counter.def. */
struct tcp_counters {
#define TCP_COUNTER(name, text) uint64_t name;
#include "dataplane/tcp/tcp_counter.def"
#undef TCP_COUNTER
};
const struct tcp_counters *tcp_counters(const struct tcp *tcp);
uint32_t tcp_connections(const struct tcp *tcp);

#endif
