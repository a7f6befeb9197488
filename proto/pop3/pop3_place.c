/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_place.h"

size_t pop3_place_run(struct span s, bool after_cr)
{
    size_t at = 0;

    while (at < s.len) {
        ptrdiff_t lf = span_find(span_skip(s, at), '\n');
        bool whole;

        if (lf < 0)
            break;
        at += (size_t)lf + 1;
        whole = at >= 2 ? s.data[at - 2] == '\r' : after_cr;
        if (whole && at < s.len && s.data[at] == '.')
            return at;
    }
    return s.len;
}

enum pop3_place pop3_place_behind(struct span s, bool after_cr)
{
    uint8_t last = s.data[s.len - 1];
    bool cr = s.len >= 2 ? s.data[s.len - 2] == '\r' : after_cr;

    if (last == '\n' && cr)
        return POP3_PLACE_START;
    return last == '\r' ? POP3_PLACE_CR : POP3_PLACE_MIDDLE;
}
