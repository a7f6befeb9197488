/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_GREYLIST_SERVICE_H
#define CONTROL_SERVICE_GREYLIST_SERVICE_H

#include "control/config/config.h"
#include "control/store/store_greylist.h"
#include "dataplane/handoff/handoff.h"

/*
 * The thread that knows who has been here before (SERVICE_GREYLIST): a sender that is new to a
 * recipient, from a network, is to come again. What it knows lies in the store; answers are given
 * before it is written. docs/defence.md.
 */
struct greylist_service;

struct greylist_counters {
    uint64_t deferred, passed, known; /* answers: wait; came again in time; knew it already */
    uint64_t errors;                  /* of the store; the mail was let in */
    uint64_t swept;                   /* rows that expired */
};

struct greylist_service_options {
    struct handoff *handoff;
    struct store *store;
    struct known_table *known; /* told what workers need not ask again; borrowed, like the next */
    struct window_table *names;
    uint64_t (*now_ms)(void); /* wall clock; NULL: the system's */
};

/* NULL: no thread or no memory. */
struct greylist_service *greylist_service_start(const struct greylist_service_options *options,
                                                const struct config_greylist *config);
/* Answers what was asked before, then ends the thread. */
void greylist_service_stop(struct greylist_service *service);
/* From the next answer on. Any thread. */
void greylist_service_set(struct greylist_service *service, const struct config_greylist *config);
struct greylist_counters greylist_service_counters(const struct greylist_service *service);
/* Forgets a network (its 18 bytes as a key, and all triples of it), or with an empty key
 * everything. Any thread; returns how many rows went. */
enum store_status greylist_service_forget(struct greylist_service *service, struct span network,
                                          uint64_t *count_out);

/* Forgets the triples that name an address (its key, the local part folded) as sender or recipient,
 * also with a detail behind `separator` (0: there are none). Any thread. */
enum store_status greylist_service_forget_address(struct greylist_service *service,
                                                  struct span address, char separator,
                                                  uint64_t *count_out);

/* What becomes of a triple; for the service and its tests. JOB_OK: let in, JOB_REFUSED: wait. */
enum job_status greylist_service_judge(struct greylist_service *service, struct span triple);
/* Removes expired rows, at most `limit` are looked at; goes on where it was. True when it was at
 * the end. Any thread. */
bool greylist_service_sweep(struct greylist_service *service, uint32_t limit);

#endif
