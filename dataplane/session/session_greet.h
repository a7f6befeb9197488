/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_GREET_H
#define DATAPLANE_SESSION_SESSION_GREET_H

#include "dataplane/session/session.h"

/*
 * From the connection to the banner of SMTP: may this client have a session, and does it wait to be
 * greeted (RFC 5321 section 4.3.1)? Programs that do not read what a server says give themselves
 * away by speaking first.
 */

/* The machine's CONNECT: answers it, or lets the banner wait. */
void session_greet_begin(struct sessions *ss, struct session *s);
/* Answers where the client spoke before the banner that waits; nothing otherwise. */
void session_greet_run(struct sessions *ss, struct session *s);
/* The deadline passed: true when it was the banner's, which is due now. */
bool session_greet_due(struct session *s);

#endif
