/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/known_table.h"

#include <stdlib.h>

#include "dataplane/handoff/word_lines.h"

enum { UNTIL_BITS = 32 };

struct known_table {
    struct word_lines lines; /* a word: the name's upper half, and until when */
};

struct known_table *known_table_new(uint32_t names)
{
    struct known_table *t = calloc(1, sizeof(*t));

    if (t && word_lines_init(&t->lines, names, 1))
        return t;
    free(t);
    return NULL;
}

void known_table_free(struct known_table *t)
{
    if (t)
        word_lines_fini(&t->lines);
    free(t);
}

void known_table_put(struct known_table *t, uint64_t name, uint32_t until)
{
    struct word_line *line = word_lines_at(&t->lines, name);
    uint64_t word = name >> UNTIL_BITS << UNTIL_BITS | until;
    int at = 0;

    for (int i = 0; i < WORD_LINE; i++) {
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
    for (uint64_t i = 0; i <= t->lines.mask; i++)
        for (int k = 0; k < WORD_LINE; k++)
            atomic_store_explicit(&t->lines.lines[i].words[k], 0, memory_order_relaxed);
}

bool known_table_has(const struct known_table *t, uint64_t name, uint32_t now)
{
    const struct word_line *line = word_lines_at(&t->lines, name);

    for (int i = 0; i < WORD_LINE; i++) {
        uint64_t there = atomic_load_explicit(&line->words[i], memory_order_relaxed);

        if (there >> UNTIL_BITS == name >> UNTIL_BITS && (uint32_t)there > now)
            return true;
    }
    return false;
}
