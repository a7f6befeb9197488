/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/base/clock.h"
#include "control/store/memory.h"

enum {
    REMOVED = 256, /* tombstones of a mailbox in one step */
    LOOKED = 1024, /* accounts that a step looks at */
};

static uint32_t forget(struct memory_mailbox *box, const struct store_collect *limits)
{
    uint32_t count = box->tombstones_count, excess = 0, n = 0;

    if (limits->tombstones_max && count > limits->tombstones_max)
        excess = count - limits->tombstones_max;
    while (n < count && n < REMOVED) {
        const struct memory_tombstone *t = &box->tombstones[box->tombstones_first + n];

        if (n >= excess && !store_collect_is_old(limits, t->deleted_ms))
            break;
        box->floor = t->modseq;
        n++;
    }
    box->tombstones_first += n;
    box->tombstones_count -= n;
    return n;
}

/* Bodies that nobody refers to go when their last entry does, so tombstones are all there is. */
enum store_status memory_collect(struct store *store, const struct store_collect *limits,
                                 struct store_collected *collected)
{
    struct memory *m = memory_of(store);
    struct memory_account *account;
    uint64_t begun, held;
    uint32_t n = 0;

    memory_lock(m);
    begun = clock_monotonic_ns() / 1000;
    collected->done = false;
    for (uint32_t looked = 0; n == 0 && looked < LOOKED && !collected->done; looked++) {
        account = memory_names_next(m, m->collecting);
        collected->done = account == NULL;
        m->collecting = 0;
        if (!account)
            break;
        n = forget(&account->mailboxes[MESSAGE_INBOX], limits) +
            forget(&account->mailboxes[MESSAGE_QUARANTINE], limits);
        for (uint32_t i = 0; i < account->folder_count && n < REMOVED; i++)
            n += forget(account->folders[i], limits);
        m->collecting = account->id + (n < REMOVED);
    }
    collected->tombstones += n;
    held = clock_monotonic_ns() / 1000 - begun;
    memory_unlock(m);
    collected->held_us = held > collected->held_us ? held : collected->held_us;
    return STORE_OK;
}
