/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_TIMER_H
#define DATAPLANE_SESSION_SESSION_TIMER_H

#include "dataplane/session/session.h"

/*
 * Deadlines of sessions in a wheel of quarter-second slots. A deadline that moves away, as it does
 * with every command, only changes a number: the session is looked at in its old slot and put where
 * it now belongs.
 */
enum { SESSION_TIMER_TICK = 250000 }; /* microseconds */

void session_timer_init(struct sessions *ss, uint64_t now);
/* `deadline` is set: makes sure that it will be seen in time. O(1). */
void session_timer_set(struct sessions *ss, struct session *s);
void session_timer_remove(struct sessions *ss, struct session *s);
/* Calls `expired` for each session whose deadline has passed; it may free the session. Returns how
 * many. */
uint32_t session_timer_run(struct sessions *ss,
                           void (*expired)(struct sessions *ss, struct session *s));
/* When to run next; UINT64_MAX when no session waits. */
uint64_t session_timer_next(const struct sessions *ss);

#endif
