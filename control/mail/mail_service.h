/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SERVICE_H
#define CONTROL_MAIL_MAIL_SERVICE_H

#include <stdatomic.h>

#include "control/mail/mail_special.h"
#include "dataplane/handoff/handoff.h"

/* One thread of the team (mail_team.h): sessions of the accounts that fall to it, their commands,
 * and the mailboxes that they have selected. */
struct mail_service;
struct mail_index;

struct mail_service_options {
    struct handoff *handoff;
    struct store *store;
    struct mail_index *index; /* NULL: none */
    _Atomic size_t *staged;   /* octets of all threads */
    const struct mail_special *specials;
    uint32_t special_count;
    enum service lane; /* whose jobs are its own: SERVICE_IMAP and so on */
};

/* What the options name stays until it is freed. NULL: no thread or no memory. */
struct mail_service *mail_service_start(const struct mail_service_options *options);
/* The store has changed a mailbox. Any thread of the store's, a worker among them: no lock, no
 * system call but the doorbell's. */
void mail_service_changed(struct mail_service *service, uint64_t mailbox);
/* Answers what was asked before, then ends the thread; the index answers nothing any more. */
void mail_service_halt(struct mail_service *service);
/* After the former, when nobody changes the store any more. */
void mail_service_free(struct mail_service *service);

#endif
