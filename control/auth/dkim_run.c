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

    dkim_set_answer(q->run->set, q->check, answer);
    close_one(q->run);
}

void dkim_run_start(struct dkim_run *run, struct dkim_set *set, const struct dns_source *source,
                    uint64_t deadline, dkim_run_done *done, void *context)
{
    uint32_t asked = 0;

    run->set = set;
    run->done = done;
    run->context = context;
    /* Whom to ask is found before the first answer can change anything. */
    for (uint32_t i = 0; i < set->count; i++)
        if (dkim_set_asks(set, i))
            run->questions[asked++] = (struct dkim_run_question){.run = run, .check = i};
    atomic_store(&run->open, asked + 1);
    for (uint32_t i = 0; i < asked; i++)
        source->ask(source->context, &set->checks[run->questions[i].check].question, deadline, take,
                    &run->questions[i]);
    close_one(run);
}
