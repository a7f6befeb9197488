/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_SCAN_H
#define RULES_RULE_SCAN_H

#include <hs.h>

#include "rules/rule_set.h"

/*
 * Scanning with Hyperscan without letting it touch memory that is not ours. Internal to rules/.
 *
 * Its AVX512VBMI code (teddy and fat teddy, 5.4.0 to 5.4.2) reads up to three bytes behind the
 * input. That does no harm within a page and kills the process where the input ends at a page that
 * is not mapped, which for a chunk or the last frame of a pool depends on what a peer sent. So
 * input whose end is less than a vector away from the end of its page is scanned from a copy with
 * room behind it: of a stream the last bytes, of a whole value all of it.
 */

enum { RULE_SCAN_REACH = 64 }; /* one vector; more than is ever read */

/* What matches are reported to, and Hyperscan's scratch. */
struct rule_scan {
    hs_scratch_t *scratch;
    match_event_handler on_match;
    void *context;
    uint8_t *copy; /* RULE_VALUE_MAX + RULE_SCAN_REACH bytes, overwritten at will */
};

/* `value` is of 1 to RULE_VALUE_MAX bytes. */
hs_error_t rule_scan_value(const struct rule_scan *s, const hs_database_t *database,
                           struct span value);
/* `bytes` are 1 to UINT32_MAX. */
hs_error_t rule_scan_stream(const struct rule_scan *s, hs_stream_t *stream, struct span bytes);

#endif
