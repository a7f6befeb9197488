/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WIREPOST_TCP_H
#define WIREPOST_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * TCP over IPv4 and IPv6 (RFC 9293) as a library: no sockets, no threads, no clock, no device, no
 * system calls after wirepost_tcp_new(). IP packets go in as bytes and come out through a callback;
 * what time it is comes in as an argument. docs/embedding-tcp.md tells how to drive it, and
 * docs/examples/tcp_pair.c is a whole program.
 *
 * A stack belongs to one thread at a time. Times are microseconds of any monotonic clock; a call
 * with an earlier time than the last one's counts as at the same time. Nothing blocks: what cannot
 * be done yet returns WIREPOST_TCP_AGAIN, and readiness tells when to try again.
 *
 * After anything that may have something to send (input, write, read, connect, shutdown, close,
 * abort, timers) call wirepost_tcp_output(). Call wirepost_tcp_timers() when the time that
 * wirepost_tcp_next_timer() names has come.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct wirepost_tcp;      /* a stack: addresses, connections, timers */
struct wirepost_tcp_conn; /* one connection of it */

/* An address and a port. IPv4 lies as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
struct wirepost_tcp_endpoint {
    uint8_t address[16]; /* in network order */
    uint16_t port;       /* in the host's order */
};

enum wirepost_tcp_error {
    /* results of calls */
    WIREPOST_TCP_OK = 0,
    WIREPOST_TCP_AGAIN,         /* nothing to read yet, no room to write yet, nobody to accept */
    WIREPOST_TCP_ARGUMENT,      /* an argument that makes no sense; a bug of the caller */
    WIREPOST_TCP_MEMORY,        /* not enough memory */
    WIREPOST_TCP_FULL,          /* as many connections or listeners as were configured */
    WIREPOST_TCP_IN_USE,        /* the port is listened to; the connection exists */
    WIREPOST_TCP_NOT_CONNECTED, /* not established yet */
    WIREPOST_TCP_SHUT_DOWN,     /* written after wirepost_tcp_shutdown() */
    WIREPOST_TCP_DROPPED,       /* a packet that was dropped; the counters say why */
    /* how a connection ended */
    WIREPOST_TCP_REFUSED,     /* the peer answered our SYN with a reset */
    WIREPOST_TCP_RESET,       /* the peer reset the connection */
    WIREPOST_TCP_TIMED_OUT,   /* the peer did not answer for too long */
    WIREPOST_TCP_UNREACHABLE, /* an ICMP error ended the attempt to connect */
    WIREPOST_TCP_ABORTED,     /* wirepost_tcp_abort() */
    WIREPOST_TCP_ERRORS,
};

/* In words, for messages; never NULL. */
const char *wirepost_tcp_error_text(enum wirepost_tcp_error error);

enum { WIREPOST_TCP_ADDRESSES = 16 }; /* most addresses of one stack */

/* Explicit congestion notification (RFC 3168): where the peer asks for it, asked for as well, not
 * at all. */
enum wirepost_tcp_ecn { WIREPOST_TCP_ECN_ANSWER, WIREPOST_TCP_ECN_ASK, WIREPOST_TCP_ECN_OFF };

struct wirepost_tcp_config {
    /* Ours: packets to others are dropped. The ports are not used. Copied. */
    const struct wirepost_tcp_endpoint *addresses;
    uint32_t address_count;  /* 1 to WIREPOST_TCP_ADDRESSES */
    uint32_t mtu;            /* largest packet in bytes, 68 to 65535; 0 for 1500 */
    uint32_t connections;    /* most at a time; 0 for 1024 */
    uint32_t half_open;      /* most handshakes that peers began; 0 for 256 */
    uint32_t receive_window; /* bytes a connection may hold unread; 0 for 65536 */
    uint32_t send_buffer;    /* bytes a connection may hold unacknowledged; 0 for 65536 */
    uint64_t memory;         /* bytes for what all connections hold; 0 for 64 MiB */
    uint32_t time_wait_ms;   /* twice the maximum segment lifetime; 0 for 60 s */
    enum wirepost_tcp_ecn ecn;
    uint8_t ecn_repeats; /* repetitions of a SYN that still ask for it, as it may be what is dropped
                          * on the way (RFC 3168 section 6.1.1.1) */
    uint32_t keep_alive_ms; /* not 0: keep-alive for all connections, after so long a silence */
    /* Random bytes that nobody else knows: they key sequence numbers (RFC 6528), ephemeral ports
     * (RFC 6056) and hash tables. */
    uint8_t secret[16];
    /* Called by wirepost_tcp_output() with one whole IP packet, checksums made. The bytes are valid
     * during the call, which must not call into the stack. */
    void (*output)(void *user, const uint8_t *packet, size_t len);
    void *output_user;
};

