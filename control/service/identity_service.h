/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_IDENTITY_SERVICE_H
#define CONTROL_SERVICE_IDENTITY_SERVICE_H

#include "control/directory/directory_chain.h"
#include "control/oauth/oauth.h"
#include "control/service/ban_list.h"
#include "control/service/login_guard.h"
#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/metric.h"

/*
 * Logins without a password (SERVICE_IDENTITY): JOB_ACCOUNT_IDENTITY is answered JOB_OK with the
 * account, JOB_REFUSED with a reason and the time for which that answer is to be held back
 * (login_guard.h), or JOB_FAILED when an identity provider or a back end of the directory cannot
 * say now. Tokens that need nothing but keys that are there are judged at once; a pool of threads
 * waits for providers, so that one that is slow holds up its own clients alone.
 */
struct identity_service;

/* What may change with a configuration. */
struct identity_setting {
    struct directory_chain *chain; /* borrowed until the next identity_service_set() and as long as
                                      questions hold it */
    struct oauth *oauth;           /* taken */
    uint32_t timeout_ms;           /* for a back end's answer */
    uint32_t wait_ms;              /* in the queue for a provider */
};

struct identity_service_options {
    struct handoff *handoff;
    struct login_guard *guard; /* borrowed; of all ways to log in */
    uint32_t threads;          /* that wait for providers */
    /* As in struct account_service_options. */
    uint64_t (*account_id)(void *context, const struct directory_member *member);
    void *context;
    struct ban_list *bans; /* told of what was refused; borrowed; NULL: nobody is */
};

/* The threads inherit the caller's CPUs and block all signals. NULL with errno, and nothing is
 * taken. */
struct identity_service *identity_service_start(const struct identity_service_options *options,
                                                const struct identity_setting *setting);
/* Sets *service to what the configuration has, or starts it; takes *oauth. False: a line in `why`,
 * and nothing was taken. */
bool identity_service_apply(struct identity_service **service,
                            const struct identity_service_options *options,
                            const struct config *config, struct directory_chain *chain,
                            struct oauth **oauth, struct writer *why);
/* For logins that come from now on. Any control thread. */
void identity_service_set(struct identity_service *service, const struct identity_setting *setting);
/* The same for the chain alone, before the old one is retired. */
void identity_service_set_chain(struct identity_service *service, struct directory_chain *chain);
/* Any thread. */
void identity_service_counters(struct identity_service *service, const struct counter_sink *sink);
/* Answers what is in the rings and what is being judged, ends the threads. */
void identity_service_stop(struct identity_service *service);

#endif
