/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_JUDGE_H
#define DATAPLANE_SESSION_SESSION_JUDGE_H

#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/judge_source.h"

/*
 * Judges messages as a session would, from MAIL to the reply to the data, with the settings that
 * are published and as the handoff's worker 0, which nobody else may be. Nothing is kept or
 * delivered; the record of each message is given to the handoff, for the caller to collect at the
 * latest before the next. What repeats is not counted. From a registered RCU reader. False: no
 * memory.
 */
bool session_judge(struct handoff *h, const struct judge_source *source);

#endif
