/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_TCP_TCP_LINK_H
#define TESTS_TCP_TCP_LINK_H

#include "dataplane/tcp/tcp.h"

/*
 * Two endpoints and a link between them, in one thread, on a virtual clock, from one seed. The link
 * loses, repeats, reorders and delays. Whatever a connection says is checked as it passes (see
 * tcp_link.c): a violation counts in `faults`, and the first one is printed.
 */
enum { TCP_LINK_CLIENT, TCP_LINK_SERVER, TCP_LINK_ENDS };
enum { TCP_LINK_PORT = 25, TCP_LINK_CLIENT_PORT = 40000, TCP_LINK_LOG = 64 };

struct tcp_link_options {
    uint64_t seed;
    uint64_t start;     /* of the clock, microseconds; 0: one second */
    uint32_t delay_us;  /* one way */
    uint32_t jitter_us; /* added at random: reorders */
    uint32_t loss;      /* of 1000 packets */
    uint64_t rate;      /* bits a second each way, Ethernet's overhead not counted; 0: no limit */
    uint32_t queue;     /* bytes that wait before it at most */
    uint32_t mark;      /* bytes that wait from which on ECN-capable packets are marked; 0: never */
    uint32_t duplicate; /* of 1000 packets */
    uint32_t merge;     /* of 1000 super-segments, delivered whole in pieces */
    bool v6;
    struct tcp_options tcp;         /* of both ends; zeros mean the defaults in tcp_link_new() */
    uint32_t chunks[CHUNK_CLASSES]; /* of each end's pool */
};

struct tcp_link_packet; /* on its way */
struct tcp_link;

struct tcp_link_end {
    struct tcp *tcp;
    struct chunk_pool *pool;
    struct ip_address address;
    /* Called for each connection that is ready; NULL ignores them. */
    void (*app)(struct tcp_link *link, int end, struct tcp_conn *conn);
    /* Called each turn instead: takes what is ready itself, and sets `wake`. */
    void (*turn)(struct tcp_link *link, int end);
    void *user;
    /* The application wants to be called for `wake_conn` at this time, without news; 0: no. */
    uint64_t wake;
    struct tcp_conn *wake_conn;
    /* What the tracked connection has shown, by this end as sender. */
    uint32_t isn, edge, fin_seq;
    uint32_t peer_edge; /* highest right edge that reached this end */
    uint8_t scale;
    bool isn_known, fin_sent;
    uint8_t *got; /* which bytes sent by this end have reached the other */
    uint32_t got_size, got_prefix;
    uint64_t busy;      /* until when its direction of the link is; nanoseconds */
    uint32_t overflows; /* packets that the queue before it had no room for */
    uint32_t sent, sent_bytes, rsts, syns, fins, pure_acks;
    struct tcp_segment last;
    struct tcp_segment log[TCP_LINK_LOG]; /* the last ones, by number modulo */
};

struct tcp_link {
    struct tcp_link_options options;
    uint64_t now;
    uint64_t random;
    uint64_t order;
    struct tcp_link_end ends[TCP_LINK_ENDS];
    struct tcp_link_packet **flying; /* a heap by time */
    uint32_t flying_count, flying_cap;
    bool cut[TCP_LINK_ENDS]; /* nothing that this end sends arrives */
    bool track;              /* one connection, checked byte by byte */
    uint32_t faults;
};

struct tcp_link *tcp_link_new(const struct tcp_link_options *options);
/* Frees all; counts a fault for each chunk that is still out. */
uint32_t tcp_link_free(struct tcp_link *link);
/* Opens the connection that is tracked: the client's block. */
struct tcp_conn *tcp_link_connect(struct tcp_link *link, uint16_t local_port);
/* Runs until nothing is under way and no timer is due, or the clock reaches `until`. Returns the
 * clock. */
uint64_t tcp_link_run(struct tcp_link *link, uint64_t until);
/* Hands `end` a segment made by hand, in a turn of its own, as if from the other end's connection,
 * or from segment->source if that is set. */
void tcp_link_inject(struct tcp_link *link, int end, uint16_t from_port,
                     const struct tcp_segment *segment, struct span payload);
uint64_t tcp_link_random(struct tcp_link *link);

/* The bytes that flow: those at `offset` of any stream, at most `len`, contiguous. Static. */
struct span tcp_link_bytes(uint32_t offset, uint32_t len);

#endif
