/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_TLS_H
#define DATAPLANE_BLAST_BLAST_TLS_H

#include "dataplane/blast/blast_session.h"
#include "dataplane/tls/tls_stream.h"

/* TLS under sessions, where the order has it; private to dataplane/blast. */

/* False: no memory. */
bool blast_tls_init(struct blast_client *c, uint32_t places);
void blast_tls_fini(struct blast_client *c);
/* The handshake begins; the session may be gone afterwards. */
void blast_tls_begin(struct blast_client *c, struct blast_session *s);
/* Goes on with it as far as bytes are there; behind its end the protocol begins. */
void blast_tls_run(struct blast_client *c, struct blast_session *s);
/* The session is given up, and why; the text lasts. */
void blast_tls_fail(struct blast_client *c, struct blast_session *s, const char *why);
/* close_notify. */
void blast_tls_close(struct blast_client *c, struct blast_session *s);
/* The place becomes free: keys are forgotten. */
void blast_tls_give(struct blast_client *c, struct blast_session *s);

#endif
