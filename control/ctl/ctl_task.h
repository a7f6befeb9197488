/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_TASK_H
#define CONTROL_CTL_CTL_TASK_H

#include "control/ctl/ctl_request.h"

/* A slow command under way on a thread of its own. */
struct ctl_task;

/* Copies the line. Adds one to the eventfd `wake` when the answer is there. NULL: no memory or no
 * thread. */
struct ctl_task *ctl_task_start(const struct ctl_subject *subject, struct span line, int wake);
/* The answer is there. */
bool ctl_task_done(const struct ctl_task *task);
/* Waits for the end of it and frees it: its result, or NULL with the reason in `why`. */
json_t *ctl_task_finish(struct ctl_task *task, struct writer *why);

#endif
