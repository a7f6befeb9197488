/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_TCP_TCP_RAW_H
#define TESTS_TCP_TCP_RAW_H

#include "dataplane/tcp/tcp_option.h"
#include "tests/tcp/tcp_link.h"

/*
 * A peer of the link's server that is driven segment by segment. Nothing the server sends reaches
 * the link's other end; the last segment is in link->ends[TCP_LINK_SERVER].last. The server's
 * session only remembers.
 */
struct tcp_raw {
    struct tcp_link *link;
    struct tcp_link_end *server;
    struct tcp_conn *conn;    /* the server's */
    uint32_t events;          /* all so far */
    uint32_t seq, ack;        /* of the next segment */
    uint32_t ts;              /* timestamp; 0: none */
    struct ip_address source; /* zeros: the link's other end */
    uint32_t ts_echo;
    bool sack;                                     /* a SYN offers SACK */
    struct tcp_sack_block blocks[TCP_SACK_BLOCKS]; /* of the next segment, which takes them */
    uint8_t block_count;
    uint8_t ecn; /* of the IP header of each segment */
    uint16_t port;
    uint16_t window;
    bool read;  /* the session reads all at once */
    bool close; /* ... and shuts down at the end of the stream */
    uint32_t bytes_read;
    bool wrong; /* something read was not the pattern */
};

enum { TCP_RAW_ISN = 1000 };

void tcp_raw_init(struct tcp_raw *r, struct tcp_link_options *options);
/* Frees the link after aborting what stands; returns its faults. */
uint32_t tcp_raw_fini(struct tcp_raw *r);
/* One segment with the state's numbers; options only on SYN (MSS 1460, scale 2) and the timestamp.
 * Returns how many came back. */
uint32_t tcp_raw_send(struct tcp_raw *r, uint8_t flags, struct span payload);
/* Likewise at another sequence number. */
uint32_t tcp_raw_send_at(struct tcp_raw *r, uint32_t seq, uint8_t flags, struct span payload);
/* SYN, SYN-ACK, ACK; then seq is TCP_RAW_ISN + 1. */
void tcp_raw_open(struct tcp_raw *r);
/* The server's session sends the stream's bytes from `offset` on. */
void tcp_raw_put(struct tcp_raw *r, uint32_t offset, uint32_t len);
/* A block of the next segment, for the stream's bytes [start, end) behind r->ack. */
void tcp_raw_block(struct tcp_raw *r, uint32_t start, uint32_t end);
/* The segment that the server sent `back` segments before its last one, up to 63. */
const struct tcp_segment *tcp_raw_sent(const struct tcp_raw *r, uint32_t back);
/* Moves the clock. */
void tcp_raw_wait(struct tcp_raw *r, uint64_t microseconds);

#endif
