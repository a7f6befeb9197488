/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_scan.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

/* One byte at a time from `i` to `end`; returns where it stopped. `i` is 0 or more. */
static size_t slow(struct mime_scan *scan, struct span s, size_t i, size_t end, bool after_cr,
                   bool stop)
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
static inline __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

AVX2 __m256i is_avx2(const uint8_t *at, char c)
{
    return _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)at),
                             _mm256_set1_epi8(c));
}

AVX2 uint64_t sum_avx2(__m256i counts)
{
    uint64_t sums[4];

    _mm256_storeu_si256((__m256i *)(void *)sums, _mm256_sad_epu8(counts, _mm256_setzero_si256()));
    return sums[0] + sums[1] + sums[2] + sums[3];
}

/* As fast() below, 64 bytes a step. */
AVX2 size_t faster(struct mime_scan *scan, struct span s, size_t i, bool stop)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i bare = zero, counts = zero;
    unsigned room = 127;

    for (; i + 65 <= s.len; i += 64) {
        const uint8_t *at = s.data + i;
        __m256i ends = is_avx2(at, '\n'), more = is_avx2(at + 32, '\n');

        if (stop) {
            __m256i found = _mm256_or_si256(_mm256_and_si256(ends, is_avx2(at + 1, '-')),
                                            _mm256_and_si256(more, is_avx2(at + 33, '-')));

            if (!_mm256_testz_si256(found, found))
                break;
        }
        bare = _mm256_or_si256(bare,
                               _mm256_or_si256(_mm256_andnot_si256(is_avx2(at - 1, '\r'), ends),
                                               _mm256_andnot_si256(is_avx2(at + 31, '\r'), more)));
        counts = _mm256_sub_epi8(_mm256_sub_epi8(counts, ends), more);
        if (--room == 0) {
            scan->lines += sum_avx2(counts);
            counts = zero;
            room = 127;
        }
    }
    scan->lines += sum_avx2(counts);
    scan->bare |= !_mm256_testz_si256(bare, bare);
    return i;
}

__attribute__((target("avx2"))) static size_t fast_avx2(struct mime_scan *scan, struct span s,
                                                        size_t i, bool stop)
{
    return stop ? faster(scan, s, i, true) : faster(scan, s, i, false);
}

/*
 * Sixteen bytes a step, with the neighbours on both sides loaded unaligned: a line end behind no CR
 * and one before '-' are then two comparisons, whatever the length of lines. SSE2 is in every
 * x86-64.
 */
static inline size_t fast(struct mime_scan *scan, struct span s, size_t i, bool stop)
{
    const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r'), dash = _mm_set1_epi8('-');
    const __m128i zero = _mm_setzero_si128();
    __m128i bare = zero, lines = zero;
    /* Bytewise counts of line ends, added up before one of them can overflow. */
    __m128i counts = zero;
    unsigned room = 255;

    for (; i + 17 <= s.len; i += 16) {
        __m128i ends = _mm_cmpeq_epi8(load(s.data + i), lf);

        if (stop &&
            _mm_movemask_epi8(_mm_and_si128(ends, _mm_cmpeq_epi8(load(s.data + i + 1), dash))))
            break;
        bare = _mm_or_si128(bare, _mm_andnot_si128(_mm_cmpeq_epi8(load(s.data + i - 1), cr), ends));
        counts = _mm_sub_epi8(counts, ends);
        if (--room == 0) {
            lines = _mm_add_epi64(lines, _mm_sad_epu8(counts, zero));
            counts = zero;
            room = 255;
        }
    }
    lines = _mm_add_epi64(lines, _mm_sad_epu8(counts, zero));
    scan->lines +=
        (uint64_t)_mm_cvtsi128_si64(lines) + (uint64_t)_mm_cvtsi128_si64(_mm_srli_si128(lines, 8));
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

static inline size_t run(struct mime_scan *scan, struct span s, bool after_cr, bool stop,
                         bool baseline)
{
    size_t i = slow(scan, s, 0, s.len ? 1 : 0, after_cr, stop);

    /* The first byte was the candidate itself, or there is nothing. */
    if (i == 0)
        return 0;
#ifdef __SSE2__
    if (!baseline && __builtin_cpu_supports("avx2"))
        i = fast_avx2(scan, s, i, stop);
#endif
    i = fast(scan, s, i, stop);
    return slow(scan, s, i, s.len, after_cr, stop);
}

size_t mime_scan_delimiter(struct mime_scan *scan, struct span s, bool after_cr)
{
    return run(scan, s, after_cr, true, false);
}

void mime_scan_all(struct mime_scan *scan, struct span s, bool after_cr)
{
    run(scan, s, after_cr, false, false);
}

size_t mime_scan_delimiter_baseline(struct mime_scan *scan, struct span s, bool after_cr)
{
    return run(scan, s, after_cr, true, true);
}

void mime_scan_all_baseline(struct mime_scan *scan, struct span s, bool after_cr)
{
    run(scan, s, after_cr, false, true);
}

#ifdef __SSE2__
/* Where one byte is followed by the other, of the sixteen from `at` on. */
static inline __m128i pair(const uint8_t *at, __m128i first, __m128i second)
{
    return _mm_and_si128(_mm_cmpeq_epi8(load(at), first), _mm_cmpeq_epi8(load(at + 1), second));
}

AVX2 __m256i pair_avx2(const uint8_t *at, char first)
{
    return _mm256_and_si256(is_avx2(at, '\n'), is_avx2(at + 1, first));
}

/* The 64 bytes in which such a line begins, or behind the last of them. */
__attribute__((target("avx2"))) static size_t line_avx2(struct span s, char first)
{
    size_t i = 0;

    for (; i + 65 <= s.len; i += 64) {
        __m256i found = _mm256_or_si256(pair_avx2(s.data + i, first),
                                        pair_avx2(s.data + i + 32, first));

        if (!_mm256_testz_si256(found, found))
            break;
    }
    return i;
}
#endif

static inline size_t line(struct span s, uint8_t first, bool baseline)
{
    size_t i = 0;

#ifdef __SSE2__
    const __m128i lf = _mm_set1_epi8('\n'), next = _mm_set1_epi8((char)first);

    if (!baseline && __builtin_cpu_supports("avx2"))
        i = line_avx2(s, (char)first);
    for (; i + 65 <= s.len; i += 64)
        if (_mm_movemask_epi8(_mm_or_si128(
                _mm_or_si128(pair(s.data + i, lf, next), pair(s.data + i + 16, lf, next)),
                _mm_or_si128(pair(s.data + i + 32, lf, next), pair(s.data + i + 48, lf, next)))))
            break;
    for (; i + 17 <= s.len; i += 16)
        if (_mm_movemask_epi8(pair(s.data + i, lf, next)))
            break;
#endif
    for (; i < s.len; i++)
        if (s.data[i] == '\n' && (i + 1 == s.len || s.data[i + 1] == first))
            return i;
    return s.len;
}

size_t mime_scan_line(struct span s, uint8_t first)
{
    return line(s, first, false);
}

size_t mime_scan_line_baseline(struct span s, uint8_t first)
{
    return line(s, first, true);
}
