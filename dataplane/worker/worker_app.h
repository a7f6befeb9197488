/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_WORKER_APP_H
#define DATAPLANE_WORKER_WORKER_APP_H

#include "dataplane/handoff/turn_time.h"
#include "dataplane/session/sessions.h"

/*
 * What a worker does with its connections: the sessions of `run`, the clients of `blast`, the
 * sessions of `sink`. Called once a turn, not once a packet.
 */
struct worker_app {
    void *self;
    /* One turn: takes what TCP reports ready, then what is due. Between tcp_receive() of the burst
     * and tcp_settle(). Returns how many things it did; 0 means idle. */
    uint32_t (*turn)(void *self, struct turn_time time);
    /* The earliest time that it must be called again, UINT64_MAX for never. */
    uint64_t (*next_timer)(const void *self);
    /* Segments from addresses that are claimed (struct net_options), up to `max`, once a turn
     * behind those of TCP; NULL: none ever. */
    uint32_t (*make)(void *self, uint64_t now, struct tcp_segment *segments_out, uint32_t max);
    /* Sessions at the moment. */
    uint32_t (*count)(const void *self);
};

struct worker_app worker_app_sessions(struct sessions *sessions);

#endif
