/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_FOLDER_H
#define CONTROL_MAIL_MAIL_FOLDER_H

#include "control/store/store_mailbox.h"

/*
 * Which mailboxes the deliveries of a message that is about to be committed go to: `mailbox_out` of
 * those that have a `folder` or are `junk`. A folder is the account's mailbox of that name or, where
 * there is none, the one whose name differs by the case of ASCII letters alone; the one for junk has
 * the use \\Junk, whatever its name. With `make` one that is not there is made, durably, and
 * subscribed to, unless the account has MAIL_FOLDER_MADE already. 0, the inbox: a name that is none
 * (imap_name.h), INBOX, the quarantine, what cannot be made, and mailboxes for \\Sent, \\Drafts
 * and \\Trash: strangers put nothing there.
 * Bound: a walk over MAIL_FOLDER_LOOKED_AT mailboxes, and a change synced for one that is made.
 */
enum {
    MAIL_FOLDER_LOOKED_AT = 1000, /* mailboxes of an account: more are not compared by case */
    MAIL_FOLDER_MADE = 100,       /* mailboxes of an account from which on none is made by name */
};

void mail_folder_find(struct store *store, struct message *message);

#endif
