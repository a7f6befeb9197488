/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_REPORT_H
#define CONTROL_BLAST_BLAST_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "dataplane/handoff/blast_order.h"

/* What a run has to say: a line a second, a table, an object of JSON (schema "blast"). */

/* A second: what happened since the last one. `last` is brought up to date. */
struct blast_report_last {
    uint64_t elapsed_us;
    struct blast_counts counts;
    struct log_histogram sessions;
};
struct blast_report_row {
    double at;                           /* seconds */
    double sessions, messages, megabits; /* a second */
    uint32_t active;
    uint64_t p50_us, p99_us; /* of the sessions that ended */
    uint64_t refused, failed;
};
struct blast_report_row blast_report_second(const struct blast_order *order,
                                            const struct blast_told *told,
                                            struct blast_report_last *last);
void blast_report_line(FILE *out, const struct blast_report_row *row);
/* A new reference. */
json_t *blast_report_row_json(const struct blast_report_row *row);
/* At the end. `counters` are the engine's, by name. */
void blast_report_table(FILE *out, const struct blast_order *order, const struct blast_told *told,
                        const json_t *counters);
/* What else the object has: the engine's counters by name, and rows of seconds. Borrowed. */
struct blast_report_more {
    json_t *counters, *timeline;
};
/* A new reference. */
json_t *blast_report_json(const struct blast_order *order, const struct blast_told *told,
                          const struct blast_report_more *more);
/* What went wrong in sessions, all together. */
uint64_t blast_report_failures(const struct blast_counts *counts);
/* Whether what was read back is all there, once, and as it was sent. */
bool blast_report_verified(const struct blast_verified *verified);

#endif
