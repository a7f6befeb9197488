/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_LOG_H
#define CONTROL_RECORD_RECORD_LOG_H

#include "control/record/record_privacy.h"
#include "dataplane/handoff/handoff.h"

/* Writes what workers have put into their logs; a client's address as the records have it. Returns
 * how many lines there were. One thread. */
uint32_t record_log_workers(struct handoff *handoff, const struct record_privacy *privacy);

#endif
