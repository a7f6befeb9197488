/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum { BLOCK = 64 };

/* One bit for each byte of a block, the first byte lowest. */
struct masks {
    uint64_t cr;
    uint64_t lf;
    uint64_t nul;
    uint64_t dot;
};

struct progress {
    uint64_t after_cr; /* 1 when the byte before the block is a CR */
    uint64_t after_lf;
    int64_t line_start;
    int64_t line_max;
};

static uint64_t below(size_t n)
{
    return n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
}

/* Where in the block at `base` the clean bytes end; moves line_start behind the last LF before
 * that. */
static __attribute__((noinline)) int64_t stop_in(struct progress *p, struct masks m, int64_t base,
                                                 size_t n)
{
    uint64_t odd = (m.lf ^ (m.cr << 1 | p->after_cr)) & below(n);
    uint64_t halt = odd | m.nul | (m.dot & (m.lf << 1 | p->after_lf));
    int64_t first_lf = base + (m.lf ? __builtin_ctzll(m.lf) : (int64_t)n);
    int64_t stop = base + (int64_t)n, long_at = p->line_start + p->line_max;
    uint64_t bit = halt & -halt;

    if (halt) {
        stop = base + __builtin_ctzll(halt);
        /* What is wrong with a CR shows at the byte behind it. */
        if (bit & odd & ~m.lf)
            stop--;
    }
    if (first_lf > long_at && long_at < stop)
        stop = long_at;
    m.lf &= stop > base ? below((size_t)(stop - base)) : 0;
    if (m.lf)
        p->line_start = base + 64 - __builtin_clzll(m.lf);
    return stop;
}

/* True when all `n` bytes of the block are clean; then the progress is behind them. */
static ALWAYS_INLINE bool clean(struct progress *p, struct masks m, int64_t base, size_t n)
{
    uint64_t odd = (m.lf ^ (m.cr << 1 | p->after_cr)) & below(n);
    uint64_t halt = odd | m.nul | (m.dot & (m.lf << 1 | p->after_lf));
    int64_t first_lf = base + (m.lf ? __builtin_ctzll(m.lf) : (int64_t)n);
    int64_t last_lf = base + 64 - (m.lf ? __builtin_clzll(m.lf) : 0);

    if (__builtin_expect(halt != 0 || first_lf > p->line_start + p->line_max, 0))
        return false;
    p->line_start = m.lf ? last_lf : p->line_start;
    p->after_cr = m.cr >> (n - 1) & 1;
    p->after_lf = m.lf >> (n - 1) & 1;
    return true;
}

static struct progress begin(const struct smtp_scan *scan)
{
    return (struct progress){
        .after_lf = scan->at_start, .line_start = scan->line_start, .line_max = scan->line_max};
}

static size_t finish(struct smtp_scan *scan, const struct progress *p, int64_t stop)
{
    scan->line_start = p->line_start - stop;
    return (size_t)stop;
}

/* No line in the input can become too long, whatever is in it. */
static bool roomy(const struct smtp_scan *scan, struct span s)
{
    return (int64_t)s.len <= scan->line_max && (int64_t)s.len - scan->line_start <= scan->line_max;
}

/* Goes on at `at`, which is not 0, behind blocks that were found clean by other means. */
static void resume(struct progress *p, struct span s, size_t at)
{
    const uint8_t *last = memrchr(s.data, '\n', at);

    p->after_cr = s.data[at - 1] == '\r';
    p->after_lf = s.data[at - 1] == '\n';
    if (last)
        p->line_start = last + 1 - s.data;
}

/*
 * One loop for each instruction set: whole blocks in place, the rest from a copy that is filled up
 * with bytes that mean nothing. LOAD gives the masks of 64 bytes; PASS goes over clean blocks
 * behind the first where lines need not be measured, and returns where it stopped.
 */
#define SCAN_BODY(LOAD, PASS)                                                                      \
    struct progress p = begin(scan);                                                               \
    uint8_t rest[BLOCK];                                                                           \
    struct masks m;                                                                                \
    size_t at = 0;                                                                                 \
                                                                                                   \
    for (; at + BLOCK <= s.len; at += BLOCK) {                                                     \
        m = LOAD(s.data + at);                                                                     \
        if (!clean(&p, m, (int64_t)at, BLOCK))                                                     \
            return finish(scan, &p, stop_in(&p, m, (int64_t)at, BLOCK));                           \
        if (at == 0 && s.len >= 3 * BLOCK && roomy(scan, s)) {                                     \
            size_t to = PASS(s, BLOCK);                                                            \
                                                                                                   \
            if (to != BLOCK)                                                                       \
                resume(&p, s, to);                                                                 \
            at = to - BLOCK;                                                                       \
        }                                                                                          \
    }                                                                                              \
    if (at < s.len) {                                                                              \
        memset(rest, ' ', sizeof(rest));                                                           \
        memcpy(rest, s.data + at, s.len - at);                                                     \
        m = LOAD(rest);                                                                            \
        if (!clean(&p, m, (int64_t)at, s.len - at))                                                \
            return finish(scan, &p, stop_in(&p, m, (int64_t)at, s.len - at));                      \
    }                                                                                              \
    return finish(scan, &p, (int64_t)s.len - (int64_t)p.after_cr)

