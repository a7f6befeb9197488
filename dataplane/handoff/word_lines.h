/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_WORD_LINES_H
#define DATAPLANE_HANDOFF_WORD_LINES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Words that several threads read and write, a cache line of them side by side: what a table by
 * name lies in (gauge_table, known_table). Fixed memory. */
enum { WORD_LINE = 8 };

struct word_line {
    _Atomic uint64_t words[WORD_LINE];
};
_Static_assert(sizeof(struct word_line) == 64, "a line is a cache line");

struct word_lines {
    struct word_line *lines;
    uint64_t mask; /* lines, a power of 2, less one */
};

/* At least `words` words, all 0, in at least `lines` lines, a power of 2. False: no memory, and
 * nothing to release. */
bool word_lines_init(struct word_lines *w, uint64_t words, uint64_t lines);
void word_lines_fini(struct word_lines *w);

/* The line that a number leads to. */
static inline struct word_line *word_lines_at(const struct word_lines *w, uint64_t number)
{
    return &w->lines[number & w->mask];
}

#endif
