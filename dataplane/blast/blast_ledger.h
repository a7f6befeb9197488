/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_LEDGER_H
#define DATAPLANE_BLAST_BLAST_LEDGER_H

#include <stdatomic.h>

#include "dataplane/handoff/blast_order.h"

/*
 * What became of each message of a run that is read back: three bytes a message, a bit a recipient.
 * A message's sending is written by the worker that sends it; what was found, by any worker, so
 * those bits are set atomically.
 */
struct blast_ledger {
    uint64_t size; /* messages: numbers below it */
    uint8_t *sent, *accepted;
    _Atomic uint8_t *found;
    /* Counted while mailboxes are read. */
    _Atomic uint64_t duplicated, changed, unexpected, foreign, mailboxes, unread;
};

struct blast_finding {
    uint64_t number;
    uint32_t user;
    bool whole;
};

/* Memory is taken as it is used. NULL: there is none. */
struct blast_ledger *blast_ledger_new(uint64_t size);
void blast_ledger_free(struct blast_ledger *ledger);
/* All bytes of the message left us for the recipients in `mask`; no answer yet. */
void blast_ledger_sent(struct blast_ledger *ledger, uint64_t number, uint8_t mask);
/* The server has answered with 2yz for them. */
void blast_ledger_accepted(struct blast_ledger *ledger, uint64_t number, uint8_t mask);
/* The server has refused it: it must not be there. */
void blast_ledger_refused(struct blast_ledger *ledger, uint64_t number);
/* It was found in the mailbox of `user`; `whole`: as it was sent. */
void blast_ledger_found(struct blast_ledger *ledger, const struct blast_order *order,
                        struct blast_finding finding);
/* The sum of it, when all mailboxes were read. */
struct blast_verified blast_ledger_sum(const struct blast_ledger *ledger);
/* The first recipient of a message, an index into the users. */
uint32_t blast_ledger_first(const struct blast_order *order, uint64_t number);

#endif
