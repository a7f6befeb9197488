/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/auth/spf_run.h"

#include "control/base/clock.h"

static void go(struct spf_run *run);

static void take(void *asker, const struct dns_answer *answer)
{
    struct spf_run *run = asker;

    if (clock_monotonic_ns() >= run->deadline)
        spf_check_expire(&run->check);
    else
        spf_check_answer(&run->check, answer);
    /* When the asker is not back yet, it goes on: so answers that come at once need no stack. */
    if (atomic_exchange(&run->turn, true))
        go(run);
}

static void go(struct spf_run *run)
{
    while (spf_check_next(&run->check) == SPF_ASK) {
        atomic_store(&run->turn, false);
        run->source.ask(run->source.context, &run->check.question, run->deadline, take, run);
        if (!atomic_exchange(&run->turn, true))
            return; /* whoever brings the answer goes on; the run may be gone already */
    }
    run->done(run->context, run);
}

void spf_run_start(struct spf_run *run, const struct spf_query *query,
                   const struct dns_source *source, uint64_t limit_ns, spf_tell *tell,
                   spf_run_done *done, void *context)
{
    spf_check_init(&run->check, query, tell, context);
    run->source = *source;
    run->deadline = clock_monotonic_ns() + limit_ns;
    run->done = done;
    run->context = context;
    go(run);
}
