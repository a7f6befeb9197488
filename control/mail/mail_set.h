/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SET_H
#define CONTROL_MAIL_MAIL_SET_H

#include "control/mail/mail_session.h"
#include "proto/imap/imap_set.h"

/*
 * The messages that a command names, of the session's view, walked in the order of UIDs: sequence
 * numbers must all be there (RFC 9051 section 6.4.4 leaves what happens else to us: BAD), UIDs need
 * not.
 */
struct mail_set {
    struct imap_set set;
    bool uid;
    uint64_t since;  /* only messages that have changed behind it (CHANGEDSINCE) */
    uint32_t slot;   /* the next one to look at */
    uint32_t number; /* sequence number of the last one that was given */
};

/* Reads it off the arguments; "$" is what was saved (mail_saved.h), of which some may be gone.
 * False: the run is answered already. */
bool mail_set_read(struct imap_session *s, struct mail_run *r, struct mail_set *set_out);
void mail_set_free(struct mail_set *set);
void mail_set_rewind(struct mail_set *set);
/* The next message that is in the view: its slot, and set->number. False: there are no more. What
 * is gone, but not told, is among them. */
bool mail_set_next(const struct mail_view *v, struct mail_set *set, uint32_t *slot_out);

#endif
