/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_LOAD_H
#define CONTROL_BLAST_BLAST_LOAD_H

#include "control/blast/blast_words.h"
#include "dataplane/handoff/blast_order.h"

/* How much load, and when. False: what is wrong was told on standard error. */
bool blast_load_plan(const struct blast_words *words, struct blast_order *order);

#endif