/* For where each block is looked at by its masks. */
static ALWAYS_INLINE size_t pass_none(struct span s, size_t at)
{
    return at;
}

#if defined(__x86_64__)

static ALWAYS_INLINE uint64_t equal_sse2(const __m128i v[4], char c)
{
    __m128i want = _mm_set1_epi8(c);
    uint64_t mask = 0;

    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], want)) << (16 * i);
    return mask;
}

static ALWAYS_INLINE struct masks load_sse2(const uint8_t *block)
{
    __m128i v[4];

    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
    return (struct masks){.cr = equal_sse2(v, '\r'),
                          .lf = equal_sse2(v, '\n'),
                          .nul = equal_sse2(v, 0),
                          .dot = equal_sse2(v, '.')};
}

size_t smtp_scan_baseline(struct smtp_scan *scan, struct span s)
{
    SCAN_BODY(load_sse2, pass_none);
}

__attribute__((target("avx2"))) static ALWAYS_INLINE uint64_t equal_avx2(const __m256i v[2], char c)
{
    __m256i want = _mm256_set1_epi8(c);
    uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v[0], want));
    uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v[1], want));

    return (uint64_t)high << 32 | low;
}

__attribute__((target("avx2"))) static ALWAYS_INLINE struct masks load_avx2(const uint8_t *block)
{
    __m256i v[2] = {_mm256_loadu_si256((const __m256i *)(const void *)block),
                    _mm256_loadu_si256((const __m256i *)(const void *)(block + 32))};

    return (struct masks){.cr = equal_avx2(v, '\r'),
                          .lf = equal_avx2(v, '\n'),
                          .nul = equal_avx2(v, 0),
                          .dot = equal_avx2(v, '.')};
}

/* What is not clean in 32 bytes, each compared together with the one before it. */
__attribute__((target("avx2"))) static ALWAYS_INLINE __m256i halts_avx2(const uint8_t *at)
{
    const __m256i cr = _mm256_set1_epi8('\r'), lf = _mm256_set1_epi8('\n');
    const __m256i dot = _mm256_set1_epi8('.'), nul = _mm256_setzero_si256();
    __m256i is = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i was = _mm256_loadu_si256((const __m256i *)(const void *)(at - 1));
    __m256i odd = _mm256_xor_si256(_mm256_cmpeq_epi8(is, lf), _mm256_cmpeq_epi8(was, cr));
    __m256i dots = _mm256_and_si256(_mm256_cmpeq_epi8(was, lf), _mm256_cmpeq_epi8(is, dot));

    return _mm256_or_si256(_mm256_or_si256(odd, dots), _mm256_cmpeq_epi8(is, nul));
}

__attribute__((target("avx2"))) static ALWAYS_INLINE size_t pass_avx2(struct span s, size_t at)
{
    for (; at + BLOCK <= s.len; at += BLOCK) {
        __m256i halts =
            _mm256_or_si256(halts_avx2(s.data + at), halts_avx2(s.data + at + BLOCK / 2));

        if (!_mm256_testz_si256(halts, halts))
            break;
    }
    return at;
}

__attribute__((target("avx2"))) static size_t scan_avx2(struct smtp_scan *scan, struct span s)
{
    SCAN_BODY(load_avx2, pass_avx2);
}

size_t smtp_scan(struct smtp_scan *scan, struct span s)
{
    return __builtin_cpu_supports("avx2") ? scan_avx2(scan, s) : smtp_scan_baseline(scan, s);
}

#else

#define ONES 0x0101010101010101ull
#define LOWS 0x7f7f7f7f7f7f7f7full

/* One bit for each of the eight bytes of `v`, first byte lowest, that equals `c`. */
static ALWAYS_INLINE uint64_t equal_word(uint64_t v, uint8_t c)
{
    uint64_t x = v ^ (ONES * c);
    uint64_t zero = ~(((x & LOWS) + LOWS) | x | LOWS);

    return ((zero >> 7) * 0x0102040810204080ull) >> 56;
}

static ALWAYS_INLINE struct masks load_words(const uint8_t *block)
{
    struct masks m = {0};

    for (int i = 0; i < 8; i++) {
        uint64_t v;

        memcpy(&v, block + 8 * i, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        v = __builtin_bswap64(v);
#endif
        m.cr |= equal_word(v, '\r') << (8 * i);
        m.lf |= equal_word(v, '\n') << (8 * i);
        m.nul |= equal_word(v, 0) << (8 * i);
        m.dot |= equal_word(v, '.') << (8 * i);
    }
    return m;
}

size_t smtp_scan_baseline(struct smtp_scan *scan, struct span s)
{
    SCAN_BODY(load_words, pass_none);
}

size_t smtp_scan(struct smtp_scan *scan, struct span s)
{
    return smtp_scan_baseline(scan, s);
}

#endif
