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

/* A change of flags, what STORE says or FETCH does to \Seen, to the messages of a set. */
struct mail_marking {
    struct mail_set *set;
    const struct imap_store *change;
    struct mail_modified *modified; /* room for all of the view; NULL: there is no condition */
    bool changed;                   /* a message was */
    bool over;                      /* all were gone over */
};

/* Goes on with it, for a thousand messages that change at most: those are one change of the store.
 * What the session had been told of all flags, it is told of these. */
enum store_status mail_mark(struct imap_session *s, struct mail_marking *marking);

#endif
