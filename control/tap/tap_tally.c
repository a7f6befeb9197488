/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_tally.h"

#include <stdbool.h>
#include <string.h>

void tap_tally_add(void *tally, const struct tap_statistic *s)
{
    struct tap_tally *t = tally;
    size_t at = t->count;

    for (size_t i = 0; i < t->count; i++) {
        bool group = strcmp(t->rows[i].group, s->group) == 0;

        if (group && strcmp(t->rows[i].name, s->name) == 0) {
            t->rows[i].value += s->value;
            return;
        }
        if (group)
            at = i + 1;
    }
    if (t->count == TAP_TALLY_ROWS)
        return;
    memmove(t->rows + at + 1, t->rows + at, (t->count - at) * sizeof(t->rows[0]));
    t->rows[at] = *s;
    t->count++;
}
