/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory_ids.h"

#include <string.h>
#include <sys/mman.h>

#include "dataplane/handoff/hidden.h"

enum { PROBES = 32 }; /* lines that an id may lie in, from its own on */

bool memory_ids_init(struct memory_ids *ids, uint64_t capacity)
{
    ids->count = PROBES;
    while (ids->count * MEMORY_IDS_SLOTS < capacity)
        ids->count *= 2;
    ids->lines = hidden_new(ids->count * sizeof(*ids->lines));
    if (!ids->lines)
        return false;
    /* Each id has a line of its own somewhere in it: with small pages each would miss the TLB too.
     */
    madvise(ids->lines, ids->count * sizeof(*ids->lines), MADV_HUGEPAGE);
    return true;
}

void memory_ids_fini(struct memory_ids *ids)
{
    hidden_free(ids->lines, ids->count * sizeof(*ids->lines));
}

uint64_t memory_ids_hash(const struct id128 *id)
{
    uint64_t a, b;

    memcpy(&a, id->bytes, sizeof(a));
    memcpy(&b, id->bytes + sizeof(a), sizeof(b));
    a = a * UINT64_C(0x9e3779b97f4a7c15) ^ b;
    a = (a ^ a >> 33) * UINT64_C(0xff51afd7ed558ccd);
    a = (a ^ a >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return a ^ a >> 33;
}

static struct memory_ids_line *line_of(const struct memory_ids *ids, uint64_t hash, uint32_t probe)
{
    return &ids->lines[(hash + probe) & (ids->count - 1)];
}

static uint64_t slot_of(uint64_t hash, uint32_t number)
{
    return (hash & ~(uint64_t)UINT32_MAX) | number;
}

void memory_ids_prefetch(const struct memory_ids *ids, uint64_t hash)
{
    __builtin_prefetch(line_of(ids, hash, 0), 1);
}

static bool add_to(struct memory_ids_line *line, uint64_t slot)
{
    for (int i = 0; i < MEMORY_IDS_SLOTS; i++) {
        uint64_t none = 0;

        if (atomic_load_explicit(&line->slots[i], memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong_explicit(&line->slots[i], &none, slot,
                                                    memory_order_release, memory_order_relaxed))
            return true;
    }
    return false;
}

static void unpass(struct memory_ids *ids, uint64_t hash, uint32_t probes)
{
    for (uint32_t i = 0; i < probes; i++)
        atomic_fetch_sub_explicit(&line_of(ids, hash, i)->passed, 1, memory_order_relaxed);
}

bool memory_ids_add(struct memory_ids *ids, uint64_t hash, uint32_t number)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        struct memory_ids_line *line = line_of(ids, hash, i);

        if (add_to(line, slot_of(hash, number)))
            return true;
        /* Before it can be found behind it. */
        atomic_fetch_add_explicit(&line->passed, 1, memory_order_release);
    }
    unpass(ids, hash, PROBES);
    return false;
}

static bool remove_from(struct memory_ids_line *line, uint64_t slot)
{
    for (int i = 0; i < MEMORY_IDS_SLOTS; i++)
        if (atomic_load_explicit(&line->slots[i], memory_order_relaxed) == slot) {
            atomic_store_explicit(&line->slots[i], 0, memory_order_release);
            return true;
        }
    return false;
}

void memory_ids_remove(struct memory_ids *ids, uint64_t hash, uint32_t number)
{
    for (uint32_t i = 0; i < PROBES; i++)
        if (remove_from(line_of(ids, hash, i), slot_of(hash, number))) {
            unpass(ids, hash, i);
            return;
        }
}

uint32_t memory_ids_next(const struct memory_ids *ids, struct memory_ids_search *search)
{
    for (; search->line < PROBES; search->line++, search->slot = 0) {
        struct memory_ids_line *line = line_of(ids, search->hash, search->line);

        while (search->slot < MEMORY_IDS_SLOTS) {
            uint64_t slot =
                atomic_load_explicit(&line->slots[search->slot++], memory_order_acquire);

            if (slot && slot >> 32 == search->hash >> 32)
                return (uint32_t)slot;
        }
        if (atomic_load_explicit(&line->passed, memory_order_acquire) == 0)
            break;
    }
    search->line = PROBES;
    return 0;
}
