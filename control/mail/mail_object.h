/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_OBJECT_H
#define CONTROL_MAIL_MAIL_OBJECT_H

#include "control/store/store.h"

/*
 * Ids that never change (RFC 8474): a mailbox's over RENAME, an email's over COPY and MOVE, both
 * over a restart. They are the store's own, spelled as objectid.
 */
enum { MAIL_OBJECT_MAX = 40 };

/* Which email a message is, wherever its copies lie. */
struct mail_email {
    struct id128 base;
    uint16_t delivery; /* the copy of which recipient */
};

/* STORE_NONE: the message is gone. */
enum store_status mail_email_find(struct store *store, uint64_t mailbox, uint32_t uid,
                                  struct mail_email *email_out);
/* objectid = 1*255(ALPHA / DIGIT / "_" / "-"), MAIL_OBJECT_MAX octets at most. */
void mail_email_put(struct writer *w, const struct mail_email *email);
void mail_mailbox_put(struct writer *w, uint64_t mailbox);
/* Is it the email of that id? Ids are compared as they are spelled. */
bool mail_email_is(const struct mail_email *email, struct span id);

#endif
