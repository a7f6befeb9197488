/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/base/clock.h"
#include "control/store/memory.h"

void memory_full_watch(struct store *store, store_full_visit *visit, void *context)
{
    struct memory *m = memory_of(store);

    memory_lock(m);
    m->full_visit = visit;
    m->full_context = context;
    memory_unlock(m);
}

static uint64_t room(const struct memory_account *account)
{
    uint64_t quota = atomic_load_explicit(&account->quota, memory_order_relaxed);
    uint64_t octets =
        atomic_load_explicit(&account->mailboxes[MESSAGE_INBOX].octets, memory_order_relaxed);

    if (!quota)
        return UINT64_MAX;
    return quota > octets ? quota - octets : 0;
}

static uint64_t since(const struct memory_account *account)
{
    return atomic_load_explicit(&account->full_ms, memory_order_relaxed);
}

void memory_full_found(struct memory_account *account, uint64_t octets)
{
    /* What would not even fit into an empty one says nothing about this one. */
    if (!since(account) && octets <= atomic_load_explicit(&account->quota, memory_order_relaxed))
        atomic_store_explicit(&account->full_ms, clock_wall_ms(), memory_order_relaxed);
}

void memory_full_taken(struct memory *m, struct memory_account *account)
{
    if (!since(account))
        return;
    atomic_store_explicit(&account->full_ms, 0, memory_order_relaxed);
    memory_full_say(m, account);
}

void memory_full_freed(struct memory *m, struct memory_account *account)
{
    if (!since(account))
        return;
    if (room(account) > 0)
        atomic_store_explicit(&account->full_ms, 0, memory_order_relaxed);
    memory_full_say(m, account);
}

void memory_full_say(const struct memory *m, const struct memory_account *account)
{
    const struct store_full full = {
        .account = account->id, .since_ms = since(account), .room = room(account)};

    if (m->full_visit)
        m->full_visit(m->full_context, &full);
}
