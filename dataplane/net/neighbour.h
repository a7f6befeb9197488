/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_NEIGHBOUR_H
#define DATAPLANE_NET_NEIGHBOUR_H

#include "proto/base/ip_address.h"

/*
 * Who has which MAC address on our link: one worker's table, for ARP and neighbour discovery alike
 * (states and times of RFC 4861 sections 7.3 and 10). Bounded: entries, frames waiting on one entry
 * and on all, questions a second. In a full table the oldest question makes room, never a neighbour
 * in use. It sends nothing: neighbour_turn() says what to ask.
 */
struct rte_mbuf;
struct neighbours;

enum {
    NEIGHBOUR_PENDING =
        8, /* frames that wait for one answer; the oldest goes when there are more */
    NEIGHBOUR_PENDING_ALL = 64,
    NEIGHBOUR_TRIES = 3,
    NEIGHBOUR_RETRANS_US = 1000000,
    NEIGHBOUR_REACHABLE_US = 30000000,
    NEIGHBOUR_DELAY_US = 5000000,
    NEIGHBOUR_FAILED_US = 3000000, /* that long nobody is asked again */
    NEIGHBOUR_ASKS = 100,          /* questions a second, all entries together */
};

/* What was heard about an address. Only NEIGHBOUR_ASKED_US makes an entry where there is none. */
enum neighbour_news {
    NEIGHBOUR_ASKED_US,  /* it wants to talk to us: STALE when that changes anything */
    NEIGHBOUR_ANNOUNCED, /* it said so to all: STALE when that changes anything */
    NEIGHBOUR_ANSWERED,  /* it answered our question: REACHABLE */
    NEIGHBOUR_CONFIRMED, /* traffic from it; REACHABLE if that is the MAC address we know, else
                            nothing */
};

/* Frames that an event set free, to be sent (or dropped) by the caller. */
struct neighbour_frames {
    struct rte_mbuf *frames[NEIGHBOUR_PENDING];
    uint32_t count;
};

struct neighbour_ask {
    struct ip_address address;
    uint8_t mac[6]; /* whom to ask, when it is not to all */
    bool unicast;
};

enum neighbour_due {
    NEIGHBOUR_NOTHING,
    NEIGHBOUR_ASK,     /* *ask_out is to be asked */
    NEIGHBOUR_SILENT,  /* nobody answered for ask_out->address: *dropped_out is the caller's */
    NEIGHBOUR_CROWDED, /* a question made room for another: *dropped_out is the caller's */
};

struct neighbours *neighbours_new(uint32_t entries, uint64_t seed);
void neighbours_free(struct neighbours *table);

/* True: *mac_out holds. False: unknown; the question is programmed for neighbour_turn(). Hold the
 * frame with neighbour_hold(). */
bool neighbour_resolve(struct neighbours *table, const struct ip_address *address, uint64_t now,
                       uint8_t mac_out[6]);
/*
 * Takes `frame` until the address is resolved. Returns the frame to drop instead (the oldest, or
 * `frame` itself when there is no entry or no room), or NULL.
 */
struct rte_mbuf *neighbour_hold(struct neighbours *table, const struct ip_address *address,
                                struct rte_mbuf *frame);
/*
 * Takes news in. Frames that waited come out in *ready_out and are to be sent to `mac`. False:
 * there is no such entry and none was made, or no room for one.
 */
bool neighbour_learn(struct neighbours *table, const struct ip_address *address,
                     const uint8_t mac[6], enum neighbour_news news, uint64_t now,
                     struct neighbour_frames *ready_out);
/* The entry's MAC address as it stands, whether fresh or not. */
bool neighbour_find(const struct neighbours *table, const struct ip_address *address,
                    uint8_t mac_out[6]);
/* Due timers, one event a call: call again until NEIGHBOUR_NOTHING. */
enum neighbour_due neighbour_turn(struct neighbours *table, uint64_t now,
                                  struct neighbour_ask *ask_out,
                                  struct neighbour_frames *dropped_out);
/* When neighbour_turn() has something to do, UINT64_MAX for never. */
uint64_t neighbour_next_timer(const struct neighbours *table);
uint32_t neighbour_count(const struct neighbours *table);
/* All waiting frames, for the end. Call until count is 0. */
void neighbour_flush(struct neighbours *table, struct neighbour_frames *dropped_out);

#endif
