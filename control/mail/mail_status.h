/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_STATUS_H
#define CONTROL_MAIL_MAIL_STATUS_H

#include "control/mail/mail_session.h"
#include "control/mail/mail_tally.h"

/*
 * The status of one mailbox (RFC 9051 section 6.3.11), for STATUS and LIST RETURN (STATUS): of one
 * that somebody has selected it is in memory; of another it is what the store counts, and a walk
 * over the messages whose flags are not counted yet (mail_tally.h), in pieces.
 */
struct mail_status {
    uint64_t mailbox;
    uint32_t wanted; /* a bit by enum imap_status_item */
    bool begun, done;
    uint8_t again;            /* how often it was counted anew */
    struct store_mailbox now; /* without name and keywords */
    struct mail_counts counts;
    uint64_t recent;
    uint32_t recent_from; /* the first UID that nobody was told of */
    uint32_t counts_from; /* messages below this UID are in `counts` already */
    uint32_t next;        /* the next UID to look at */
    uint32_t left;        /* entries that this piece may still look at */
};

/* Does the session know all of these? IMAP4rev2 has no RECENT. */
bool mail_status_may(const struct imap_session *s, uint32_t wanted);
void mail_status_init(struct mail_status *st, uint64_t mailbox, uint32_t wanted);
/* The next piece. STORE_BUSY: there is more to do, let others have their turn. */
enum store_status mail_status_count(struct mail_service *service, struct mail_status *st);
/* "* STATUS name (...)" of what was counted. */
void mail_status_put(struct imap_session *s, struct mail_text *t, struct span name,
                     const struct mail_status *st);

#endif
