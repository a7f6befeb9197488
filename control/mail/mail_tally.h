/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_TALLY_H
#define CONTROL_MAIL_MAIL_TALLY_H

#include "control/store/store.h"

/*
 * What flags count for in a mailbox (UNSEEN and DELETED of STATUS): the store keeps no such count,
 * and walking over a large mailbox takes long. So what was counted once is remembered, with the
 * state of the mailbox that it was true for. A message that comes takes one modification sequence
 * and one UID, any other change a modification sequence alone: so while both have grown by the same
 * number, messages have come and nothing else happened, and only those are to be counted.
 */
struct mail_counts {
    uint64_t unseen, deleted, deleted_octets;
};

static inline void mail_counts_add(struct mail_counts *c, uint32_t flags, uint64_t size)
{
    c->unseen += !(flags & STORE_FLAG_SEEN);
    c->deleted += (flags & STORE_FLAG_DELETED) != 0;
    c->deleted_octets += flags & STORE_FLAG_DELETED ? size : 0;
}

static inline void mail_counts_take(struct mail_counts *c, uint32_t flags, uint64_t size)
{
    c->unseen -= !(flags & STORE_FLAG_SEEN);
    c->deleted -= (flags & STORE_FLAG_DELETED) != 0;
    c->deleted_octets -= flags & STORE_FLAG_DELETED ? size : 0;
}

struct mail_tally {
    uint64_t mailbox, modseq; /* true when the mailbox had this one, */
    uint32_t uid_next;        /* and this */
    struct mail_counts counts;
};

/* A bounded number of them (about 3.5 MiB when all mailboxes are asked for); a newer one takes the
 * place of an older. One thread. */
struct mail_tallies;

struct mail_tallies *mail_tallies_new(void);
void mail_tallies_free(struct mail_tallies *t);
void mail_tallies_keep(struct mail_tallies *t, const struct mail_tally *tally);
/* NULL: not known. Valid until the next keep(). */
const struct mail_tally *mail_tallies_find(const struct mail_tallies *t, uint64_t mailbox);

/* From the state of the tally to this one only messages came: those from tally->uid_next on. */
bool mail_tally_goes_on(const struct mail_tally *tally, uint64_t modseq, uint32_t uid_next);

#endif
