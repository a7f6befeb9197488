/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_READING_H
#define DATAPLANE_BLAST_BLAST_READING_H

#include "dataplane/blast/blast_session.h"

/*
 * A message that comes back, compared as it comes with what was sent, from the head of ours on:
 * where mailboxes are read back, and in the load where that is asked for.
 */
void blast_reading_begin(struct blast_reading *r);
void blast_reading_feed(struct blast_client *c, struct blast_session *s, struct span bytes);
/* It is over: counted, and told to the ledger when it is read back. */
void blast_reading_end(struct blast_client *c, struct blast_session *s);
/* The same of one of which no more than the header was asked for. */
void blast_reading_end_header(struct blast_client *c, struct blast_session *s);

#endif
