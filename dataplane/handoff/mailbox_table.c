/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/mailbox_table.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { WAYS = 8 };

struct place {
    _Atomic uint64_t account, since_ms, room;
};

struct mailbox_table {
    uint64_t mask; /* of groups of WAYS places */
    struct place places[];
};

struct mailbox_table *mailbox_table_new(uint32_t accounts)
{
    uint64_t groups = 1;
    struct mailbox_table *t;

    while (groups * WAYS < 2 * (uint64_t)accounts)
        groups *= 2;
    t = calloc(1, sizeof(*t) + groups * WAYS * sizeof(t->places[0]));
    if (t)
        t->mask = groups - 1;
    return t;
}

void mailbox_table_free(struct mailbox_table *t)
{
    free(t);
}

/* Ids are counted up, so neighbours are to be spread. */
static uint64_t first_of(const struct mailbox_table *t, uint64_t account)
{
    return (account * UINT64_C(0x9e3779b97f4a7c15) >> 32 & t->mask) * WAYS;
}

static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static void store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

static struct place *find_place(struct mailbox_table *t, uint64_t account)
{
    struct place *places = &t->places[first_of(t, account)], *empty = NULL;

    for (int i = 0; i < WAYS; i++) {
        if (load(&places[i].account) == account)
            return &places[i];
        if (load(&places[i].since_ms) == 0)
            empty = &places[i];
    }
    return empty;
}

bool mailbox_table_put(struct mailbox_table *t, uint64_t account, const struct mailbox_full *full)
{
    struct place *p = find_place(t, account);

    if (!p)
        return full->since_ms == 0;
    if (load(&p->account) != account) {
        if (full->since_ms == 0)
            return true;
        store(&p->account, account);
    }
    store(&p->room, full->room);
    store(&p->since_ms, full->since_ms);
    return true;
}

bool mailbox_table_find(const struct mailbox_table *t, uint64_t account,
                        struct mailbox_full *full_out)
{
    const struct place *places = &t->places[first_of(t, account)];

    for (int i = 0; i < WAYS; i++) {
        if (load(&places[i].account) != account)
            continue;
        full_out->since_ms = load(&places[i].since_ms);
        full_out->room = load(&places[i].room);
        /* The place may have become another account's meanwhile. */
        return full_out->since_ms != 0 && load(&places[i].account) == account;
    }
    return false;
}
