/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/rule_scan.h"

enum { PAGE = 4096 }; /* the smallest there is; larger ones end at its multiples */

static bool ends_near_page(struct span s)
{
    uintptr_t last = (uintptr_t)s.data + s.len - 1;

    return last % PAGE >= PAGE - RULE_SCAN_REACH;
}

hs_error_t rule_scan_value(const struct rule_scan *s, const hs_database_t *database,
                           struct span value)
{
    const uint8_t *data = value.data;

    if (ends_near_page(value)) {
        memcpy(s->copy, value.data, value.len);
        data = s->copy;
    }
    return hs_scan(database, (const char *)data, (unsigned int)value.len, 0, s->scratch,
                   s->on_match, s->context);
}

static hs_error_t scan_piece(const struct rule_scan *s, hs_stream_t *stream, struct span bytes)
{
    return hs_scan_stream(stream, (const char *)bytes.data, (unsigned int)bytes.len, 0, s->scratch,
                          s->on_match, s->context);
}

hs_error_t rule_scan_stream(const struct rule_scan *s, hs_stream_t *stream, struct span bytes)
{
    size_t tail = bytes.len < RULE_SCAN_REACH ? bytes.len : RULE_SCAN_REACH;
    hs_error_t error = HS_SUCCESS;

    if (!ends_near_page(bytes))
        return scan_piece(s, stream, bytes);
    /* What lies before the tail may be scanned in place: behind it is the tail. */
    if (bytes.len > tail)
        error = scan_piece(s, stream, span_head(bytes, bytes.len - tail));
    if (error != HS_SUCCESS)
        return error;
    bytes = span_skip(bytes, bytes.len - tail);
    memcpy(s->copy, bytes.data, tail);
    return scan_piece(s, stream, span_of(s->copy, tail));
}
