/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/peer_text.h"

#include "proto/base/ascii_run.h"
#include "proto/base/utf8.h"

void peer_text(struct writer *w, struct span bytes, size_t limit, enum peer_text_set set)
{
    /* Most of what peers say is taken over in one piece. */
    size_t written = limit >= 3 ? ascii_printable(span_head(bytes, limit - 3)) : 0, cut = w->len;

    if (written > writer_room(w))
        written = writer_room(w);
    writer_span_put(w, span_head(bytes, written));
    bytes = span_skip(bytes, written);
    if (!w->full)
        cut = w->len;
    while (bytes.len) {
        uint8_t c = bytes.data[0];
        size_t n = set == PEER_TEXT_UTF8 && c >= 0x80 ? utf8_length(bytes) : 0;
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
