/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_TALLY_H
#define CONTROL_TAP_TAP_TALLY_H

#include <stddef.h>

#include "dataplane/handoff/tap_source.h"

/* Statistics of several sources, added up by group and name; those of a group stand in a row. */
enum { TAP_TALLY_ROWS = 256 };

struct tap_tally {
    struct tap_statistic rows[TAP_TALLY_ROWS];
    size_t count;
};

/* `tally` is a struct tap_tally. Names are borrowed for as long as it. */
void tap_tally_add(void *tally, const struct tap_statistic *statistic);

#endif
