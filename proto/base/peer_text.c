/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/peer_text.h"

/*
 * The length of the well-formed UTF-8 sequence at the start of `s`, or 0. Overlong forms,
 * surrogates and what lies beyond U+10FFFF are not well formed (RFC 3629 section 4), nor are C1
 * controls wanted here.
 */
static size_t utf8_sequence(struct span s)
{
    uint8_t c = s.data[0];
    size_t n = c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (n == 0 || s.len < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s.data[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xc2 && s.data[1] < 0xa0) || (c == 0xe0 && s.data[1] < 0xa0) ||
        (c == 0xed && s.data[1] > 0x9f) || (c == 0xf0 && s.data[1] < 0x90) ||
        (c == 0xf4 && s.data[1] > 0x8f))
        return 0;
    return n;
}

void peer_text(struct writer *w, struct span bytes, size_t limit, enum peer_text_set set)
{
    size_t written = 0, cut = w->len;

    while (bytes.len) {
        uint8_t c = bytes.data[0];
        size_t n = set == PEER_TEXT_UTF8 && c >= 0x80 ? utf8_sequence(bytes) : 0;
        struct span unit = n ? span_head(bytes, n) : span_text(c >= 0x20 && c < 0x7f ? "" : "?");

        if (unit.len == 0)
            unit = span_head(bytes, 1);
        if (written + unit.len > limit) {
            /* Fall back to the last place where the ellipsis still fits. */
            if (!w->full && limit >= 3) {
                w->len = cut;
                writer_text(w, "...");
            }
            return;
        }
        writer_span_put(w, unit);
        written += unit.len;
        if (written + 3 <= limit && !w->full)
            cut = w->len;
        bytes = span_skip(bytes, n ? n : 1);
    }
}
