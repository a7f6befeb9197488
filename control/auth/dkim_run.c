/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/auth/dkim_run.h"

static void close_one(struct dkim_run *run)
{
    if (atomic_fetch_sub(&run->open, 1) == 1)
        run->done(run->context, run);
}

static void take(void *asker, const struct dns_answer *answer)
{
    struct dkim_run_question *q = asker;

    q->run->answer(q->run->asked, q->check, answer);
    close_one(q->run);
}

static void answer_set(void *asked, uint32_t check, const struct dns_answer *answer)
{
    dkim_set_answer(asked, check, answer);
}

static void answer_chain(void *asked, uint32_t check, const struct dns_answer *answer)
{
    arc_chain_answer(asked, check, answer);
}

static void add(struct dkim_run *run, const struct dkim_check *checks, uint32_t check)
{
    run->questions[run->count++] =
        (struct dkim_run_question){.run = run, .question = &checks[check].question, .check = check};
}

/* Whom to ask is known by now: no answer changes it. */
static void go(struct dkim_run *run, const struct dns_source *source, uint64_t deadline,
               dkim_run_done *done, void *context)
{
    uint32_t count = run->count;

    run->done = done;
    run->context = context;
    atomic_store(&run->open, count + 1);
    for (uint32_t i = 0; i < count; i++)
        source->ask(source->context, run->questions[i].question, deadline, take,
                    &run->questions[i]);
    close_one(run);
}

void dkim_run_start(struct dkim_run *run, struct dkim_set *set, const struct dns_source *source,
                    uint64_t deadline, dkim_run_done *done, void *context)
{
    run->answer = answer_set;
    run->asked = set;
    run->count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        if (dkim_set_asks(set, i))
            add(run, set->checks, i);
    go(run, source, deadline, done, context);
}

void dkim_run_start_chain(struct dkim_run *run, struct arc_chain *chain,
                          const struct dns_source *source, uint64_t deadline, dkim_run_done *done,
                          void *context)
{
    run->answer = answer_chain;
    run->asked = chain;
    run->count = 0;
    for (uint32_t i = 0; i < chain->check_count; i++)
        if (arc_chain_asks(chain, i))
            add(run, chain->checks, i);
    go(run, source, deadline, done, context);
}
