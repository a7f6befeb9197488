/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_HOST_H
#define TESTS_SIM_SIM_HOST_H

#include "dataplane/tcp/tcp.h"
#include "tests/sim/sim_packet.h"

/*
 * An endpoint that is not a worker: the project's TCP with the thinnest IP below it. It reads whole
 * frames, checks what an IP stack has to check, and sends whole frames. Neighbours do not exist
 * here: the link's router knows them.
 */
struct sim_host_options {
    struct tcp_options tcp;
    uint32_t chunks[CHUNK_CLASSES];
    int way; /* in which its packets leave */
    /* Takes the packet. */
    void (*send)(void *user, struct sim_packet *p);
    /* A connection has news. */
    void (*news)(void *user, struct tcp_conn *conn);
    void *user;
};

struct sim_host {
    struct sim_host_options options;
    struct tcp *tcp;
    struct chunk_pool *pool;
    struct sim_packet **held; /* this turn's: payload lies in them until the end of it */
    uint32_t held_count, held_cap;
    uint64_t bad_frames, bad_sums, errors;
};

void sim_host_init(struct sim_host *h, const struct sim_host_options *options);
/* All connections have ended. Returns how many chunks are still out. */
uint32_t sim_host_fini(struct sim_host *h);
/* Takes a packet that arrives, for the next turn. */
void sim_host_input(struct sim_host *h, struct sim_packet *p);
/* One turn: segments, news, timers, segments. Returns how much moved. */
uint32_t sim_host_turn(struct sim_host *h, uint64_t now);
uint64_t sim_host_next(const struct sim_host *h);

#endif
