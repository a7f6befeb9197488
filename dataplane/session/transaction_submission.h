/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_TRANSACTION_SUBMISSION_H
#define DATAPLANE_SESSION_TRANSACTION_SUBMISSION_H

#include "dataplane/session/transaction.h"

/*
 * What a submission server does to a message (RFC 6409 section 8): Bcc is left out, so that nobody
 * reads who else got it; Date and Message-ID are added where they are missing; From and Sender are
 * those of the account. What lies behind the header stays as it is.
 */
enum { SUBMISSION_ROOM = 512 }; /* octets of the fields that are added */

/* The message is one that the account submits. False: no memory. */
bool transaction_submission_begin(struct sessions *ss, struct transaction *tx, uint64_t account);
/* Takes bytes of the message from *in; what of them, and of those held back, goes on. Valid until
 * the next call. */
struct span transaction_submission_take(struct transaction *tx, struct span *in);
/* The message has ended: what was held back. */
struct span transaction_submission_rest(struct transaction *tx);
/* A field of the message's own header. The row that refuses it, or SMTP_REPLY_NONE. */
enum smtp_reply_id transaction_submission_field(struct sessions *ss, struct transaction *tx,
                                                const struct mime_event *event);
/* The next address of From or Sender that the directory has to be asked about; false: no more. */
bool transaction_submission_unseen(struct transaction *tx, struct address *address_out);
uint64_t transaction_submission_account(const struct transaction *tx);
/* The message is whole. */
enum smtp_reply_id transaction_submission_finish(struct sessions *ss, struct transaction *tx);
/* Writes the fields that it lacked. */
void transaction_submission_put(const struct sessions *ss, const struct transaction *tx,
                                struct writer *w);

#endif
