/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_SCAN_H
#define PROTO_MIME_MIME_SCAN_H

#include "proto/base/span.h"

/*
 * Hot loops over bodies. SSE2 is x86-64's baseline; AVX2 is chosen by CPUID; other machines go by
 * lines.
 */

/* What is counted while bodies go by. */
struct mime_scan {
    uint64_t lines; /* line ends (LF) that were passed */
    bool bare;      /* one of them had no CR before it */
};

/*
 * Passes over body bytes up to the first LF that may stand before a delimiter: one with '-' behind
 * it, or the last byte. Returns its offset, not counted, or s.len. `after_cr`: the byte before the
 * span was a CR.
 */
size_t mime_scan_delimiter(struct mime_scan *scan, struct span s, bool after_cr);

/* Passes over all of it. */
void mime_scan_all(struct mime_scan *scan, struct span s, bool after_cr);

/*
 * The first LF with `first` behind it, or an LF that is the last byte: its offset, or s.len. Counts
 * nothing.
 */
size_t mime_scan_line(struct span s, uint8_t first);

/* The same without the instruction set that is chosen at run time; for tests and for machines
 * without. */
size_t mime_scan_delimiter_baseline(struct mime_scan *scan, struct span s, bool after_cr);
void mime_scan_all_baseline(struct mime_scan *scan, struct span s, bool after_cr);
size_t mime_scan_line_baseline(struct span s, uint8_t first);

#endif