/* NULL: the reason stands in *error_out, which may be NULL. Takes all its memory here; pages are
 * touched when they are used first. */
struct wirepost_tcp *wirepost_tcp_new(const struct wirepost_tcp_config *config,
                                      enum wirepost_tcp_error *error_out);
/* Frees the stack with all its connections; nothing is sent. */
void wirepost_tcp_free(struct wirepost_tcp *stack);

/*
 * One IP packet as it came, without a link's header. Verifies lengths and checksums; ICMP errors
 * that quote a segment of ours go to its connection (RFC 5927). Fragments are dropped. The bytes
 * are not used after the call. OK, or DROPPED.
 */
enum wirepost_tcp_error wirepost_tcp_input(struct wirepost_tcp *stack, const void *packet,
                                           size_t len, uint64_t now);
/* Gives everything that is due to the output callback. Returns the number of packets. */
size_t wirepost_tcp_output(struct wirepost_tcp *stack, uint64_t now);
/* Lets all timers expire whose time has come. */
void wirepost_tcp_timers(struct wirepost_tcp *stack, uint64_t now);
/* When wirepost_tcp_timers() must be called at the latest; UINT64_MAX: no timer runs. */
uint64_t wirepost_tcp_next_timer(const struct wirepost_tcp *stack);

/* Accepts connections to `port` of any of our addresses from now on. FULL: 64 listeners. */
enum wirepost_tcp_error wirepost_tcp_listen(struct wirepost_tcp *stack, uint16_t port);
/* Ends it. Connections that nobody accepted are reset. */
void wirepost_tcp_unlisten(struct wirepost_tcp *stack, uint16_t port);
/* The next connection that a peer opened to `port`, oldest first; AGAIN when there is none. The
 * caller holds it until wirepost_tcp_close() or wirepost_tcp_abort(). */
enum wirepost_tcp_error wirepost_tcp_accept(struct wirepost_tcp *stack, uint16_t port,
                                            struct wirepost_tcp_conn **conn_out);
/*
 * Opens a connection. `local` is one of our addresses; its port 0 takes an ephemeral one (RFC 6056
 * section 3.3.4). OK: the attempt has begun and the caller holds *conn_out; readiness tells how it
 * ends. What closed is free for another one after the next wirepost_tcp_output().
 */
enum wirepost_tcp_error wirepost_tcp_connect(struct wirepost_tcp *stack,
                                             const struct wirepost_tcp_endpoint *local,
                                             const struct wirepost_tcp_endpoint *remote,
                                             uint64_t now, struct wirepost_tcp_conn **conn_out);

/*
 * Takes up to `len` bytes that arrived in order; `into` NULL drops them. OK with *len_out 0 is the
 * peer's end of data. AGAIN, NOT_CONNECTED, or how the connection ended.
 */
enum wirepost_tcp_error wirepost_tcp_read(struct wirepost_tcp_conn *conn, void *into, size_t len,
                                          size_t *len_out);
/* The first run of unread bytes without taking them: valid until the next call into the stack.
 * *len_out is 0 when there are none. */
const uint8_t *wirepost_tcp_peek(const struct wirepost_tcp_conn *conn, size_t *len_out);
/* Bytes that can be read now. */
size_t wirepost_tcp_unread(const struct wirepost_tcp_conn *conn);
/*
 * Copies up to `len` bytes behind what is to be sent; *len_out, at least 1 with OK, says how many.
 * Possible from wirepost_tcp_connect() on. AGAIN, SHUT_DOWN, or how the connection ended.
 */
enum wirepost_tcp_error wirepost_tcp_write(struct wirepost_tcp_conn *conn, const void *bytes,
                                           size_t len, size_t *len_out);
