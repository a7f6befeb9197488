/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_READ_SERVICE_H
#define CONTROL_SERVICE_READ_SERVICE_H

#include "control/store/store.h"
#include "dataplane/handoff/handoff.h"

/* Answers the jobs of SERVICE_READ: opens and closes mailboxes, reads message bytes, takes pins
 * back. Over a near store (store_near.h) workers read bytes that are not converted themselves. */
struct read_service;

/* NULL: no thread or no memory. The store stays the caller's. Before workers start. */
struct read_service *read_service_start(struct handoff *h, struct store *store);
/* Answers what was asked before, then ends the thread. */
void read_service_stop(struct read_service *service);

#endif
