/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/siphash.h"

#include <endian.h>

/* All in line: the four words stay in registers. Several such hashes are on the way of a packet. */
#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t word_at(const uint8_t *bytes)
{
    uint64_t v;

    memcpy(&v, bytes, sizeof(v));
    return le64toh(v);
}

enum { ROUNDS = 2, LAST_ROUNDS = 4 };

/* Fewer than eight bytes. */
INLINE uint64_t rest(const uint8_t *bytes, size_t len)
{
    uint64_t v = 0;
    uint32_t four;
    uint16_t two;

    if (len & 1)
        v = bytes[len - 1];
    if (len & 2) {
        memcpy(&two, bytes + (len & 4), 2);
        v = v << 16 | le16toh(two);
    }
    if (len & 4) {
        memcpy(&four, bytes, 4);
        v = v << 32 | le32toh(four);
    }
    return v;
}

INLINE uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

INLINE void one_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

INLINE void rounds(uint64_t v[4], int n)
{
    for (int i = 0; i < n; i++)
        one_round(v);
}

INLINE void absorb(uint64_t v[4], uint64_t word, int n)
{
    v[3] ^= word;
    rounds(v, n);
    v[0] ^= word;
}

INLINE void begin(uint64_t v[4], const uint8_t key[16])
{
    uint64_t k0 = word_at(key), k1 = word_at(key + 8);

    v[0] = k0 ^ 0x736f6d6570736575;
    v[1] = k1 ^ 0x646f72616e646f6d;
    v[2] = k0 ^ 0x6c7967656e657261;
    v[3] = k1 ^ 0x7465646279746573;
}

INLINE uint64_t end(uint64_t v[4], uint64_t length, uint64_t tail, int word_rounds, int last_rounds)
{
    absorb(v, length << 56 | tail, word_rounds);
    v[2] ^= 0xff;
    rounds(v, last_rounds);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The bytes, behind `before` others that were absorbed. */
INLINE uint64_t finish(uint64_t v[4], uint64_t before, struct span bytes, int word_rounds,
                       int last_rounds)
{
    size_t whole = bytes.len & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8)
        absorb(v, word_at(bytes.data + i), word_rounds);
    return end(v, before + bytes.len, rest(bytes.data + whole, bytes.len - whole), word_rounds,
               last_rounds);
}

INLINE uint64_t all(const uint8_t key[16], struct span bytes, int word_rounds, int last_rounds)
{
    uint64_t v[4];

    begin(v, key);
    return finish(v, 0, bytes, word_rounds, last_rounds);
}

uint64_t siphash(const uint8_t key[16], struct span bytes)
{
    return all(key, bytes, ROUNDS, LAST_ROUNDS);
}

uint64_t siphash_behind(const uint8_t key[16], uint64_t first, struct span bytes)
{
    uint64_t v[4];

    begin(v, key);
    absorb(v, first, ROUNDS);
    return finish(v, sizeof(first), bytes, ROUNDS, LAST_ROUNDS);
}

uint64_t siphash_table(const uint8_t key[16], struct span bytes)
{
    return all(key, bytes, 1, 3);
}

void siphash_init(struct siphash_stream *s, const uint8_t key[16])
{
    *s = (struct siphash_stream){0};
    begin(s->state, key);
}

void siphash_feed(struct siphash_stream *s, struct span bytes)
{
    /* Up to the end of the word that was begun, whole words, and the beginning of the next. */
    while (bytes.len && s->length % 8) {
        s->tail |= (uint64_t)bytes.data[0] << 8 * (s->length % 8);
        bytes = span_skip(bytes, 1);
        if (++s->length % 8)
            continue;
        absorb(s->state, s->tail, ROUNDS);
        s->tail = 0;
    }
    for (; bytes.len >= 8; bytes = span_skip(bytes, 8), s->length += 8)
        absorb(s->state, word_at(bytes.data), ROUNDS);
    if (bytes.len)
        s->tail = rest(bytes.data, bytes.len);
    s->length += bytes.len;
}

uint64_t siphash_result(const struct siphash_stream *s)
{
    uint64_t v[4] = {s->state[0], s->state[1], s->state[2], s->state[3]};

    return end(v, s->length, s->tail, ROUNDS, LAST_ROUNDS);
}
