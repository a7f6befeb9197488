/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction.h"

#include "dataplane/handoff/part_digests.h"

/* SHA-256 of each leaf's decoded bytes, where the engine is told to make them. A leaf whose message
 * stops being read has none. */

enum { ENTRY = 2 + PART_SHA256 };

void transaction_digest_begin(struct sessions *ss, struct transaction *tx)
{
    const struct part_digests *d = ss->options.digests;

    if (!d || tx->digest_count == PART_DIGESTS_MAX)
        return;
    if (!tx->digests)
        tx->digests = transaction_memory(ss, tx, PART_DIGESTS_MAX * ENTRY);
    if (tx->digests)
        tx->digest = d->begin(d->context);
}

void transaction_digest_feed(struct sessions *ss, struct transaction *tx, struct span bytes)
{
    if (!tx->digest)
        return;
    ss->options.digests->feed(tx->digest, bytes);
    transaction_stamp(ss, STAGE_hash);
}

void transaction_digest_end(struct sessions *ss, struct transaction *tx, uint16_t part)
{
    const struct part_digests *d = ss->options.digests;
    uint8_t *entry;

    if (!tx->digest)
        return;
    entry = tx->digests + (size_t)ENTRY * tx->digest_count;
    entry[0] = (uint8_t)(part >> 8);
    entry[1] = (uint8_t)part;
    d->end(d->context, tx->digest, entry + 2);
    tx->digest = NULL;
    tx->digest_count++;
}

void transaction_digest_record(struct sessions *ss, struct transaction *tx)
{
    const struct part_digests *d = ss->options.digests;
    struct span all = span_of(tx->digests, tx->digests ? (size_t)ENTRY * tx->digest_count : 0);

    if (tx->digest)
        d->end(d->context, tx->digest, NULL);
    tx->digest = NULL;
    if (all.len <= (size_t)(RECORD_ARENA - tx->record->used))
        tx->record->message.digests = record_put(tx->record, all, RECORD_ARENA);
    else
        tx->record->cut = true;
}
