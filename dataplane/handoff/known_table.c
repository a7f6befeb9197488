/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/known_table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 8, UNTIL_BITS = 32 };

struct known_line {
    _Atomic uint64_t words[LINE]; /* the name's upper half, and until when */
};

struct known_table {
    struct known_line *lines;
    uint64_t mask;
};

struct known_table *known_table_new(uint32_t names)
{
    struct known_table *t = calloc(1, sizeof(*t));
    uint64_t lines = 1;

    if (!t)
        return NULL;
    while (lines * LINE < names)
        lines *= 2;
    t->mask = lines - 1;
    t->lines = aligned_alloc(sizeof(*t->lines), lines * sizeof(*t->lines));
    if (!t->lines) {
        free(t);
        return NULL;
    }
    memset(t->lines, 0, lines * sizeof(*t->lines));
    return t;
}

void known_table_free(struct known_table *t)
{
    if (t)
        free(t->lines);
    free(t);
}

void known_table_put(struct known_table *t, uint64_t name, uint32_t until)
{
    struct known_line *line = &t->lines[name & t->mask];
    uint64_t word = name >> UNTIL_BITS << UNTIL_BITS | until;
    int at = 0;

    for (int i = 0; i < LINE; i++) {
        uint64_t there = atomic_load_explicit(&line->words[i], memory_order_relaxed);

        if (there >> UNTIL_BITS == word >> UNTIL_BITS) {
            at = i;
            break;
        }
        if ((uint32_t)there < (uint32_t)line->words[at])
            at = i;
    }
    atomic_store_explicit(&line->words[at], word, memory_order_relaxed);
}

void known_table_clear(struct known_table *t)
{
    for (uint64_t i = 0; i <= t->mask; i++)
        for (int k = 0; k < LINE; k++)
            atomic_store_explicit(&t->lines[i].words[k], 0, memory_order_relaxed);
}

bool known_table_has(const struct known_table *t, uint64_t name, uint32_t now)
{
    const struct known_line *line = &t->lines[name & t->mask];

    for (int i = 0; i < LINE; i++) {
        uint64_t there = atomic_load_explicit(&line->words[i], memory_order_relaxed);

        if (there >> UNTIL_BITS == name >> UNTIL_BITS && (uint32_t)there > now)
            return true;
    }
    return false;
}
