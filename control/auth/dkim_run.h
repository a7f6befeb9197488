/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_AUTH_DKIM_RUN_H
#define CONTROL_AUTH_DKIM_RUN_H

#include <stdatomic.h>

#include "control/dns/dns_source.h"
#include "proto/arc/arc_chain.h"
#include "proto/dkim/dkim_set.h"

/* The keys of a message's signatures, or of a chain of ARC, asked for all at once: no thread waits
 * for the answers. */

struct dkim_run;

/* All questions are answered, or their time is over: what is left is to judge. The memory is the
 * owner's again. */
typedef void dkim_run_done(void *context, struct dkim_run *run);

enum { DKIM_RUN_MAX = ARC_CHECKS_MAX }; /* questions of a run */
_Static_assert((int)DKIM_CHECKS_MAX <= (int)DKIM_RUN_MAX, "all signatures of a message fit");

struct dkim_run_question {
    struct dkim_run *run;
    const struct dns_question *question;
    uint32_t check;
};

struct dkim_run {
    void (*answer)(void *asked, uint32_t check, const struct dns_answer *answer);
    void *asked; /* the set or the chain */
    dkim_run_done *done;
    void *context;
    _Atomic uint32_t open; /* questions, and the asker */
    uint32_t count;
    struct dkim_run_question questions[DKIM_RUN_MAX];
};

/*
 * Asks for the keys of a set that was read. Borrows it, and the memory of the run, until `done` is
 * called: once, from this call or from a thread of the source, at the latest shortly after
 * `deadline` (monotonic nanoseconds).
 */
void dkim_run_start(struct dkim_run *run, struct dkim_set *set, const struct dns_source *source,
                    uint64_t deadline, dkim_run_done *done, void *context);
/* The same for the keys of a chain. */
void dkim_run_start_chain(struct dkim_run *run, struct arc_chain *chain,
                          const struct dns_source *source, uint64_t deadline, dkim_run_done *done,
                          void *context);

#endif
