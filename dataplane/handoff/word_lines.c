/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/word_lines.h"

#include <stdlib.h>
#include <string.h>

bool word_lines_init(struct word_lines *w, uint64_t words, uint64_t lines)
{
    while (lines * WORD_LINE < words)
        lines *= 2;
    w->mask = lines - 1;
    w->lines = aligned_alloc(sizeof(*w->lines), lines * sizeof(*w->lines));
    if (w->lines)
        memset(w->lines, 0, lines * sizeof(*w->lines));
    return w->lines;
}

void word_lines_fini(struct word_lines *w)
{
    free(w->lines);
    w->lines = NULL;
}
