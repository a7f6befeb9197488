/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_TRACE_H
#define CONTROL_CTL_CTL_TRACE_H

#include "control/ctl/ctl_server.h"
#include "control/trace/trace.h"

/* `wirepost ctl trace`: the history of messages. Borrows the source. */
struct ctl_subject ctl_trace_subject(struct trace_source *source);

#endif
