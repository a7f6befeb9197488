/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_SECURE_H
#define CONTROL_BLAST_BLAST_SECURE_H

#include "control/blast/blast_words.h"
#include "dataplane/handoff/blast_order.h"

/* TLS of the load: what --tls and its companions say, and the handshakes of each worker. */
struct blast_secure;

/* *secure_out is NULL where there is none. False: what is wrong was told on standard error. */
bool blast_secure_plan(const struct blast_words *words, struct blast_order *order,
                       struct blast_secure **secure_out);
void blast_secure_free(struct blast_secure *secure);

#endif
