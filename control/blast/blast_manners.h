/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_MANNERS_H
#define CONTROL_BLAST_BLAST_MANNERS_H

#include <jansson.h>

#include "control/blast/blast_words.h"
#include "dataplane/handoff/blast_order.h"

/* Clients that do not behave, as shares of the load: slow, broken, and floods of SYNs. */

/* Reads what was said of them; addresses and target are planned. False: the reason was told. */
bool blast_manners_plan(const struct blast_words *words, struct blast_order *order);
/* What became of them; nothing where there were none. */
void blast_manners_table(FILE *out, const struct blast_tally *tally);
/* The same by name; NULL where there were none. A new reference. */
json_t *blast_manners_json(const struct blast_tally *tally);

#endif
