/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/index_sort.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void begin_pair(struct index_sort *s, uint64_t low)
{
    s->low = s->i = s->at = low;
    s->j = least(low + s->width, s->count);
}

void index_sort_init(struct index_sort *s, uint32_t *memory, uint32_t count,
                     bool (*before)(const void *context, uint32_t a, uint32_t b),
                     const void *context)
{
    *s = (struct index_sort){.from = memory,
                             .to = memory + count,
                             .count = count,
                             .width = 1,
                             .before = before,
                             .context = context};
    for (uint32_t i = 0; i < count; i++)
        memory[i] = i;
    begin_pair(s, 0);
}

/* Runs are twice as long from here on. */
static void next_pass(struct index_sort *s)
{
    uint32_t *other = s->from;

    s->from = s->to;
    s->to = other;
    s->width *= 2;
    begin_pair(s, 0);
}

bool index_sort_step(struct index_sort *s, uint32_t steps)
{
    while (s->width < s->count) {
        uint64_t middle = least(s->low + s->width, s->count);
        uint64_t high = least(s->low + 2 * s->width, s->count);

        for (; s->at < high; s->at++) {
            bool first = s->i < middle;

            if (steps-- == 0)
                return false;
            if (first && s->j < high)
                first = !s->before(s->context, s->from[s->j], s->from[s->i]);
            s->to[s->at] = s->from[first ? s->i++ : s->j++];
        }
        if (high == s->count)
            next_pass(s);
        else
            begin_pair(s, high);
    }
    return true;
}
