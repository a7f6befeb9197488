/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_CLIENT_H
#define DATAPLANE_BLAST_BLAST_CLIENT_H

#include "dataplane/blast/blast_ledger.h"
#include "dataplane/handoff/turn_time.h"
#include "dataplane/tcp/tcp.h"

/*
 * One worker's share of the load: opens connections when they are due, drives each through its
 * protocol, counts and measures. Sessions are fixed objects from a pool; what a connection needs
 * beyond that are chunks. Messages lie prepared and are sent from where they lie.
 */
enum blast_phase {
    BLAST_PHASE_WAIT, /* for the port's addresses */
    BLAST_PHASE_LOAD,
    BLAST_PHASE_DRAIN,  /* nothing new is begun */
    BLAST_PHASE_VERIFY, /* mailboxes are read back */
    BLAST_PHASE_END,
};

/* What all workers of a run share; `phase` and `begin` are written by whoever runs them. */
struct blast_shared {
    const struct blast_order *order;
    struct blast_ledger *ledger; /* NULL: nothing is read back */
    uint64_t begin;              /* of the load; set before the phase */
    _Atomic uint32_t phase;      /* enum blast_phase */
};

struct blast_client_options {
    struct blast_shared *shared;
    uint32_t index; /* of the worker, below order->workers */
    struct tcp *tcp;
    struct chunk_pool *pool;
    struct blast_tally *tally; /* zeroed; outlives the client */
};

struct blast_client;

/* Sessions that one worker drives through their protocol at a time; those that hold still are no
 * more driven. Of those that log in fewer, since servers let few passwords wait. */
enum { BLAST_CLIENT_OPENING = 1024, BLAST_CLIENT_LOGGING_IN = 64 };
uint32_t blast_client_places(const struct blast_order *order, uint32_t index);

/* NULL: no memory. */
struct blast_client *blast_client_new(const struct blast_client_options *options);
void blast_client_free(struct blast_client *client);
/* One turn, as struct worker_app has it. */
uint32_t blast_client_turn(void *client, struct turn_time time);
uint32_t blast_client_make(void *client, uint64_t now, struct tcp_segment *segments_out,
                           uint32_t max);
uint64_t blast_client_next_timer(const void *client);
uint32_t blast_client_count(const void *client);
/* When all stood that are to hold still, 0: not yet; any thread. */
uint64_t blast_client_stood(const struct blast_client *client);
/* The phase that the worker has brought to its end, and when; any thread. */
enum blast_phase blast_client_finished(const struct blast_client *client, uint64_t *at_out);
/* Sessions a worker has at a time, at most: its share. */
uint32_t blast_client_share(const struct blast_order *order, uint32_t index);

#endif
