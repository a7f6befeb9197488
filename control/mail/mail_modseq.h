/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_MODSEQ_H
#define CONTROL_MAIL_MAIL_MODSEQ_H

#include "control/mail/mail_session.h"

/*
 * What a session is told of modification sequences (RFC 7162). A client remembers the highest that
 * it was told, and asks for what is above it when it comes back: so it must never be told of one
 * while a change with a lower one is held back from it.
 */

/* The session knows of modification sequences from now on: the first "CONDSTORE enabling command"
 * (section 3.1) with a mailbox selected tells HIGHESTMODSEQ. */
void mail_modseq_enable(struct imap_session *s, struct mail_text *t);

/* Up to here the session was told of every change of its mailbox. O(messages) while losses are held
 * back. */
uint64_t mail_modseq_highest(const struct imap_session *s);

/* "MODSEQ (n)" of a message, and notes that it is told. */
void mail_modseq_put(struct imap_session *s, struct writer *w, const struct mail_message *m);

/* Behind the news of a command: says HIGHESTMODSEQ where the command must (mail_run's `highest`),
 * or where what was told is above something that was not (section 6 and its erratum 1810). */
void mail_modseq_finish(struct imap_session *s, struct mail_run *r);

#endif
