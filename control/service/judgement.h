/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_JUDGEMENT_H
#define CONTROL_SERVICE_JUDGEMENT_H

#include "control/config/config.h"
#include "dataplane/handoff/handoff.h"

/*
 * Rules, settings and addresses of a configuration, published to workers, without a store: for
 * judging messages of others, or offline. Accounts have ids of their own. One thread.
 */
struct judgement;

enum { JUDGEMENT_RECORDS = 4 }; /* that a worker has beside those of its messages */

struct judgement_options {
    uint32_t workers;
    uint32_t messages; /* of a worker, at a time */
    bool cache;        /* compiled rules are kept where the configuration says; else not */
};

/* NULL: no memory, or the rules are wrong, with lines of reasons in `why`. */
struct judgement *judgement_new(const struct config *config,
                                const struct judgement_options *options, struct writer *why);
/* Replaces rules and settings by those of another configuration. False leaves everything as it was.
 * Workers take part in grace periods. */
bool judgement_apply(struct judgement *judgement, const struct config *config, struct writer *why);
/* Counts configurations; of the one in force. */
uint64_t judgement_version(const struct judgement *judgement);
/* To be called now and then: frees rules that no message uses any more. */
void judgement_sweep(struct judgement *judgement);
/* Workers have stopped. */
void judgement_free(struct judgement *judgement);
struct handoff *judgement_handoff(const struct judgement *judgement);

#endif
