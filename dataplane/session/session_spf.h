/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_SPF_H
#define DATAPLANE_SESSION_SESSION_SPF_H

#include "dataplane/session/session.h"

/*
 * Whether a client that has not logged in may send in the name of the reverse path (RFC 7208), which
 * control asks DNS. MAIL waits for the answer, so that all that comes later knows it: rules
 * (`auth.spf`), RCPT, which refuses by the configuration, and the fields in front of each copy.
 */

/* True: the question is out, and MAIL waits. False: there is nothing to ask. */
bool session_spf_ask(struct sessions *ss, struct session *s);
void session_spf_answer(struct sessions *ss, struct session *s, const struct job *job);
/* The deadline passed: true when it was that of a question, which is given up. */
bool session_spf_due(struct sessions *ss, struct session *s);
/* "pass"; empty where nothing was asked. */
struct span session_spf_word(const struct transaction *tx);
/* What the result refuses recipients with, unless they are exempt; NONE: nothing. *text_out: what is
 * said besides, borrowed from the transaction. */
enum smtp_reply_id session_spf_row(const struct sessions *ss, const struct transaction *tx,
                                   struct span *text_out);

#endif
