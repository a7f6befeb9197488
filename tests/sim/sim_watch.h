/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_WATCH_H
#define TESTS_SIM_SIM_WATCH_H

#include "tests/sim/sim_packet.h"

/*
 * Watches what passes between one endpoint and the link, and remembers it by connection:
 *   what the endpoint sends again are the bytes it sent before, and new bytes follow the last ones;
 *   it acknowledges nothing that has not reached it, sums and all;
 *   what it sends ends within the window that reached it, one octet of a probe or a FIN beyond;
 *   the right edge of its own window never moves back by a unit of its scale or more.
 * One watch an endpoint: a middlebox may give the two sides different numbers.
 */
enum { WATCH_FLOWS = 256, WATCH_STREAM = 1 << 27 };

struct watch_flow {
    uint32_t ports; /* the endpoint's own, then the peer's */
    bool sent_syn, got_syn, sent_fin, got_fin, edged, peer_edged;
    bool sent_scaled, got_scaled;
    uint8_t sent_scale, got_scale;
    uint32_t isn, irs; /* of what is sent, of what is received */
    uint32_t edge, peer_edge;
    uint8_t *sent, *got, *mark; /* by offset from the octet behind the SYN; mark: it has arrived */
    uint32_t sent_len, got_len; /* without a gap */
    uint32_t sent_cap, got_cap;
    uint32_t fin_out, fin_in; /* offsets */
};

struct sim_watch {
    const char *name;
    struct watch_flow *flows[WATCH_FLOWS];
    uint32_t count;
    /* What was violated; the run has failed. */
    void (*fault)(void *user, const char *where, const char *what);
    void *user;
};

void sim_watch_sent(struct sim_watch *w, struct sim_packet *p);
void sim_watch_arrived(struct sim_watch *w, struct sim_packet *p);
/* The connection of the endpoint's with these ports, or NULL: the newest of them. */
const struct watch_flow *sim_watch_find(const struct sim_watch *w, uint16_t own, uint16_t peer);
void sim_watch_fini(struct sim_watch *w);

#endif
