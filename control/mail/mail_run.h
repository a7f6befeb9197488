/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_RUN_H
#define CONTROL_MAIL_MAIL_RUN_H

#include "control/mail/mail_session.h"

/* A command from its bytes to its tagged response, as far as one answer has room. */

/* Begins it. False: no memory. */
bool mail_run_begin(struct imap_session *s, struct span command);
/* The line that ends an IDLE. Likewise. */
bool mail_run_done(struct imap_session *s, struct span line);
/* What an idling session is to be told. Likewise. */
bool mail_run_news(struct imap_session *s);
/* Goes on until the answer is full or the command is over; then the run has ended. */
void mail_run_pump(struct imap_session *s, struct job_imap *answer);
/* Ends it early: nobody is there any more. */
void mail_run_drop(struct imap_session *s);

#endif
