/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_tally.h"

#include <stdlib.h>

enum { TALLIES = 1 << 16 }; /* ids of mailboxes follow each other: by their lowest bits */

struct mail_tallies {
    struct mail_tally places[TALLIES];
};

struct mail_tallies *mail_tallies_new(void)
{
    return calloc(1, sizeof(struct mail_tallies));
}

void mail_tallies_free(struct mail_tallies *t)
{
    free(t);
}

void mail_tallies_keep(struct mail_tallies *t, const struct mail_tally *tally)
{
    t->places[tally->mailbox % TALLIES] = *tally;
}

const struct mail_tally *mail_tallies_find(const struct mail_tallies *t, uint64_t mailbox)
{
    const struct mail_tally *tally = &t->places[mailbox % TALLIES];

    return tally->mailbox == mailbox ? tally : NULL;
}

bool mail_tally_goes_on(const struct mail_tally *t, uint64_t modseq, uint32_t uid_next)
{
    return modseq >= t->modseq && uid_next >= t->uid_next &&
           modseq - t->modseq == uid_next - t->uid_next;
}
