/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_ENVELOPE_H
#define DATAPLANE_SESSION_SESSION_ENVELOPE_H

#include "dataplane/session/session.h"
#include "rules/rule_match.h"

/*
 * Who sends, and to whom: names and paths looked up in the directory, judged by the rules, kept in
 * the transaction. Each takes the machine's action of that name and answers it.
 */
void session_envelope_helo(struct sessions *ss, struct session *s, const struct smtp_action *a);
/* Opens the transaction, or leaves one behind that ends with the refusal's reply. */
void session_envelope_mail(struct sessions *ss, struct session *s, const struct smtp_action *a);
/* A refused recipient leaves the others as they are. */
void session_envelope_rcpt(struct sessions *ss, struct session *s, const struct smtp_action *a);

/* The directory was asked about the sender, or about the recipient, and the table has the answer;
 * or there is none. */
void session_envelope_mail_known(struct sessions *ss, struct session *s, bool known);
void session_envelope_rcpt_known(struct sessions *ss, struct session *s, bool known);

/* SPF has a result, or there is none to be had: MAIL goes on. */
void session_envelope_mail_checked(struct sessions *ss, struct session *s);

/* The recipient that greylisting was asked about is let in, or is to wait. */
void session_envelope_greylisted(struct sessions *ss, struct session *s, bool wait);

struct transaction;
/* What is known at MAIL goes to the rules: the row that they refuse the sender with is kept for
 * RCPT. NONE, or NO_RESOURCES. */
enum smtp_reply_id session_envelope_sender(struct sessions *ss, struct session *s,
                                           struct transaction *tx);
/* A value of the envelope for the rules, if they ask for it. */
enum rule_status session_envelope_value(struct transaction *tx, enum rule_scope scope,
                                        struct span bytes);

#endif
