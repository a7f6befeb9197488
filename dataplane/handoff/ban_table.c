/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/ban_table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/handoff/limits.h"
#include "proto/base/siphash.h"

enum { WAYS = 8, SPARE = 4, LENGTHS = 129, LENGTH_WORDS = (LENGTHS + 63) / 64 };

/* `until_ms` 0: free. */
struct place {
    _Atomic uint64_t name, until_ms;
};

struct set {
    struct place places[WAYS];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct set) == 128, "as the header says");

struct ban_table {
    struct set *sets;
    uint64_t mask;
    uint8_t secret[16];
    _Atomic uint64_t lengths[LENGTH_WORDS]; /* of prefixes that were ever put, by bit */
};

struct ban_table *ban_table_new(uint32_t bans, const uint8_t secret[16])
{
    struct ban_table *t = calloc(1, sizeof(*t));
    uint64_t sets = 1;

    while (sets * WAYS < (uint64_t)bans * SPARE)
        sets *= 2;
    if (!t)
        return NULL;
    memcpy(t->secret, secret, sizeof(t->secret));
    t->mask = sets - 1;
    t->sets = aligned_alloc(64, sets * sizeof(struct set));
    if (!t->sets) {
        free(t);
        return NULL;
    }
    memset(t->sets, 0, sets * sizeof(struct set));
    return t;
}

void ban_table_free(struct ban_table *t)
{
    if (t)
        free(t->sets);
    free(t);
}

static uint64_t name_of(const struct ban_table *t, const struct ip_address *a, uint8_t bits)
{
    struct ip_address masked = limits_masked(a, bits);
    uint8_t key[sizeof(masked.bytes) + 1];

    memcpy(key, masked.bytes, sizeof(masked.bytes));
    key[sizeof(masked.bytes)] = bits;
    return siphash(t->secret, span_of(key, sizeof(key)));
}

static struct set *set_of(const struct ban_table *t, uint64_t name)
{
    return &t->sets[name & t->mask];
}

static struct place *find(struct set *set, uint64_t name)
{
    for (int i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&set->places[i].name, memory_order_acquire) == name)
            return &set->places[i];
    return NULL;
}

static struct place *find_free(struct set *set, uint64_t now_ms)
{
    for (int i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&set->places[i].until_ms, memory_order_relaxed) <= now_ms)
            return &set->places[i];
    return NULL;
}

bool ban_table_put(struct ban_table *t, const struct ip_address *network, uint8_t bits,
                   uint64_t until_ms, uint64_t now_ms)
{
    uint64_t name = name_of(t, network, bits);
    struct set *set = set_of(t, name);
    struct place *p = find(set, name);

    if (!p)
        p = find_free(set, now_ms);
    if (!p)
        return false;
    /* Nobody may see the new name with the end of the old one. */
    atomic_store_explicit(&p->until_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&p->name, name, memory_order_release);
    atomic_store_explicit(&p->until_ms, until_ms, memory_order_release);
    atomic_fetch_or_explicit(&t->lengths[bits / 64], UINT64_C(1) << bits % 64,
                             memory_order_release);
    return true;
}

void ban_table_remove(struct ban_table *t, const struct ip_address *network, uint8_t bits)
{
    uint64_t name = name_of(t, network, bits);
    struct place *p = find(set_of(t, name), name);

    if (p)
        atomic_store_explicit(&p->until_ms, 0, memory_order_relaxed);
}

static bool has(const struct ban_table *t, const struct ip_address *address, uint8_t bits,
                uint64_t now_ms)
{
    uint64_t name = name_of(t, address, bits);
    const struct place *p = find(set_of(t, name), name);

    /* The place may have been given to another meanwhile. */
    return p && atomic_load_explicit(&p->until_ms, memory_order_acquire) > now_ms &&
           atomic_load_explicit(&p->name, memory_order_relaxed) == name;
}

bool ban_table_has(const struct ban_table *t, const struct ip_address *address, uint64_t now_ms)
{
    for (unsigned i = 0; i < LENGTH_WORDS; i++) {
        uint64_t word = atomic_load_explicit(&t->lengths[i], memory_order_acquire);

        for (; word; word &= word - 1)
            if (has(t, address, (uint8_t)(i * 64 + (unsigned)__builtin_ctzll(word)), now_ms))
                return true;
    }
    return false;
}
