/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_SMTP_H
#define DATAPLANE_SESSION_SESSION_SMTP_H

#include "dataplane/session/session_auth.h"
#include "dataplane/session/transaction.h"

/* What the parts of an SMTP session share: session_smtp.c, session_smtp_auth.c,
 * session_smtp_protocol.c. */

void session_smtp_run(struct sessions *ss, struct session *s);
void session_smtp_answer(struct sessions *ss, struct session *s, struct job *job);
/* The reply to the data goes to the machine, and into the record. */
void session_smtp_conclude(struct sessions *ss, struct session *s, enum smtp_reply_id row,
                           struct span text);
/* Writes the message's record and gives the transaction back. */
void session_smtp_end(struct sessions *ss, struct session *s);

/* session_smtp_auth.c: answers an outcome, to the machine of a submission. */
void session_smtp_auth(struct sessions *ss, struct session *s, enum session_auth_outcome outcome);
/* A refusal was held back until now: it is answered. False: nothing was. */
bool session_smtp_wake(struct sessions *ss, struct session *s);

#endif
