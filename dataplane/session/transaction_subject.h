/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_TRANSACTION_SUBJECT_H
#define DATAPLANE_SESSION_TRANSACTION_SUBJECT_H

#include "proto/base/writer.h"
#include "proto/mime/mime_reader.h"

/*
 * A subject that differs from delivery to delivery, of a body that is stored once. Where a rule
 * tags the subject for one of the recipients, the body's own Subject fields are renamed X-Title,
 * which is as long, so that all sizes and offsets stay; and the prefix of every delivery has the
 * Subject that its recipient is to see. For who is not tagged that is the same field with the same
 * bytes, so that signatures over it still hold. Which it will be is known at the final dot only, so
 * where rules tag subjects the first row of a body is held back until then.
 *
 * A subject of more than SUBJECT_MAX bytes, one of more than SUBJECTS_MAX in a message, or one that
 * does not lie in the body's first row is not tagged, and counted (subjects_untagged).
 */
struct sessions;
struct transaction;

enum { SUBJECT_MAX = 2048, SUBJECTS_MAX = 4 };

struct transaction_subject {
    bool wanted; /* a rule of the set tags subjects */
    bool retitled;
    uint32_t count; /* Subject fields; at most SUBJECTS_MAX are noted */
    uint32_t at[SUBJECTS_MAX], len[SUBJECTS_MAX]; /* of the body, without the last line end */
};

void transaction_subject_begin(struct transaction *tx);
/* A Subject field of the message's own header. */
void transaction_subject_field(struct transaction *tx, const struct mime_event *event);
/* The message is whole and its verdicts are there: renames the fields when one of the deliveries
 * that are left is tagged. */
void transaction_subject_settle(struct sessions *ss, struct transaction *tx);
/* The Subject field for delivery `recipient` of tx->recipient[], where the body's was renamed. At
 * most SUBJECT_MAX + RULE_SUBJECT_TAG_MAX + 16 bytes. */
void transaction_subject_put(struct transaction *tx, uint32_t recipient, struct writer *w);

#endif
