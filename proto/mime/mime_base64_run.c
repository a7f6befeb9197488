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

static void run_plain(struct span *in, struct writer *out)
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

/* ---- 64 at a time ---- */

#define TARGET_512 target("avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")
#define AVX512 __attribute__((TARGET_512, always_inline)) static inline

enum { WIDE = 64, WIDE_KEPT = 48, STAGED = 2048 };

/*
 * Puts the values of 64 characters, of which those not in `there` are taken for blanks, behind
 * each other; *count_out tells how many. False: there is one that is neither of the alphabet nor
 * blank. `low` and `high` are the table's first 128.
 */
AVX512 bool stage(const uint8_t *at, __mmask64 there, __m512i low, __m512i high, uint8_t *to,
                  size_t *count_out)
{
    const __m512i blank = _mm512_set1_epi8(MIME_BASE64_BLANK);
    __m512i chars = _mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), there, at);
    __m512i values = _mm512_permutex2var_epi8(low, chars, high);
    __mmask64 eight_bits = _mm512_movepi8_mask(chars);
    /* Only values of the alphabet do not have the bit that stands for a blank. */
    __mmask64 not_one = _mm512_test_epi8_mask(values, blank) | eight_bits;

    if (not_one != (_mm512_cmpeq_epi8_mask(values, blank) & ~eight_bits))
        return false;
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi8(~not_one, values));
    *count_out = (size_t)_mm_popcnt_u64(~not_one);
    return true;
}

/* `bytes` bytes from four thirds as many values. */
AVX512 void pack(const uint8_t *values, uint8_t *to, size_t bytes, __m512i order)
{
    for (size_t at = 0; at < bytes; at += WIDE_KEPT, values += WIDE) {
        size_t n = bytes - at < WIDE_KEPT ? bytes - at : WIDE_KEPT;
        __m512i v = _mm512_loadu_si512(values);

        v = _mm512_maddubs_epi16(v, _mm512_set1_epi16(1 << 8 | 64));
        v = _mm512_madd_epi16(v, _mm512_set1_epi32(1 << 16 | 4096));
        v = _mm512_permutexvar_epi8(order, v);
        _mm512_mask_storeu_epi8(to + at, ((__mmask64)1 << n) - 1, v);
    }
}

#define THREE(at) (at) + 2, (at) + 1, (at)
#define TWELVE(at) THREE(at), THREE((at) + 4), THREE((at) + 8), THREE((at) + 12)
static const uint8_t orders[WIDE] = {TWELVE(0), TWELVE(16), TWELVE(32), TWELVE(48)};

/* True: there is more than was decoded at once. */
__attribute__((TARGET_512)) static bool run_staged(struct span *in, struct writer *out)
{
    const __m512i low = _mm512_loadu_si512(mime_base64_value);
    const __m512i high = _mm512_loadu_si512(mime_base64_value + WIDE);
    const uint8_t *at = in->data, *end = in->data + in->len;
    uint8_t staged[STAGED + WIDE];
    size_t room = out->cap - out->len, count = 0, more = 0;
    bool good = true;

    if (room > STAGED / 4 * 3)
        room = STAGED / 4 * 3;
    while (good && at != end && (count + WIDE) / 4 * 3 <= room) {
        size_t n = (size_t)(end - at) < WIDE ? (size_t)(end - at) : WIDE;
        __mmask64 there = n < WIDE ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0;

        good = stage(at, there, low, high, staged + count, &more);
        count += good ? more : 0;
        at += good ? n : 0;
    }
    pack(staged, out->data + out->len, count / 4 * 3, _mm512_loadu_si512(orders));
    out->len += count / 4 * 3;
    good &= at != end && count >= 4;
    /* The begin of a group goes back. */
    for (size_t left = count % 4; left; left -= !is_blank(*at))
        at--;
    *in = span_between(at, end);
    return good;
}

static void run_avx512(struct span *in, struct writer *out)
{
    while (run_staged(in, out))
        continue;
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512bw");
}

bool mime_base64_run_by(enum mime_base64_set set, struct span *in, struct writer *out)
{
    if ((set == MIME_BASE64_AVX512 && !has_avx512()) ||
        (set == MIME_BASE64_AVX2 && !__builtin_cpu_supports("avx2")))
        return false;
    if (set == MIME_BASE64_AVX512)
        run_avx512(in, out);
    else if (set == MIME_BASE64_AVX2)
        run_avx2(in, out);
    run_plain(in, out);
    return true;
}

void mime_base64_run(struct span *in, struct writer *out)
{
    mime_base64_run_by(has_avx512()                     ? MIME_BASE64_AVX512
                       : __builtin_cpu_supports("avx2") ? MIME_BASE64_AVX2
                                                        : MIME_BASE64_PLAIN,
                       in, out);
}

#else

bool mime_base64_run_by(enum mime_base64_set set, struct span *in, struct writer *out)
{
    if (set == MIME_BASE64_PLAIN)
        run_plain(in, out);
    return set == MIME_BASE64_PLAIN;
}

void mime_base64_run(struct span *in, struct writer *out)
{
    run_plain(in, out);
}

#endif
