/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_TRANSACTION_SUBMISSION_H
#define DATAPLANE_SESSION_TRANSACTION_SUBMISSION_H

#include "dataplane/session/transaction.h"
#include "proto/address/address_map.h"

/*
 * What a submission server does to a message (RFC 6409 section 8): Bcc is left out, so that nobody
 * reads who else got it; Date and Message-ID are added where they are missing; From and Sender are
 * those of the account, and then, like all addresses of envelope and header, what the maps of the
 * configuration make of them. What lies behind the header stays as it is.
 */
enum { SUBMISSION_ROOM = 512 }; /* octets of the fields that are added */

/* The message is one that the account submits. False: no memory. */
bool transaction_submission_begin(struct sessions *ss, struct transaction *tx, uint64_t account);
/* Takes bytes of the message from *in, until they are gone; *out_out: what of them, and of those
 * held back, goes on. Valid until the next call. False: nothing more does. */
bool transaction_submission_take(struct sessions *ss, struct transaction *tx, struct span *in,
                                 struct span *out_out);
/* The message has ended: the same of what was held back. */
bool transaction_submission_rest(struct sessions *ss, struct transaction *tx, struct span *out_out);
/* How many octets may still come out without any going in. */
size_t transaction_submission_held(const struct transaction *tx);

/* An address of the envelope as it goes on; `path` itself where it stays. */
struct submission_path {
    struct address address;
    uint8_t text[ADDRESS_MAP_MAX];
};
const struct address *transaction_submission_path(struct sessions *ss, const struct transaction *tx,
                                                  enum address_map_class where,
                                                  const struct address *path,
                                                  struct submission_path *memory);
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
