/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/base64_read.h"

/* Without branches: keys are read by it, and time is not to depend on them. */
static int digit(uint8_t c)
{
    return -1 + ((uint8_t)(c - 'A') < 26) * (c - 'A' + 1) +
           ((uint8_t)(c - 'a') < 26) * (c - 'a' + 27) + ((uint8_t)(c - '0') < 10) * (c - '0' + 53) +
           (c == '+') * 63 + (c == '/') * 64;
}

bool base64_read(struct span text, struct writer *w)
{
    uint32_t bits = 0;

    while (text.len && text.data[text.len - 1] == '=')
        text.len--;
    if (text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = digit(text.data[i]);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4)
            writer_byte(w, (uint8_t)(bits >> (6 - 2 * (i % 4))));
    }
    return !w->full;
}
