/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_MIX_H
#define CONTROL_BLAST_BLAST_MIX_H

#include "control/blast/blast_words.h"
#include "dataplane/handoff/blast_order.h"

/* What IMAP sessions do: --mix and the words beside it; behind the users. False: it was told. */
bool blast_mix_plan(const struct blast_words *words, struct blast_order *order);

#endif
