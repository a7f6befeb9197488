/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_MARK_H
#define CONTROL_MAIL_MAIL_MARK_H

#include "control/mail/mail_set.h"
#include "proto/imap/imap_store.h"

/* Messages that have changed since what UNCHANGEDSINCE names, so that they were left as they are:
 * numbers, or UIDs of a UID command, ascending. */
struct mail_modified {
    uint32_t *numbers;
    uint32_t count;
    bool uid;
};

/* Makes a change of flags, what STORE says or FETCH does to \Seen, to the messages of the set,
 * which is walked from its beginning. `modified_out`: room for all of the view; NULL where the
 * change has no condition. */
enum store_status mail_mark(struct imap_session *s, struct mail_set *set,
                            const struct imap_store *change, struct mail_modified *modified_out);

#endif
