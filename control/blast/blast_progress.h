/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_PROGRESS_H
#define CONTROL_BLAST_BLAST_PROGRESS_H

#include <stdio.h>

#include "dataplane/handoff/blast_order.h"
#include "proto/base/writer.h"

/* A bar for a terminal: how far the load is, how fast, and how long it will still take. */

/* Of 1: what of the messages, the sessions or the time is over, whichever is more; 0: no end is
 * known. */
double blast_progress_share(const struct blast_order *order, const struct blast_told *told);
/* The bar, in one line without its end; `per_second` is what the last second had. */
void blast_progress_put(struct writer *w, const struct blast_order *order,
                        const struct blast_told *told, double per_second);
/* Draws it over the line where the cursor stands, and leaves the cursor there. */
void blast_progress_draw(FILE *terminal, const struct blast_order *order,
                         const struct blast_told *told, double per_second);
void blast_progress_clear(FILE *terminal);

#endif