/* Bytes written that the peer has not acknowledged yet. */
size_t wirepost_tcp_unsent(const struct wirepost_tcp_conn *conn);
/* No more will be written: FIN behind the last byte. Reading goes on. */
enum wirepost_tcp_error wirepost_tcp_shutdown(struct wirepost_tcp_conn *conn);
/*
 * Lets go of the connection; it must not be used any more. What was written is still delivered,
 * then it closes on its own. With unread bytes, or when more come, it is reset instead, so that the
 * peer learns that they were lost (RFC 9293 section 3.6.1, SHLD-3).
 */
void wirepost_tcp_close(struct wirepost_tcp_conn *conn);
/* Resets the connection (RFC 9293 section 3.10.5) and lets go of it. */
void wirepost_tcp_abort(struct wirepost_tcp_conn *conn);

enum wirepost_tcp_option {
    /* 1: what is written leaves at once; 0, for new connections: less than a full segment waits
     * while something is unacknowledged (RFC 9293 section 3.7.4, Nagle) */
    WIREPOST_TCP_NO_DELAY,
    /* 1: a silent peer is asked if it is still there (RFC 9293 section 3.8.4), after
     * keep_alive_ms of the configuration, or two hours */
    WIREPOST_TCP_KEEP_ALIVE,
    /* milliseconds that bytes, or our SYN, may stay unacknowledged before the connection is given
     * up (RFC 5482 section 3.1: held between a second and an hour); 0, for new connections: the
     * repetitions of RFC 9293 section 3.8.3 are counted instead */
    WIREPOST_TCP_USER_TIMEOUT,
};
/* ARGUMENT: no such option. MEMORY: no room for a timeout. */
enum wirepost_tcp_error wirepost_tcp_set(struct wirepost_tcp_conn *conn,
                                         enum wirepost_tcp_option option, uint32_t value);

enum wirepost_tcp_ready {
    WIREPOST_TCP_CONNECTED = 1, /* established, or was */
    WIREPOST_TCP_READABLE = 2,  /* read() has bytes */
    WIREPOST_TCP_WRITABLE = 4,  /* write() takes at least a byte */
    WIREPOST_TCP_END = 8,       /* the peer sent all it will send */
    WIREPOST_TCP_ENDED = 16,    /* the connection is over: error() says how; only close() is left */
};
/* What can be done with the connection now: WIREPOST_TCP_CONNECTED ... */
uint32_t wirepost_tcp_readiness(const struct wirepost_tcp_conn *conn);
/*
 * A connection whose readiness may have changed since it was last returned, or NULL: call until
 * NULL after input and timers. Connections that nobody accepted yet are not among them.
 */
struct wirepost_tcp_conn *wirepost_tcp_news(struct wirepost_tcp *stack);
/* How the connection ended: OK while it stands and after an orderly end. */
enum wirepost_tcp_error wirepost_tcp_error(const struct wirepost_tcp_conn *conn);

/* The caller's pointer; NULL until it is set. */
void wirepost_tcp_set_user(struct wirepost_tcp_conn *conn, void *user);
void *wirepost_tcp_user(const struct wirepost_tcp_conn *conn);
/* Who talks to whom. */
void wirepost_tcp_endpoints(const struct wirepost_tcp_conn *conn,
                            struct wirepost_tcp_endpoint *local_out,
                            struct wirepost_tcp_endpoint *remote_out);
/* The state as RFC 9293 section 3.3.2 names it: "ESTABLISHED", ... */
const char *wirepost_tcp_state(const struct wirepost_tcp_conn *conn);

/* Connections of the stack, those that finish closing on their own included. */
uint32_t wirepost_tcp_connections(const struct wirepost_tcp *stack);
/*
 * The counters by index, from 0 until false: what was sent, received and dropped, each reason to
 * drop a packet on its own. The strings live for ever.
 */
bool wirepost_tcp_counter(const struct wirepost_tcp *stack, uint32_t index, const char **name_out,
                          uint64_t *value_out);

/* Reads "192.0.2.1" or "2001:db8::1". False: it is neither. */
bool wirepost_tcp_endpoint_parse(const char *address, uint16_t port,
                                 struct wirepost_tcp_endpoint *endpoint_out);

#ifdef __cplusplus
}
#endif

#endif
