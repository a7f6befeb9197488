/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_canon.h"

#include "proto/base/ascii.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

/* One byte at a time. */
static size_t slow(struct span s, size_t i)
{
    for (; i < s.len; i++) {
        if (s.data[i] == '\t')
            return i;
        if (s.data[i] == ' ' &&
            (i + 1 == s.len || ascii_blank(s.data[i + 1]) || s.data[i + 1] == '\r'))
            return i;
    }
    return i;
}

#ifdef __SSE2__
#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

AVX2 __m256i load_avx2(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

/* As fast() below, 32 bytes a step. */
__attribute__((target("avx2"))) static size_t faster(struct span s)
{
    const __m256i space = _mm256_set1_epi8(' '), tab = _mm256_set1_epi8('\t'),
                  cr = _mm256_set1_epi8('\r');
    size_t i = 0;

    for (; i + 33 <= s.len; i += 32) {
        __m256i here = load_avx2(s.data + i), next = load_avx2(s.data + i + 1);
        __m256i wrong = _mm256_or_si256(
            _mm256_cmpeq_epi8(next, space),
            _mm256_or_si256(_mm256_cmpeq_epi8(next, tab), _mm256_cmpeq_epi8(next, cr)));
        __m256i found = _mm256_or_si256(_mm256_and_si256(_mm256_cmpeq_epi8(here, space), wrong),
                                        _mm256_cmpeq_epi8(here, tab));
        uint32_t bits = (uint32_t)_mm256_movemask_epi8(found);

        if (bits)
            return i + (size_t)__builtin_ctz(bits);
    }
    return i;
}

static inline __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Sixteen bytes a step, with the neighbour loaded unaligned. Stops where an edit is, or where too
 * few bytes are left. */
static size_t fast(struct span s, size_t i)
{
    const __m128i space = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t'), cr = _mm_set1_epi8('\r');

    for (; i + 17 <= s.len; i += 16) {
        __m128i here = load(s.data + i), next = load(s.data + i + 1);
        __m128i wrong =
            _mm_or_si128(_mm_cmpeq_epi8(next, space),
                         _mm_or_si128(_mm_cmpeq_epi8(next, tab), _mm_cmpeq_epi8(next, cr)));
        __m128i found = _mm_or_si128(_mm_and_si128(_mm_cmpeq_epi8(here, space), wrong),
                                     _mm_cmpeq_epi8(here, tab));
        unsigned bits = (unsigned)_mm_movemask_epi8(found);

        if (bits)
            return i + (size_t)__builtin_ctz(bits);
    }
    return i;
}

size_t dkim_canon_scan(struct span s, bool baseline)
{
    size_t i = !baseline && __builtin_cpu_supports("avx2") ? faster(s) : 0;

    return slow(s, fast(s, i));
}
#else
size_t dkim_canon_scan(struct span s, bool baseline)
{
    return slow(s, 0);
}
#endif
