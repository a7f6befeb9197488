/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/base64url.h"

static int value_of(uint8_t c)
{
    if ((uint8_t)(c - 'A') < 26)
        return c - 'A';
    if ((uint8_t)(c - 'a') < 26)
        return c - 'a' + 26;
    if ((uint8_t)(c - '0') < 10)
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_read(struct span text, struct writer *w)
{
    uint32_t bits = 0;
    int held = 0;

    if (text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.data[i]);

        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xfff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            writer_byte(w, (uint8_t)(bits >> held));
        }
    }
    return !w->full && (bits & ((1u << held) - 1)) == 0;
}
