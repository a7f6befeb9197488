/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_RESYNC_H
#define CONTROL_MAIL_MAIL_RESYNC_H

#include "control/mail/mail_session.h"
#include "proto/imap/imap_select.h"

/*
 * What SELECT tells a client that comes back to a mailbox it knew (RFC 7162 section 3.2.5): which
 * of its messages vanished, then which have changed, piece by piece.
 */
struct mail_resync;

/* The parameters of SELECT, which stand behind the mailbox's name. NULL: the run is answered. */
struct mail_resync *mail_resync_read(struct imap_session *s, struct mail_run *r);
void mail_resync_free(struct mail_resync *resync);
const struct imap_select *mail_resync_wanted(const struct mail_resync *resync);
/* The mailbox is selected, and that was told. */
enum store_status mail_resync_begin(struct imap_session *s, struct mail_resync *resync);
/* The next piece. False: all was told. */
bool mail_resync_put(struct imap_session *s, struct mail_run *r, struct mail_resync *resync);

#endif
