/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_GREYLIST_H
#define DATAPLANE_SESSION_SESSION_GREYLIST_H

#include "dataplane/session/session.h"

/*
 * Mail of a sender who is new to a recipient, from a network, is to come again (RFC 6647). What is
 * known lies with control, and lately known things in a table that is read here; asked is for the
 * rest, and RCPT waits for the answer, but not for long: without one the mail is let in.
 */

/* True: the question is out, and RCPT waits. False: the recipient need not be asked about, or the
 * question could not be put. */
bool session_greylist_ask(struct sessions *ss, struct session *s, const struct address *recipient);
void session_greylist_answer(struct sessions *ss, struct session *s, const struct job *job);
/* The deadline passed: true when it was that of a question, which is given up. */
bool session_greylist_due(struct sessions *ss, struct session *s);

#endif
