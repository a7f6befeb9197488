/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_JUDGEMENT_H
#define CONTROL_SERVICE_JUDGEMENT_H

#include "control/config/config.h"
#include "dataplane/handoff/handoff.h"

/*
 * Rules, settings and addresses of a configuration, published to one worker, without a store or an
 * engine: for judging messages offline. Accounts have ids of their own.
 */
struct judgement;

/* For so many messages at a time. NULL: no memory, or the rules are wrong, with lines of reasons in
 * `why`. */
struct judgement *judgement_new(const struct config *config, uint32_t messages, struct writer *why);
void judgement_free(struct judgement *judgement);
struct handoff *judgement_handoff(const struct judgement *judgement);

#endif
