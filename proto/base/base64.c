/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/base64.h"

static const uint8_t alphabet[64] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};

void base64_put(struct writer *w, struct span bytes)
{
    while (bytes.len) {
        size_t n = bytes.len < 3 ? bytes.len : 3;
        uint32_t bits = (uint32_t)bytes.data[0] << 16 | (n > 1 ? (uint32_t)bytes.data[1] << 8 : 0) |
                        (n > 2 ? bytes.data[2] : 0);
        uint8_t group[4];

        for (size_t i = 0; i < 4; i++)
            group[i] = i <= n ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
        writer_span_put(w, span_of(group, 4));
        bytes = span_skip(bytes, n);
    }
}
