/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/word_lines.h"

#include "dataplane/handoff/hidden.h"

bool word_lines_init(struct word_lines *w, uint64_t words, uint64_t lines)
{
    while (lines * WORD_LINE < words)
        lines *= 2;
    w->mask = lines - 1;
    /* Zero as it comes, and no page of it there before a name leads to it. */
    w->lines = hidden_new(lines * sizeof(*w->lines));
    return w->lines;
}

void word_lines_fini(struct word_lines *w)
{
    hidden_free(w->lines, (w->mask + 1) * sizeof(*w->lines));
    w->lines = NULL;
}
