/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SERVICE_H
#define CONTROL_MAIL_MAIL_SERVICE_H

#include "control/mail/mail_special.h"
#include "dataplane/handoff/handoff.h"

/* Mailboxes for those who read mail: the jobs of SERVICE_IMAP, which are sessions of IMAP and their
 * commands, and, on a thread of its own, those of POP3 (read_service.h). It watches the store, so
 * that what anybody changes is told to those who have the mailbox selected. */
struct mail_service;
struct mail_index;

struct mail_service_options {
    struct handoff *handoff;
    struct store *store;                 /* stays the caller's */
    struct mail_index *index;            /* taken; NULL: none */
    const struct mail_special *specials; /* copied; MAIL_SPECIALS at most */
    uint32_t special_count;
};

/* NULL: no thread or no memory. Before workers start. */
struct mail_service *mail_service_start(const struct mail_service_options *options);
/* Answers what was asked before, then ends the thread and the index. Nobody changes the store any
 * more. */
void mail_service_stop(struct mail_service *service);

#endif
