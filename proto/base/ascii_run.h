/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_ASCII_RUN_H
#define PROTO_BASE_ASCII_RUN_H

#include "proto/base/span.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* How many bytes at the beginning are printable ASCII, 0x20 to 0x7e. Reads nothing behind them. */
static inline size_t ascii_printable(struct span s)
{
    size_t i = 0;

#ifdef __SSE2__
    /* Compared as signed numbers, in which bytes from 0x80 on are below all others. */
    for (; i + 16 <= s.len; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.data + i));
        __m128i is = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(0x1f)),
                                   _mm_cmplt_epi8(v, _mm_set1_epi8(0x7f)));
        unsigned mask = (unsigned)_mm_movemask_epi8(is);

        if (mask != 0xffff)
            return i + (unsigned)__builtin_ctz(~mask);
    }
#endif
    while (i < s.len && s.data[i] >= 0x20 && s.data[i] < 0x7f)
        i++;
    return i;
}

#endif
