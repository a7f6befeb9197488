/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_BAN_LIST_H
#define CONTROL_SERVICE_BAN_LIST_H

#include "dataplane/handoff/ban_table.h"
#include "dataplane/handoff/limits.h"
#include "dataplane/handoff/metric.h"

/*
 * Who is banned, and why: addresses (IPv6: their /64) from which too many wrong passwords came, and
 * networks that an operator named. Workers look into a table (ban_table.h) that this keeps. A ban
 * of the same address is twice as long as the one before, up to a bound; how many there were is
 * forgotten once the longest ban's time has passed without one. Networks that are trusted are not
 * banned for passwords, and workers let their clients in whatever an operator bans.
 *
 * Memory: BAN_LIST_MAX entries. Where all are taken, one whose ban is over gives way, else the one
 * for passwords that ends first. Any thread. Times are monotonic milliseconds.
 */
struct ban_list;

enum { BAN_LIST_MAX = 16384 };

/* From the configuration. */
struct ban_limits {
    uint32_t failures; /* wrong passwords within the window; 0: nobody is banned for them */
    uint32_t window_ms;
    uint64_t time_ms, time_max_ms; /* of the first ban, of the longest */
    uint32_t network_count;
    struct limit_network trusted[LIMIT_NETWORKS];
};

struct ban {
    struct ip_address network;
    uint8_t bits;                /* of 128 */
    bool by_hand;                /* named by one, rather than for wrong passwords */
    uint32_t times;              /* bans there were, this one with them */
    uint64_t since_ms, until_ms; /* the latter BAN_FOR_EVER or when it ends */
};

struct window_table;

/* Both tables are borrowed. NULL: no memory. */
struct ban_list *ban_list_new(struct ban_table *table, struct window_table *windows);
void ban_list_free(struct ban_list *list);
void ban_list_limit(struct ban_list *list, const struct ban_limits *limits);
/* Calls `begun` behind each ban that begins, on the thread that it came from; before the first. */
void ban_list_watch(struct ban_list *list, void (*begun)(void *context), void *context);
/* A wrong password came from there. True: and one too many, it is banned from now on, and the log
 * says so. */
bool ban_list_failure(struct ban_list *list, const struct ip_address *client, uint64_t now_ms);

/* Whether connections from there are refused. Any thread. */
bool ban_list_has(struct ban_list *list, const struct ip_address *client, uint64_t now_ms);

enum ban_status {
    BAN_DONE,
    BAN_NONE,    /* there is no such ban */
    BAN_TRUSTED, /* lies in a network that is trusted */
    BAN_FULL,    /* no room */
};

/* Bans for so long, or BAN_FOR_EVER; what was there of it is replaced. */
enum ban_status ban_list_add(struct ban_list *list, const struct ip_address *network, uint8_t bits,
                             uint64_t for_ms, uint64_t now_ms);
/* Also forgets how often it was banned. */
enum ban_status ban_list_remove(struct ban_list *list, const struct ip_address *network,
                                uint8_t bits);
/* All of them. Returns how many were banned. */
uint32_t ban_list_clear(struct ban_list *list, uint64_t now_ms);
/* Calls for each that is banned, in no order; not to call back. */
void ban_list_walk(struct ban_list *list, uint64_t now_ms,
                   void (*visit)(void *context, const struct ban *ban), void *context);

/* ---- over a restart ---- */

/* Puts back a ban that was kept, or what is remembered of one that is over, before the first look.
 * False: no room. */
bool ban_list_restore(struct ban_list *list, const struct ban *ban, uint64_t now_ms);
/* Fills at most `max` that have begun since they were asked for last. Returns how many. */
uint32_t ban_list_changed(struct ban_list *list, struct ban *bans_out, uint32_t max);
/* That one is, or could not be kept. */
void ban_list_set_kept(struct ban_list *list, const struct ban *ban, bool kept);
/* False: there is none. */
bool ban_list_find(struct ban_list *list, const struct ip_address *network, uint8_t bits,
                   struct ban *ban_out);
/* Whether a ban of that network is remembered, in force or for as long as the next one would be
 * longer for it. */
bool ban_list_remembers(struct ban_list *list, const struct ip_address *network, uint8_t bits,
                        uint64_t now_ms);

/* metrics_named.def says what. */
void ban_list_counters(struct ban_list *list, uint64_t now_ms, const struct counter_sink *sink);

#endif
