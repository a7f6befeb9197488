/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_VANISHED_H
#define CONTROL_MAIL_MAIL_VANISHED_H

#include "control/mail/mail_session.h"
#include "proto/imap/imap_set.h"

/*
 * VANISHED (EARLIER): UIDs that are not there any more (RFC 7162 section 3.2.10.1). What the
 * session still has in its view, though it is gone, is not among them: it is told of it as of any
 * loss.
 *
 * The store remembers losses for a while. Where it has forgotten some of those that are asked for,
 * all UIDs count that are not there: more than were lost, never less.
 */
struct mail_vanished {
    const struct imap_set *asked; /* NULL: all; borrowed until the end */
    uint32_t above;               /* UIDs up to here are not asked for */
    uint32_t *uids;               /* lost, ascending */
    uint32_t count, cap;
    bool failed;    /* no memory */
    bool forgotten; /* `uids` are not all: whatever is not there */
    uint32_t at;    /* of `uids` the next; when they are forgotten the next UID to look at */
    uint32_t slot;  /* and the box's message there, or behind it */
    uint32_t last;  /* and the last UID that can be told */
};

/* Reads what was lost behind modification sequence `since`. */
enum store_status mail_vanished_read(struct imap_session *s, uint64_t since,
                                     const struct imap_set *asked, uint32_t above,
                                     struct mail_vanished *vanished_out);
/* Writes a response with the next of them, of some KiB at most. False: there are no more. The view
 * must stay as it is from mail_vanished_read() on (mail_view's `walked`). */
bool mail_vanished_put(struct imap_session *s, struct mail_vanished *v, struct mail_text *t);
void mail_vanished_free(struct mail_vanished *v);

#endif
