/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_MARK_H
#define CONTROL_MAIL_MAIL_MARK_H

#include "control/mail/mail_set.h"
#include "proto/imap/imap_store.h"

/* Makes a change of flags, what STORE says or FETCH does to \Seen, to the messages of the set,
 * which is walked from its beginning. */
enum store_status mail_mark(struct imap_session *s, struct mail_set *set,
                            const struct imap_store *change);

#endif
