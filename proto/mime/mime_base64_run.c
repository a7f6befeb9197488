/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_base64_run.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define X MIME_BASE64_OTHER
#define S MIME_BASE64_BLANK
#define P MIME_BASE64_PAD
const uint8_t mime_base64_value[256] = {
    X,  X,  X,  X,  X,  X,  X,  X,  X,  S,  S,  X,  X,  S,  X,  X,  /* 00: TAB, LF, CR */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* 10 */
    S,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  62, X,  X,  X,  63, /* 20: SP + / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X,  X,  X,  P,  X,  X,  /* 30: 0-9 = */
    X,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, /* 40: A-O */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X,  X,  X,  X,  X,  /* 50: P-Z */
    X,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, /* 60: a-o */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X,  X,  X,  X,  X,  /* 70: p-z */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* 80 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* 90 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* a0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* b0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* c0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* d0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* e0 */
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  /* f0 */
};
#undef X
#undef S
#undef P

static inline bool is_blank(uint8_t c)
{
    return mime_base64_value[c] == MIME_BASE64_BLANK;
}

void mime_base64_run_baseline(struct span *in, struct writer *out)
{
    const uint8_t *value = mime_base64_value, *at = in->data, *end = in->data + in->len;
    uint8_t *to = out->data + out->len, *limit = out->data + out->cap;

    while (end - at >= 4 && limit - to >= 4) {
        uint32_t a = value[at[0]], b = value[at[1]], c = value[at[2]], d = value[at[3]];
        uint32_t v = a << 18 | b << 12 | c << 6 | d;

        if (!((a | b | c | d) & 0x40)) {
            v = __builtin_bswap32(v << 8);
            /* Writes one byte more than it keeps; the room was checked. */
            memcpy(to, &v, 4);
            to += 3;
            at += 4;
            continue;
        }
        if (a != MIME_BASE64_BLANK)
            break;
        at++;
    }
    while (at != end && is_blank(*at))
        at++;
    out->len = (size_t)(to - out->data);
    *in = span_between(at, end);
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

enum { STEP = 32, KEPT = 24 };

/* The same sixteen bytes in both lanes. */
#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/*
 * Bytes that are not of the alphabet, a bit each. The alphabet lies in six rows of the ASCII table,
 * of which four kinds differ in their columns: "+" and "/"; digits; all but the first; up to "Z"
 * and "z". A byte is of it when its row's kind is among those that have its column.
 */
AVX2 uint32_t outside(__m256i chars, __m256i rows)
{
    const __m256i kind_of_row = TWICE(0, 0, 1, 2, 4, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i kinds_with_column =
        TWICE(10, 14, 14, 14, 14, 14, 14, 14, 14, 14, 12, 5, 4, 4, 4, 5);
    __m256i columns = _mm256_and_si256(chars, _mm256_set1_epi8(15));
    __m256i fits = _mm256_and_si256(_mm256_shuffle_epi8(kind_of_row, rows),
                                    _mm256_shuffle_epi8(kinds_with_column, columns));

    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(fits, _mm256_setzero_si256()));
}

/* 32 characters of the alphabet to 24 bytes, and 8 more that mean nothing. */
AVX2 __m256i decoded(__m256i chars, __m256i rows)
{
    /* What is added to a character to get its value: by row, and "/" is none of its row. */
    const __m256i shift_of_row =
        TWICE(0, 0, 62 - '+', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i order = TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i slash = _mm256_set1_epi8('/');
    __m256i shift = _mm256_shuffle_epi8(shift_of_row, rows);
    __m256i v;

    shift = _mm256_add_epi8(shift, _mm256_and_si256(_mm256_cmpeq_epi8(chars, slash),
                                                    _mm256_set1_epi8((63 - '/') - (62 - '+'))));
    v = _mm256_add_epi8(chars, shift);
    /* Pairs of six bits to twelve, pairs of those to 24. */
    v = _mm256_maddubs_epi16(v, _mm256_set1_epi16(1 << 8 | 64));
    v = _mm256_madd_epi16(v, _mm256_set1_epi32(1 << 16 | 4096));
    v = _mm256_shuffle_epi8(v, order);
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

__attribute__((target("avx2"))) static void run_avx2(struct span *in, struct writer *out)
{
    const uint8_t *at = in->data, *end = in->data + in->len;
    uint8_t *to = out->data + out->len, *limit = out->data + out->cap;

    while (end - at >= STEP && limit - to >= STEP) {
        __m256i chars = _mm256_loadu_si256((const __m256i *)(const void *)at);
        __m256i rows = _mm256_and_si256(_mm256_srli_epi16(chars, 4), _mm256_set1_epi8(15));
        uint32_t odd = outside(chars, rows), whole;

        _mm256_storeu_si256((__m256i *)(void *)to, decoded(chars, rows));
        if (!odd) {
            at += STEP;
            to += KEPT;
            continue;
        }
        whole = (uint32_t)__builtin_ctz(odd) / 4;
        at += 4 * whole;
        to += 3 * whole;
        if (!is_blank(*at))
            break;
        while (at != end && is_blank(*at))
            at++;
    }
    out->len = (size_t)(to - out->data);
    *in = span_between(at, end);
}

void mime_base64_run(struct span *in, struct writer *out)
{
    if (__builtin_cpu_supports("avx2"))
        run_avx2(in, out);
    mime_base64_run_baseline(in, out);
}

#else

void mime_base64_run(struct span *in, struct writer *out)
{
    mime_base64_run_baseline(in, out);
}

#endif
