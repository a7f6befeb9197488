/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_PRESSURE_H
#define DATAPLANE_SESSION_SESSION_PRESSURE_H

#include "dataplane/session/session.h"

/*
 * While sessions or chunks run short, message data must come at smtp.pressure_rate, measured over
 * SESSION_PRESSURE_WINDOW: who drips holds what others need. Time in which we do not read counts
 * for nobody.
 */
enum { SESSION_PRESSURE_WINDOW = 10000000 /* microseconds */, SESSION_PRESSURE_SWEEP = 512 };
enum { SESSION_PRESSURE_TOLD = 60000000 };

/* Room is short: settings.pressure percent of the sessions, or of one size of chunks, are in use.
 */
bool session_pressure(const struct sessions *ss);
/* Looks at the next SESSION_PRESSURE_SWEEP sessions while room is short, and calls `slow` for each
 * that is; it may free the session. */
void session_pressure_run(struct sessions *ss,
                          void (*slow)(struct sessions *ss, struct session *s));
/* Says in the log, once a minute, that TCP has turned peers away for want of connections. */
void session_pressure_tell(struct sessions *ss);

#endif
