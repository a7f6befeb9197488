/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_PLAN_H
#define CONTROL_BLAST_BLAST_PLAN_H

#include "control/blast/blast_messages.h"
#include "control/blast/blast_words.h"

struct blast_secure;

/* An order made of words, and the memory that it points into. */
struct blast_plan {
    struct blast_words words;
    struct blast_order order;
    struct blast_messages *messages;
    struct span *users; /* as order.users; each is memory of its own, up to order.user_count */
    bool *rejected;     /* as order.rejected */
    struct blast_secure *secure; /* handshakes; NULL: without TLS */
    char password[256];
};

/*
 * Fills in all but the callbacks. False: what is wrong was told on standard error; nothing was
 * begun. In either case blast_plan_fini().
 */
bool blast_plan_blast(struct blast_plan *plan, int count, char **words);
bool blast_plan_sink(struct blast_plan *plan, int count, char **words);
void blast_plan_fini(struct blast_plan *plan);

#endif
