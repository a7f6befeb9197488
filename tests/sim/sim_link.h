/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_LINK_H
#define TESTS_SIM_SIM_LINK_H

#include "tests/sim/sim_packet.h"
#include "tests/sim/sim_random.h"

/*
 * The path between two endpoints: a chain of elements, each of which lets a packet on, holds it for
 * a time, changes it, copies it, drops it. Packets to the engine pass them in order, packets from
 * it in the opposite order. Nothing here knows what time it is: it is told.
 */
enum { SIM_ELEMENTS = 16 };

struct sim_link;

/* First member of each element's own struct. */
struct link_element {
    const char *name;
    /* Takes the packet: forwards, holds or drops it. */
    void (*pass)(struct sim_link *link, struct link_element *element, struct sim_packet *p);
    uint64_t dropped, changed;
};

struct sim_link {
    uint64_t now;
    struct sim_random random;
    struct link_element *elements[SIM_ELEMENTS];
    uint32_t count;
    struct sim_packet **flying; /* a heap by time, then order */
    uint32_t flying_count, flying_cap;
    uint64_t order, delivered[SIM_WAYS];
    /* Takes the packet. */
    void (*deliver)(void *user, struct sim_packet *p);
    void *user;
};

/* Takes a malloc'ed element. */
void sim_link_add(struct sim_link *link, struct link_element *element);
/* Takes a packet that an endpoint sends. */
void sim_link_send(struct sim_link *link, struct sim_packet *p);
/* For elements: on to the next one; on at a time; not at all. */
void sim_link_forward(struct sim_link *link, struct sim_packet *p);
void sim_link_hold(struct sim_link *link, struct sim_packet *p, uint64_t until);
void sim_link_drop(struct sim_link *link, struct link_element *element, struct sim_packet *p);
/* Delivers what is due at `now`. Returns how many packets moved. */
uint32_t sim_link_run(struct sim_link *link, uint64_t now);
/* When the next packet moves, UINT64_MAX for never. */
uint64_t sim_link_next(const struct sim_link *link);
/* Drops what is under way and frees the elements. */
void sim_link_fini(struct sim_link *link);

/* The elements. Rates are of a million packets; times are microseconds. */
struct link_element *link_delay_new(uint64_t delay);
/* Bits a second, and bytes that wait at most; what comes beyond is dropped. 0: no limit. */
struct link_element *link_rate_new(uint64_t rate, uint32_t queue);
struct link_element *link_loss_new(uint32_t ppm);
/* Gilbert-Elliott: so often from good to bad, from bad to good; loss in each. */
struct link_element *link_burst_new(uint32_t to_bad, uint32_t to_good, uint32_t loss_good,
                                    uint32_t loss_bad);
struct link_element *link_duplicate_new(uint32_t ppm, uint64_t spread);
/* Holds some back by up to `spread`. */
struct link_element *link_reorder_new(uint32_t ppm, uint64_t spread);
/* Up to three neighbouring bits of the IP packet flip: less than the checksum overlooks. */
struct link_element *link_corrupt_new(uint32_t ppm);
/* Larger IP packets are dropped; with `tell` their sender hears of it (RFC 1191, RFC 8201). */
struct link_element *link_mtu_new(uint32_t mtu, bool tell);
/* For `shut` in each `period`, at most all of it, a receiver's window does not open any further. */
struct link_element *link_window_new(uint64_t period, uint64_t shut);
/* Cuts segments in two, anywhere. */
struct link_element *link_cut_new(uint32_t ppm);
/* The client's timestamps jump by so many milliseconds at most, each period. */
struct link_element *link_clock_new(uint64_t period, uint32_t ahead, uint32_t behind);
/* Marks packets whose endpoints speak ECN (RFC 3168 section 5). */
struct link_element *link_mark_new(uint32_t ppm);
/* What goes to the engine comes in fragments of `mtu` bytes at most. */
struct link_element *link_fragment_new(uint32_t mtu);
/* Options of these kinds (a bit each) become NOPs, in both directions. */
struct link_element *link_strip_new(uint32_t kinds);
/* Adds a constant to the sequence numbers of each direction, in header, SACK blocks and quotations.
 */
struct link_element *link_rewrite_new(uint32_t in, uint32_t out);

#endif
