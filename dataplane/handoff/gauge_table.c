/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/gauge_table.h"

#include <stdlib.h>

#include "dataplane/handoff/word_lines.h"

enum { LINES_TRIED = 4, COUNT_BITS = 20, LOOKS = 4096 };

struct gauge_table {
    struct word_lines lines; /* a word of 0: free */
};

/* What was seen in the places of one name. */
struct sight {
    _Atomic uint64_t *own, *free;
    uint64_t own_word;
    uint64_t count;
};

struct gauge_table *gauge_table_new(uint32_t gauges)
{
    struct gauge_table *t = calloc(1, sizeof(*t));

    if (t && word_lines_init(&t->lines, (uint64_t)gauges * 2, LINES_TRIED))
        return t;
    free(t);
    return NULL;
}

void gauge_table_free(struct gauge_table *t)
{
    if (t)
        word_lines_fini(&t->lines);
    free(t);
}

/* The part of the name that stands in its word, above the count; the line comes from the other end.
 */
static uint64_t tag_of(uint64_t name)
{
    uint64_t tag = name >> COUNT_BITS << COUNT_BITS;

    return tag ? tag : UINT64_C(1) << COUNT_BITS;
}

static struct sight look(const struct gauge_table *t, uint64_t name)
{
    struct sight sight = {0};
    uint64_t tag = tag_of(name);

    for (uint64_t i = 0; i < LINES_TRIED; i++) {
        struct word_line *line = word_lines_at(&t->lines, name + i);

        for (int k = 0; k < WORD_LINE; k++) {
            uint64_t word = atomic_load_explicit(&line->words[k], memory_order_relaxed);

            if (word == 0) {
                sight.free = sight.free ? sight.free : &line->words[k];
            } else if ((word & ~(uint64_t)GAUGE_COUNT_MAX) == tag) {
                sight.count += word & GAUGE_COUNT_MAX;
                sight.own = &line->words[k];
                sight.own_word = word;
            }
        }
    }
    return sight;
}

enum gauge_status gauge_table_take(struct gauge_table *t, uint64_t name, uint32_t limit)
{
    if (limit == 0 || limit > GAUGE_COUNT_MAX)
        limit = GAUGE_COUNT_MAX;
    for (;;) {
        struct sight sight = look(t, name);
        _Atomic uint64_t *at = sight.own ? sight.own : sight.free;
        uint64_t before = sight.own ? sight.own_word : 0;
        uint64_t after = sight.own ? before + 1 : tag_of(name) | 1;

        if (sight.count >= limit)
            return GAUGE_FULL;
        if (!at)
            return GAUGE_NO_PLACE;
        if (atomic_compare_exchange_weak_explicit(at, &before, after, memory_order_relaxed,
                                                  memory_order_relaxed))
            return GAUGE_TAKEN;
    }
}

void gauge_table_give(struct gauge_table *t, uint64_t name)
{
    /* Bounded, so that one that was never taken costs time and nothing else. */
    for (int looks = 0; looks < LOOKS; looks++) {
        struct sight sight = look(t, name);
        uint64_t before = sight.own_word;

        /* Not seen: another worker gave this word back and took it anew elsewhere while we looked.
         */
        if (!sight.own)
            continue;
        if (atomic_compare_exchange_weak_explicit(sight.own, &before,
                                                  (before & GAUGE_COUNT_MAX) == 1 ? 0 : before - 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return;
    }
}

uint32_t gauge_table_count(const struct gauge_table *t, uint64_t name)
{
    return (uint32_t)look(t, name).count;
}

uint64_t gauge_table_sum(const struct gauge_table *t)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i <= t->lines.mask; i++)
        for (int k = 0; k < WORD_LINE; k++)
            sum += atomic_load_explicit(&t->lines.lines[i].words[k], memory_order_relaxed) &
                   GAUGE_COUNT_MAX;
    return sum;
}
