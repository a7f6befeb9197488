/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_DELIVERY_H
#define DATAPLANE_SESSION_DELIVERY_H

#include "dataplane/session/transaction.h"

/*
 * From a whole message to its deliveries: what the verdict is for each recipient, where each copy
 * goes, what stands in front of it.
 */

/* What is known at `stage`, before the final dot: a row only where it refuses every recipient
 * already, which need not wait for the rest. */
enum smtp_reply_id delivery_judge_early(struct sessions *ss, struct transaction *tx,
                                        enum rule_stage stage, struct span *text_out);
/* All recipients are known, and the message is asked for: the same. A refusal leaves the rules as
 * they were, since further recipients may follow it. */
enum smtp_reply_id delivery_judge_data(struct sessions *ss, struct transaction *tx,
                                       struct span *text_out);
/*
 * Judges the message for every recipient. One reply serves all: a refusal only where it holds for
 * every one, with its text; otherwise SMTP_REPLY_NONE, and those whose verdict refuses get the
 * message into their quarantine and are never bounced. The record says the verdict of each, and
 * with delivery_place() the place; tx->recipient[] says of each delivery the verdict, the rule that
 * decided and the text that a refusal of it alone would answer.
 */
enum smtp_reply_id delivery_judge(struct sessions *ss, struct transaction *tx,
                                  struct span *text_out);
/* After delivery_judge() has let it pass: removes the deliveries that are discarded and says where
 * the others go. */
void delivery_place(struct sessions *ss, struct transaction *tx);
/* Writes the header fields in front of each delivery (RFC 5321 section 4.4). False: no memory. */
bool delivery_prefixes(struct sessions *ss, struct session *s);
/* Committed: counts where each copy went. */
void delivery_count(struct sessions *ss, const struct transaction *tx);

#endif
