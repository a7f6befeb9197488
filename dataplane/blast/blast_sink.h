/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_SINK_H
#define DATAPLANE_BLAST_BLAST_SINK_H

#include "dataplane/blast/blast_client.h"

/*
 * One worker of `wirepost sink`: an SMTP server that accepts everything and keeps nothing. It is
 * serve's protocol machine, with every check of the command lines and of line ends, and answers at
 * once; there are no recipients to look up, no MIME, no rules, no store, no records.
 */
struct blast_sink;

/* `order->sessions` is shared out over the workers; NULL: no memory. */
struct blast_sink *blast_sink_new(const struct blast_client_options *options);
void blast_sink_free(struct blast_sink *sink);
/* As struct worker_app has them. */
uint32_t blast_sink_turn(void *sink, struct turn_time time);
uint64_t blast_sink_next_timer(const void *sink);
uint32_t blast_sink_count(const void *sink);

#endif
