/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_DIRECTORY_SERVICE_H
#define CONTROL_SERVICE_DIRECTORY_SERVICE_H

#include "control/directory/directory_chain.h"
#include "control/store/store.h"
#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/metric.h"

/*
 * Finds out what workers do not know of an address (SERVICE_DIRECTORY): asks the back ends for its
 * domain, for the address, for it without its detail, and puts what they say into the workers'
 * table for a while, "nobody" too. What cannot be found out is not put there, and the job fails.
 */
struct directory_service;

/* What may change with a configuration. */
struct directory_setting {
    struct directory_chain *chain; /* borrowed until the next and as long as questions hold it */
    uint32_t timeout_ms;           /* for all that one address takes */
    uint32_t found_s, absent_s;    /* how long workers remember */
    uint64_t quota;                /* octets, of accounts without one of their own; 0: none */
};

struct directory_service_options {
    struct handoff *handoff;
    struct directory *table; /* borrowed, like the next */
    struct store *store;
    /* Told of each account that workers may see from now on, before they do. May be NULL. */
    void (*seen)(void *context, uint64_t account);
    void *context;
};

/* NULL with errno. */
struct directory_service *directory_service_start(const struct directory_service_options *options,
                                                  const struct directory_setting *setting);
/* From the next lookup on; those under way begin again. Any control thread. */
void directory_service_set(struct directory_service *service,
                           const struct directory_setting *setting);
/* A back end has changed: workers forget what they know of that address, and of its domain; or,
 * with an empty key, all that is remembered. Once this returns no answer from before is remembered.
 * Any control thread. */
void directory_service_changed(struct directory_service *service, struct span key);
void directory_service_counters(struct directory_service *service, const struct counter_sink *sink);
/* Answers what is in the rings and under way, ends the threads. */
void directory_service_stop(struct directory_service *service);

#endif
