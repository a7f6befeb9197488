/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_SENDER_SERVICE_H
#define CONTROL_SERVICE_SENDER_SERVICE_H

#include "control/config/config.h"
#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/metric.h"

/*
 * What DNS says of who sends (SERVICE_SENDER): JOB_SPF. No thread waits for an answer; so many
 * checks are under way as the configuration says, and others fail at once. Answers come from the
 * resolver's thread.
 */
struct sender_service;

struct sender_service_options {
    struct handoff *handoff;
    uint64_t (*now_s)(void); /* seconds since 1970; NULL: the wall clock */
};

/* Sets *service to what the configuration has, or starts it: its threads inherit the caller's CPUs
 * and block all signals. False: a line in `why`, and all is as it was. Any control thread, one at a
 * time. */
bool sender_service_apply(struct sender_service **service,
                          const struct sender_service_options *options, const struct config *config,
                          struct writer *why);
/* Any thread. */
void sender_service_counters(struct sender_service *service, const struct counter_sink *sink);
/* Answers what is in the rings and under way, ends the threads. */
void sender_service_stop(struct sender_service *service);

#endif
