/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_COMMAND_H
#define CONTROL_BLAST_BLAST_COMMAND_H

#include "dataplane/handoff/blast_order.h"

/* `wirepost blast` and `wirepost sink`: words in, load out, results told. */
typedef bool blast_command_run(const struct blast_order *order, struct writer *why);

/*
 * Take the words behind the command's name. Return an exit status: 0; 1 when the run did not begin,
 * no session came to its end, or reading back found a fault; 2 when a word is wrong. `run` is
 * blast_run(), NULL where there is none.
 */
int blast_command(blast_command_run *run, const char *program, int count, char **words);
int blast_command_sink(blast_command_run *run, const char *program, int count, char **words);

#endif
