/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_KEEPER_SERVICE_H
#define CONTROL_SERVICE_KEEPER_SERVICE_H

#include "control/service/policy.h"
#include "control/store/store_audit.h"

/*
 * The thread that keeps the store as its options say: deletes what quarantines have held for long
 * enough, removes old rows of the audit log and expired ones of greylisting, finishes erasures that
 * a crash or a long one left, and tells each new row of the audit log. All of it in steps of
 * bounded size, and between them whoever else changes the store has his turn.
 */
struct keeper_service;

struct keeper_options {
    struct store *store;   /* borrowed, like the next */
    struct policy *policy; /* asked before each round */
    /* Takes a row of the audit log, in their order, on the keeper's thread. A crash may lose the
     * last ones, which are in the log all the same. */
    store_audit_visit *tell;
    void *context;
    uint64_t period_ms; /* longest wait between two rounds; 0: ten minutes */
};

/* NULL: no thread or no memory. */
struct keeper_service *keeper_service_start(const struct keeper_options *options);
/* What was collected since the start, from any thread. */
struct keeper_stats {
    uint64_t tombstones, bodies;
    uint64_t held_us; /* longest time that changes were held back for it */
};
struct keeper_stats keeper_service_stats(const struct keeper_service *keeper);
/* Begins a round at once, after a change that it is to tell. Any thread. */
void keeper_service_wake(struct keeper_service *keeper);
void keeper_service_stop(struct keeper_service *keeper);

#endif
