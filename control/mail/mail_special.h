/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SPECIAL_H
#define CONTROL_MAIL_MAIL_SPECIAL_H

#include "control/store/store_mailbox.h"

/* Mailboxes that every account has for a use (RFC 6154), as the configuration says. */
enum {
    MAIL_SPECIALS = 8,
    MAIL_SPECIAL_NAME = 256, /* bytes of a name */
};

struct mail_special {
    struct span name; /* UTF-8, canonical */
    uint16_t use;     /* enum store_use, one of them */
};

/*
 * What the account has no mailbox for is made: a mailbox of that name gets the use, or, where there
 * is none, comes to be, and is subscribed to: many clients show no other mailboxes, and would make
 * their own. What fails is tried again with the next session. Bound: one walk over the account's
 * mailboxes, and two changes synced for each that is made.
 */
void mail_special_make(struct store *store, uint64_t account, const struct mail_special *specials,
                       uint32_t count);

#endif
