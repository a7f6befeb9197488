/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* One byte at a time from `i` to `end`; returns where it stopped. `i` is 0 or more. */
static size_t slow(struct mime_scan *scan, struct span s, size_t i, size_t end, bool after_cr, bool stop)
{
    for (; i < end; i++) {
        bool cr = i ? s.data[i - 1] == '\r' : after_cr;

        if (s.data[i] != '\n')
            continue;
        if (stop && (i + 1 == s.len || s.data[i + 1] == '-'))
            return i;
        scan->lines++;
        scan->bare |= !cr;
    }
    return i;
}

#ifdef __SSE2__
/*
 * Sixteen bytes a step, with the neighbours on both sides loaded unaligned: a line end behind no CR and one
 * before '-' are then two comparisons, whatever the length of lines. SSE2 is in every x86-64.
 */
static inline size_t fast(struct mime_scan *scan, struct span s, size_t i, bool stop)
{
    const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r'), dash = _mm_set1_epi8('-');
    __m128i bare = _mm_setzero_si128();

    for (; i + 17 <= s.len; i += 16) {
        const uint8_t *at = s.data + i;
        __m128i ends = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)at), lf);
        __m128i crs = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(at - 1)), cr);
        unsigned mask = (unsigned)_mm_movemask_epi8(ends);

        if (stop && mask) {
            __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(at + 1));
            unsigned dashes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(next, dash));

            if (mask & dashes)
                break;
        }
        bare = _mm_or_si128(bare, _mm_andnot_si128(crs, ends));
        scan->lines += (unsigned)__builtin_popcount(mask);
    }
    scan->bare |= _mm_movemask_epi8(bare) != 0;
    return i;
}
#else
static inline size_t fast(struct mime_scan *scan, struct span s, size_t i, bool stop)
{
    for (;;) {
        ptrdiff_t found = span_find(span_skip(s, i), '\n');
        size_t at = i + (size_t)found;

        if (found < 0 || at + 1 == s.len || (stop && s.data[at + 1] == '-'))
            return i;
        scan->lines++;
        scan->bare |= at == 0 || s.data[at - 1] != '\r';
        i = at + 1;
    }
}
#endif

static inline size_t run(struct mime_scan *scan, struct span s, bool after_cr, bool stop)
{
    size_t i = slow(scan, s, 0, s.len ? 1 : 0, after_cr, stop);

    /* The first byte was the candidate itself, or there is nothing. */
    if (i == 0)
        return 0;
    i = fast(scan, s, i, stop);
    return slow(scan, s, i, s.len, after_cr, stop);
}

size_t mime_scan_delimiter(struct mime_scan *scan, struct span s, bool after_cr)
{
    return run(scan, s, after_cr, true);
}

void mime_scan_all(struct mime_scan *scan, struct span s, bool after_cr)
{
    run(scan, s, after_cr, false);
}
