/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_AUTH_DKIM_RUN_H
#define CONTROL_AUTH_DKIM_RUN_H

#include <stdatomic.h>

#include "control/dns/dns_source.h"
#include "proto/dkim/dkim_set.h"

/* The keys of a message's signatures, asked for all at once: no thread waits for the answers. */

struct dkim_run;

/* All questions are answered, or their time is over: what is left is dkim_set_judge(). The memory
 * is the owner's again. */
typedef void dkim_run_done(void *context, struct dkim_run *run);

struct dkim_run_question {
    struct dkim_run *run;
    uint32_t check;
};

struct dkim_run {
    struct dkim_set *set;
    dkim_run_done *done;
    void *context;
    _Atomic uint32_t open; /* questions, and the asker */
    struct dkim_run_question questions[DKIM_CHECKS_MAX];
};

/*
 * Asks for the keys of a set that was read. Borrows it, and the memory of the run, until `done` is
 * called: once, from this call or from a thread of the source, at the latest shortly after
 * `deadline` (monotonic nanoseconds).
 */
void dkim_run_start(struct dkim_run *run, struct dkim_set *set, const struct dns_source *source,
                    uint64_t deadline, dkim_run_done *done, void *context);

#endif
