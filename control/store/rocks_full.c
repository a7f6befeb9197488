/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

/* Accounts that are full, since when, and who is told. */

void rocks_full_watch(struct store *store, store_full_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;

    pthread_mutex_lock(&r->changing);
    r->full_visit = visit;
    r->full_context = context;
    pthread_mutex_unlock(&r->changing);
}

static uint64_t room(const struct store_row_account *row, const struct store_row_usage *usage)
{
    if (!row->quota_octets)
        return UINT64_MAX;
    return row->quota_octets > usage->octets ? row->quota_octets - usage->octets : 0;
}

void rocks_full_found(struct rocks_batch *b, struct rocks_account *account, uint64_t octets)
{
    /* What would not even fit into an empty one says nothing about this one. */
    if (account->usage.full_ms == 0 && octets <= account->row.quota_octets)
        account->usage.full_ms = b->now_ms;
}

void rocks_full_freed(struct rocks_account *account)
{
    if (room(&account->row, &account->usage) > 0)
        account->usage.full_ms = 0;
}

void rocks_full_say(const struct rocks *r, uint64_t account, const struct store_row_account *row,
                    const struct store_row_usage *usage)
{
    const struct store_full full = {
        .account = account, .since_ms = usage->full_ms, .room = room(row, usage)};

    if (r->full_visit)
        r->full_visit(r->full_context, &full);
}

void rocks_full_tell(const struct rocks_batch *b)
{
    for (int i = 0; i < ROCKS_BATCH_BUCKETS; i++)
        for (const struct rocks_account *a = b->accounts[i]; a; a = a->next)
            if (a->full_ms || a->usage.full_ms)
                rocks_full_say(b->r, a->id, &a->row, &a->usage);
}
