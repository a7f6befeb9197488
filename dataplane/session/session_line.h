/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_LINE_H
#define DATAPLANE_SESSION_SESSION_LINE_H

#include "dataplane/session/session.h"

/* The line buffer of a session's machine: a chunk, taken when a command begins and given when
 * nothing of one is held. */

/* Lends one to the machine. False: no memory, the session is run again later. */
bool session_line_attach(struct sessions *ss, struct session *s);
/* Gives it, where the machine has no use for it now. */
void session_line_release(struct sessions *ss, struct session *s);
/* Gives it, where there is one, whatever is in it: the machine runs no more. */
void session_line_give(struct sessions *ss, struct session *s);

#endif
