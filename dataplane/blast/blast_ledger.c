/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_ledger.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Zeroed, and only what is touched is there. */
static void *lazy(uint64_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

struct blast_ledger *blast_ledger_new(uint64_t size)
{
    struct blast_ledger *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->size = size;
    l->sent = lazy(size);
    l->accepted = lazy(size);
    l->found = lazy(size);
    if (l->sent && l->accepted && l->found)
        return l;
    blast_ledger_free(l);
    return NULL;
}

void blast_ledger_free(struct blast_ledger *l)
{
    if (!l)
        return;
    if (l->sent)
        munmap(l->sent, l->size);
    if (l->accepted)
        munmap(l->accepted, l->size);
    if (l->found)
        munmap((void *)l->found, l->size);
    free(l);
}

uint32_t blast_ledger_first(const struct blast_order *order, uint64_t number)
{
    return (uint32_t)(number % order->user_count * order->recipients % order->user_count);
}

void blast_ledger_sent(struct blast_ledger *l, uint64_t number, uint8_t mask)
{
    l->sent[number] = mask;
}

void blast_ledger_accepted(struct blast_ledger *l, uint64_t number, uint8_t mask)
{
    l->accepted[number] = mask;
}

void blast_ledger_refused(struct blast_ledger *l, uint64_t number)
{
    l->sent[number] = 0;
}

void blast_ledger_found(struct blast_ledger *l, const struct blast_order *order,
                        struct blast_finding f)
{
    uint32_t first, place;
    uint8_t bit;

    if (f.number >= l->size) {
        atomic_fetch_add(&l->unexpected, 1);
        return;
    }
    first = blast_ledger_first(order, f.number);
    place = (f.user + order->user_count - first) % order->user_count;
    bit = (uint8_t)(1u << place % BLAST_VERIFY_RECIPIENTS);
    if (place >= order->recipients || !(l->sent[f.number] & bit))
        atomic_fetch_add(&l->unexpected, 1);
    else if (atomic_fetch_or(&l->found[f.number], bit) & bit)
        atomic_fetch_add(&l->duplicated, 1);
    else if (!f.whole)
        atomic_fetch_add(&l->changed, 1);
}

static uint64_t bits(unsigned int mask)
{
    return (uint64_t)__builtin_popcount(mask & 0xff);
}

struct blast_verified blast_ledger_sum(const struct blast_ledger *l)
{
    struct blast_verified v = {.duplicated = l->duplicated,
                               .changed = l->changed,
                               .unexpected = l->unexpected,
                               .foreign = l->foreign,
                               .mailboxes = l->mailboxes,
                               .unread = l->unread};

    for (uint64_t i = 0; i < l->size; i++) {
        unsigned int accepted = l->accepted[i], found = l->found[i];

        v.expected += bits(accepted);
        v.found += bits(accepted & found);
        v.lost += bits(accepted & ~found);
        v.doubtful += bits(found & ~accepted);
    }
    /* They are there, but not as they were sent. */
    v.found -= v.changed < v.found ? v.changed : v.found;
    return v;
}
