/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_ACCOUNT_SERVICE_H
#define CONTROL_SERVICE_ACCOUNT_SERVICE_H

#include "control/directory/directory_chain.h"
#include "control/service/account_judge.h"
#include "control/service/ban_list.h"
#include "control/service/login_guard.h"
#include "dataplane/handoff/handoff.h"

/*
 * Judges passwords (SERVICE_ACCOUNT). The directory's back ends say who somebody is and what is
 * known of the password; hashing takes milliseconds by intent, and is done here by a pool of
 * threads. JOB_ACCOUNT_LOGIN and JOB_ACCOUNT_PROOF are answered JOB_OK with the account,
 * JOB_REFUSED with a reason and the time for which that answer is to be held back (login_guard.h),
 * or JOB_FAILED when a back end cannot say. Logins of one client address are judged one after the
 * other in the order of their coming, at most LOGIN_GUARD_PENDING waiting at a time; those of
 * different ones side by side. A name that nobody has costs a hash too, so that time does not tell
 * who exists. After a right login by password a back end that asked for it gets a new hash, and
 * keys of SCRAM.
 */
struct account_service;

/* What may change with a configuration. */
struct account_setting {
    struct directory_chain *chain; /* borrowed until the next account_service_set() and as long as
                                      questions hold it */
    const struct account_fakes *fakes; /* copied */
    uint32_t timeout_ms;               /* for a back end's answer */
};

struct account_service_options {
    struct handoff *handoff;
    struct login_guard *guard; /* borrowed; of all ways to log in */
    uint32_t threads;          /* that hash */
    const char *method;        /* of new hashes, as password_make() has it; static */
    /* The id in the store of an account that a back end has found, made when there is none; 0:
     * failed. From several threads at once; may block. Not called where the back end knows it. */
    uint64_t (*account_id)(void *context, const struct directory_member *member);
    void *context;
    struct ban_list *bans; /* told of wrong passwords; borrowed; NULL: nobody is */
};

/* The threads inherit the caller's CPUs and block all signals. NULL with errno. */
struct account_service *account_service_start(const struct account_service_options *options,
                                              const struct account_setting *setting);
/* For logins that come from now on. Any control thread. */
void account_service_set(struct account_service *service, const struct account_setting *setting);
/* Answers what is in the rings and what is being judged, ends the threads. */
void account_service_stop(struct account_service *service);

#endif
