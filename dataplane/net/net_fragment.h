/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_NET_FRAGMENT_H
#define DATAPLANE_NET_NET_FRAGMENT_H

#include "dataplane/net/frame.h"

/*
 * Packets that come in fragments (RFC 791 section 3.2, RFC 8200 section 4.5): one worker's table.
 * The bytes are copied, so no frame outlives its turn. Bounded: FRAGMENT_PACKETS at a time, of
 * which the oldest makes room, each of at most FRAGMENT_PIECES fragments and FRAGMENT_MOST bytes,
 * for at most FRAGMENT_US. Fragments that overlap end the packet, and what comes of it later is
 * dropped (RFC 5722 section 3; here for IPv4 too); an exact repetition is passed over.
 */
enum {
    FRAGMENT_PACKETS = 64,
    FRAGMENT_PIECES = 8,
    FRAGMENT_MOST = 9216, /* a jumbo frame */
    FRAGMENT_HEAD = 128,  /* of the first fragment, for the error that quotes it */
    FRAGMENT_US = 60000000,
};

struct fragment_piece {
    uint16_t start, end;
};

struct fragment_packet {
    struct frame frame; /* of the first fragment that came; source, destination, id count */
    uint64_t since;     /* when; 0: the entry is free */
    uint32_t total;     /* 0: the last one has not come */
    uint32_t got;
    uint32_t head_len; /* 0: the first one has not come */
    uint8_t count;
    uint8_t ecn; /* which of the four values were seen, by bit */
    bool dead;
    struct fragment_piece pieces[FRAGMENT_PIECES];
    uint8_t head[FRAGMENT_HEAD];
    uint8_t bytes[FRAGMENT_MOST];
};

struct fragments {
    uint64_t due;     /* no packet's time is over before this */
    uint64_t evicted; /* packets given up for others */
    uint32_t live;    /* packets in the table */
    struct fragment_packet packets[FRAGMENT_PACKETS];
};

/*
 * Takes a fragment in: `f` as frame_parse() gave it with NET_fragment, `head` the packet from its
 * IP header on as far as it is at hand, `bytes` its l4_len bytes. Returns NET_KEEP or why it was
 * dropped. *whole_out is the packet when it is complete, until fragment_done(), else NULL.
 */
enum net_counter fragment_add(struct fragments *table, const struct frame *f, struct span head,
                              struct span bytes, uint64_t now, struct fragment_packet **whole_out);
void fragment_done(struct fragments *table, struct fragment_packet *packet);
/* A packet whose time is over, and that is free with the next call; NULL: none. */
struct fragment_packet *fragment_expired(struct fragments *table, uint64_t now);
/* When fragment_expired() has something to give, UINT64_MAX for never. */
uint64_t fragment_next_timer(const struct fragments *table);

#endif
