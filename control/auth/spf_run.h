/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_AUTH_SPF_RUN_H
#define CONTROL_AUTH_SPF_RUN_H

#include <stdatomic.h>

#include "control/dns/dns_source.h"
#include "proto/spf/spf_check.h"

/* A check of SPF with its questions asked: no thread waits for the answers. */

struct spf_run;

/* The check is done: `run->check` has the result. The memory is the owner's again. */
typedef void spf_run_done(void *context, struct spf_run *run);

struct spf_run {
    struct spf_check check;
    struct dns_source source;
    uint64_t deadline; /* monotonic nanoseconds */
    spf_run_done *done;
    void *context;
    _Atomic bool turn; /* the first of two has come: the answer, and the asker's return */
};

/*
 * Starts a check in memory of the caller's, which stays until `done` is called: once, from this
 * call or from a thread of the source, at the latest shortly after `limit_ns`. `query` and what it
 * borrows, and `tell` with the same context (NULL: nothing is told), are used until then.
 */
void spf_run_start(struct spf_run *run, const struct spf_query *query,
                   const struct dns_source *source, uint64_t limit_ns, spf_tell *tell,
                   spf_run_done *done, void *context);

#endif
