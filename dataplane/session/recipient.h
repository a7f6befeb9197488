/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_RECIPIENT_H
#define DATAPLANE_SESSION_RECIPIENT_H

#include "dataplane/session/transaction.h"
#include "proto/address/address.h"

/* From an address at RCPT to the mailboxes that it leads to. */

/* Writes the key of an address, folded as its domain says. False as address_key(). */
bool recipient_key(struct directory *d, const struct address *address, struct writer *key);
/*
 * Looks the path up: as it stands, then without its detail, then the catch-all of its domain.
 * SMTP_REPLY_NONE and the entry, which has one account at least and is valid in this turn only; or
 * the row to refuse with. SMTP_REPLY_DIRECTORY_AWAY: nobody knows yet; session_directory.h asks.
 */
enum smtp_reply_id recipient_find(const struct sessions *ss, const struct address *path,
                                  const struct directory_entry **entry_out);
/* The same for a message: one that is submitted may also go to other servers, by the queue. */
enum smtp_reply_id recipient_lead(const struct sessions *ss, const struct transaction *tx,
                                  const struct address *path,
                                  const struct directory_entry **entry_out);
/* Whether the message may find room in each mailbox of the entry: SMTP_REPLY_NONE, or the row to
 * refuse with. */
enum smtp_reply_id recipient_room(const struct sessions *ss, const struct transaction *tx,
                                  const struct directory_entry *entry);
/* The row for a message that the store had no room for. One reply is for all recipients: it refuses
 * for good only where each of them would be refused for good. */
enum smtp_reply_id recipient_full(const struct sessions *ss, const struct transaction *tx);
/* What the message's rules know the account's domain as. */
struct rule_policy recipient_policy(const struct transaction *tx,
                                    const struct directory_account *account);
/*
 * Adds a delivery for each account of the entry that the message has none for yet; *set_out: the
 * deliveries of this recipient, new and old. All or nothing: SMTP_REPLY_NONE, or the row to refuse
 * with. `recipient`, as spelled, is borrowed until the transaction ends.
 */
enum smtp_reply_id recipient_add(struct sessions *ss, struct transaction *tx,
                                 const struct directory_entry *entry, struct span recipient,
                                 struct delivery_set *set_out);

/* To be called before the first recipient is looked for, so that recipient_all_there() need not
 * look for them again while the directory stays as it is. */
void recipient_seen(const struct sessions *ss, struct transaction *tx);
/* Every recipient that was accepted still leads to the mailboxes that it led to. */
bool recipient_all_there(struct sessions *ss, const struct transaction *tx);

#endif
