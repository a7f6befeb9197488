/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_FLAG_H
#define CONTROL_MAIL_MAIL_FLAG_H

#include "control/mail/mail_session.h"
#include "proto/imap/imap_flag.h"

/* Flags as the store has them (enum store_flag) and as IMAP does (enum imap_flag). */

/* System flags of a command, for the store. */
uint32_t mail_flag_stored(unsigned wire);
/* Those of a message in a view, \Recent included. */
unsigned mail_flag_wire(const struct mail_view *v, const struct mail_message *m);
/* "(\Seen word)", as the session is told it: IMAP4rev2 has no \Recent. */
void mail_flag_put(struct writer *w, const struct imap_session *s, const struct mail_message *m);

#endif
