/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/utf8.h"

#include "proto/base/ascii_run.h"

size_t utf8_length(struct span s)
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

bool utf8_valid(struct span s)
{
    while (s.len) {
        size_t n = s.data[0] < 0x80 ? 1 : utf8_length(s);

        if (n == 0)
            return false;
        s = span_skip(s, n);
    }
    return true;
}

bool utf8_needed(struct span s)
{
    for (size_t i = ascii_printable(s); i < s.len; i++)
        if (s.data[i] >= 0x80)
            return true;
    return false;
}
