/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SAVED_H
#define CONTROL_MAIL_MAIL_SAVED_H

#include "control/mail/mail_match.h"

/*
 * "$" (RFC 5182, RFC 9051 section 6.4.4.1): what the last SEARCH or SORT with SAVE found, as UIDs
 * in session->saved. So what is expunged is not in it any more, and numbers need no care. A mailbox
 * that is selected begins with none; a SAVE that is answered NO leaves none, one that is BAD leaves
 * what was there.
 */
enum {
    MAIL_SAVED_RANGES = 1 << 17, /* 1 MiB of them a session; more: NO [NOTSAVED] */
};

void mail_saved_clear(struct imap_session *s);
/*
 * Saves what RETURN asks for (`wanted`, enum imap_search_return): all of `found`, in the order of
 * UIDs; or, with MIN or MAX and neither ALL nor COUNT, the first and the last that are told.
 * Without SAVE nothing changes. False: too much, or no memory; then there is none.
 */
bool mail_saved_keep(struct imap_session *s, unsigned wanted, const struct mail_found *found,
                     uint32_t count, const struct mail_found *first, const struct mail_found *last);

#endif
