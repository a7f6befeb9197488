/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SERVICE_H
#define CONTROL_MAIL_MAIL_SERVICE_H

#include "control/store/store.h"
#include "dataplane/handoff/handoff.h"

/* Mailboxes for those who read mail: the jobs of SERVICE_IMAP, which are sessions of IMAP and their
 * commands, and, on a thread of its own, those of POP3 (read_service.h). It watches the store, so
 * that what anybody changes is told to those who have the mailbox selected. */
struct mail_service;
struct mail_index;

/* NULL: no thread or no memory. The store stays the caller's; takes the index, which may be NULL.
 * Before workers start. */
struct mail_service *mail_service_start(struct handoff *h, struct store *store,
                                        struct mail_index *index);
/* Answers what was asked before, then ends the thread and the index. Nobody changes the store any
 * more. */
void mail_service_stop(struct mail_service *service);

#endif
