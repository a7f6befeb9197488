/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_SCAN_H
#define PROTO_SMTP_SMTP_SCAN_H

#include "proto/base/span.h"

/*
 * The hot loop of message data: how far can bytes be handed out as they stand? 64 bytes a step,
 * without a branch per line. SSE2 is x86-64's baseline; AVX2 is chosen by CPUID; other machines use
 * plain words.
 */

/* Where in a data line the scan stands. */
struct smtp_scan {
    int64_t line_start; /* offset of the line's first byte from the input's; far behind the input:
                           no limit */
    int64_t line_max;   /* octets of a line without its LF, at least 64 */
    bool at_start;      /* the input begins at the start of a line */
};

enum { SMTP_SCAN_LINE_MIN = 64 };
#define SMTP_SCAN_UNLIMITED (INT64_MAX / 4)

/*
 * The number of bytes at the start of `s` that stand before all of: a CR that is not followed by LF
 * or is the last byte; an LF that does not follow a CR; a NUL; a dot at the start of a line; the
 * byte that makes a line longer than line_max, LF not counted. `scan` is moved behind those bytes:
 * line_start is relative to what is left. Reads nothing outside the span. Bound: one pass.
 */
size_t smtp_scan(struct smtp_scan *scan, struct span s);

/* The same without the instruction sets that are chosen at run time; for tests and for machines
 * without. */
size_t smtp_scan_baseline(struct smtp_scan *scan, struct span s);

#endif
