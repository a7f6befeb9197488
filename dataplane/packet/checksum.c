/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/checksum.h"

#include <endian.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Two 32-bit halves of a 64-bit load: the sum cannot overflow for any length a packet has. */
static uint64_t halves(uint64_t v)
{
    return (v & UINT32_MAX) + (v >> 32);
}

static uint16_t fold(uint64_t sum)
{
    return checksum_fold(&(struct checksum){.sum = sum});
}

/* Words are summed as they lie; a piece that starts inside a word has all its bytes in the other
 * half. */
static void take_in(struct checksum *c, uint64_t sum, size_t len)
{
    c->sum += c->odd ? __builtin_bswap16(fold(sum)) : sum;
    c->odd ^= len & 1;
}

/* The last seven bytes at most, padded with zeros behind. */
static uint64_t rest(const uint8_t *at, size_t len)
{
    uint64_t sum = 0;
    uint32_t four;
    uint16_t two;

    if (len & 4) {
        memcpy(&four, at, 4);
        sum += four;
        at += 4;
    }
    if (len & 2) {
        memcpy(&two, at, 2);
        sum += two;
        at += 2;
    }
    if (len & 1) {
        two = 0;
        memcpy(&two, at, 1); /* first in memory, on any machine */
        sum += two;
    }
    return sum;
}

static inline __attribute__((always_inline)) uint64_t by_words(const uint8_t *at,
                                                               const uint8_t *end, uint8_t *out)
{
    uint64_t sum = 0, v;

    for (; at != end; at += 8) {
        memcpy(&v, at, 8);
        if (out) {
            memcpy(out, &v, 8);
            out += 8;
        }
        sum += halves(v);
    }
    return sum;
}

#if defined(__x86_64__)

enum { BLOCK = 64, WORTH = 2 * BLOCK };

/* Blocks of 64 bytes: each half of eight bytes has a sum of its own. */
__attribute__((target("avx2"), always_inline)) static inline uint64_t
blocks_avx2(const uint8_t *at, const uint8_t *end, uint8_t *out)
{
    const __m256i low = _mm256_set1_epi64x(UINT32_MAX);
    __m256i a = _mm256_setzero_si256(), b = a;
    uint64_t sums[4];

    for (; at != end; at += BLOCK) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)at);
        __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)(at + BLOCK / 2));

        if (out) {
            _mm256_storeu_si256((__m256i *)(void *)out, v);
            _mm256_storeu_si256((__m256i *)(void *)(out + BLOCK / 2), w);
            out += BLOCK;
        }
        a = _mm256_add_epi64(a,
                             _mm256_add_epi64(_mm256_and_si256(v, low), _mm256_srli_epi64(v, 32)));
        b = _mm256_add_epi64(b,
                             _mm256_add_epi64(_mm256_and_si256(w, low), _mm256_srli_epi64(w, 32)));
    }
    _mm256_storeu_si256((__m256i *)(void *)sums, _mm256_add_epi64(a, b));
    return sums[0] + sums[1] + sums[2] + sums[3];
}

__attribute__((target("avx2"))) static uint64_t add_avx2(const uint8_t *at, const uint8_t *end)
{
    return blocks_avx2(at, end, NULL);
}

__attribute__((target("avx2"))) static uint64_t copy_avx2(const uint8_t *at, const uint8_t *end,
                                                          uint8_t *out)
{
    return blocks_avx2(at, end, out);
}

#endif

/* The sum of whole words of eight bytes, copied to `out` where there is one. */
static inline __attribute__((always_inline)) uint64_t whole(const uint8_t *at, size_t len,
                                                            uint8_t *out)
{
    size_t by_blocks = 0;
    uint64_t sum = 0;

#if defined(__x86_64__)
    if (len >= WORTH && __builtin_cpu_supports("avx2")) {
        by_blocks = len / BLOCK * BLOCK;
        sum = out ? copy_avx2(at, at + by_blocks, out) : add_avx2(at, at + by_blocks);
    }
#endif
    return sum + by_words(at + by_blocks, at + len, out ? out + by_blocks : NULL);
}

void checksum_add(struct checksum *c, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    size_t words = len / 8 * 8;

    take_in(c, whole(at, words, NULL) + rest(at + words, len % 8), len);
}

void checksum_copy(struct checksum *c, void *to, const void *from, size_t len)
{
    const uint8_t *at = from;
    uint8_t *out = to;
    size_t words = len / 8 * 8;

    take_in(c, whole(at, words, out) + rest(at + words, len % 8), len);
    memcpy(out + words, at + words, len % 8);
}

static uint64_t address_sum(const struct ip_address *a, bool v4)
{
    uint64_t high, low;
    uint32_t four;

    memcpy(&high, a->bytes, 8);
    memcpy(&low, a->bytes + 8, 8);
    memcpy(&four, a->bytes + 12, 4);
    return v4 ? four : halves(high) + halves(low);
}

void checksum_pseudo(struct checksum *c, const struct ip_address *source,
                     const struct ip_address *destination, uint8_t protocol, uint32_t len)
{
    bool v4 = ip_address_is_v4(source);
    uint64_t sum = (uint64_t)htobe32(len) + htobe32(protocol);

    sum += address_sum(source, v4) + address_sum(destination, v4);
    take_in(c, sum, 8);
}
