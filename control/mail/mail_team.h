/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_TEAM_H
#define CONTROL_MAIL_MAIL_TEAM_H

#include "control/mail/mail_special.h"
#include "dataplane/handoff/handoff.h"

/*
 * Mailboxes for those who read mail: the jobs of SERVICE_IMAP, which are sessions of IMAP and their
 * commands, on as many threads as the handoff has lanes for it, and, on a thread of its own, those
 * of POP3 (read_service.h). An account's sessions are always on the same thread, so that what a
 * mailbox remembers in memory has one owner. It watches the store, so that what anybody changes is
 * told to those who have the mailbox selected.
 */
struct mail_team;
struct mail_index;

struct mail_team_options {
    struct handoff *handoff;
    struct store *store;                 /* stays the caller's */
    struct mail_index *index;            /* taken; NULL: none */
    const struct mail_special *specials; /* copied; MAIL_SPECIALS at most */
    uint32_t special_count;
};

/* NULL: no thread or no memory. Before workers start. */
struct mail_team *mail_team_start(const struct mail_team_options *options);
/* Answers what was asked before, then ends the threads and the index. Nobody changes the store any
 * more. */
void mail_team_stop(struct mail_team *team);

#endif
