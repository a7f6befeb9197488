/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_ENGINE_H
#define TESTS_SIM_SIM_ENGINE_H

#include "dataplane/tcp/tcp.h"
#include "tests/session/session_world.h"
#include "tests/sim/sim_inside.h"
#include "tests/sim/sim_random.h"

/*
 * The engine in one thread: worker_turn() of one or more workers with the sessions on top, on a
 * port whose queues are rings that are filled and emptied here; control as the sessions' tests
 * model it; and the first router, which answers for all neighbours and loses nothing.
 */
enum { SIM_WORKERS = 4 };

struct sim_engine_options {
    uint32_t workers;
    struct tcp_options tcp; /* MSS filled in from the port */
    uint32_t chunks[CHUNK_CLASSES];
    uint16_t burst;
    uint32_t scatter; /* received frames come in pieces of so many bytes; 0: whole */
    bool offloads;    /* the port sums, cuts what it sends, joins what it receives */
    bool unwatched;   /* what the engine sends and holds is not checked */
    /* Takes a packet for the link. */
    void (*send)(void *user, struct sim_packet *p);
    void *user;
    /* What the engine does wrong is said here. */
    void (*fault)(void *user, const char *where, const char *what);
};

struct sim_engine;

/* DPDK's environment without hugepages, devices or files, and the port. Once a process. */
void sim_engine_environment(void);
struct sim_engine *sim_engine_new(const struct sim_engine_options *options,
                                  struct sim_random *random, uint64_t now);
/* Everything has ended: what was not given back is a fault. */
void sim_engine_free(struct sim_engine *e);
/* Takes a packet from the link. */
void sim_engine_input(struct sim_engine *e, struct sim_packet *p);
/* A turn of every worker, and what the router has to do. Returns how much moved. */
uint32_t sim_engine_turn(struct sim_engine *e, uint64_t now);
/* Control's part. Returns how much moved. */
uint32_t sim_engine_control(struct sim_engine *e);
/* Something waits for control. */
bool sim_engine_asks(const struct sim_engine *e);
uint64_t sim_engine_next(const struct sim_engine *e);
/* Connections and sessions that stand. */
uint32_t sim_engine_standing(const struct sim_engine *e);
struct world *sim_engine_world(struct sim_engine *e);
const struct sim_watch *sim_engine_watch(const struct sim_engine *e);
struct ip_address sim_engine_address(bool v4);
/* One counter of all workers' TCP, for what a run prints. */
uint64_t sim_engine_retransmitted(const struct sim_engine *e);

#endif
