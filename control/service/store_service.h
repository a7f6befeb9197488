/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_STORE_SERVICE_H
#define CONTROL_SERVICE_STORE_SERVICE_H

#include "control/store/store.h"
#include "dataplane/handoff/handoff.h"

/*
 * The commit thread: answers the jobs of SERVICE_STORE. What waits is taken at once; rows of bodies
 * are written, all commits, deletions and discards go into one batch with one sync. While that
 * lasts the next batch gathers by itself. Over a near store (store_near.h) workers write and commit
 * themselves, and this thread does what is left.
 */
struct store_service;

struct store_service_stats {
    uint64_t commits;      /* messages committed */
    uint64_t refused;      /* messages that were not */
    uint64_t deletions;    /* mailbox deletions */
    uint64_t rows;         /* rows written ahead of their commit */
    uint64_t batches;      /* of the commit thread, synced; the rest tells of these alone */
    uint64_t largest;      /* most changes in one */
    uint64_t apply_ns_min; /* of a batch, from taking it up to durable */
    uint64_t apply_ns_avg;
    uint64_t apply_ns_max;
    uint64_t
        apply_ns_p99; /* upper edge of its class; classes are a quarter of a power of two wide */
};

/* Whether all accounts that the message is for are still to get mail. */
typedef bool store_service_serves(void *context, const struct message *message);
/* Finds the mailboxes of those deliveries that do not go to the inbox: message->delivery[].folder.
 */
typedef void store_service_place(struct store *store, struct message *message);

struct store_service_options {
    struct handoff *handoff;
    struct store *store;
    store_service_serves *serves;      /* asked on the commit thread */
    store_service_serves *serves_near; /* the same on workers (RCU), without a lock */
    void *context;                     /* of both */
    store_service_place *place; /* asked on the commit thread; NULL: all goes to inboxes */
};

/* NULL: no thread or no memory. Borrows all; a commit that `serves` says no to is answered
 * JOB_GONE. Before workers start. */
struct store_service *store_service_start(const struct store_service_options *options);
/* Answers what was asked before, then ends the thread. */
void store_service_stop(struct store_service *service);
/* From any thread. */
void store_service_stats(const struct store_service *service,
                         struct store_service_stats *stats_out);
/* What the store's answer means to a worker. */
enum job_status store_service_job_status(enum store_status status);

#endif
