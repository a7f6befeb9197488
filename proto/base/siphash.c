/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/siphash.h"

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t v;

    memcpy(&v, bytes, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* Fewer than eight bytes. */
static uint64_t rest(const uint8_t *bytes, size_t len)
{
    uint64_t v = 0;

    for (size_t i = 0; i < len; i++)
        v |= (uint64_t)bytes[i] << 8 * i;
    return v;
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void one_round(uint64_t v[4])
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

static inline void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    one_round(v);
    one_round(v);
    v[0] ^= word;
}

static void begin(uint64_t v[4], const uint8_t key[16])
{
    uint64_t k0 = word_at(key), k1 = word_at(key + 8);

    v[0] = k0 ^ 0x736f6d6570736575;
    v[1] = k1 ^ 0x646f72616e646f6d;
    v[2] = k0 ^ 0x6c7967656e657261;
    v[3] = k1 ^ 0x7465646279746573;
}

static uint64_t end(uint64_t v[4], uint64_t length, uint64_t tail)
{
    absorb(v, length << 56 | tail);
    v[2] ^= 0xff;
    one_round(v);
    one_round(v);
    one_round(v);
    one_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t siphash(const uint8_t key[16], struct span bytes)
{
    uint64_t v[4];
    size_t whole = bytes.len & ~(size_t)7;

    begin(v, key);
    for (size_t i = 0; i < whole; i += 8)
        absorb(v, word_at(bytes.data + i));
    return end(v, bytes.len, rest(bytes.data + whole, bytes.len - whole));
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
        absorb(s->state, s->tail);
        s->tail = 0;
    }
    for (; bytes.len >= 8; bytes = span_skip(bytes, 8), s->length += 8)
        absorb(s->state, word_at(bytes.data));
    if (bytes.len)
        s->tail = rest(bytes.data, bytes.len);
    s->length += bytes.len;
}

uint64_t siphash_result(const struct siphash_stream *s)
{
    uint64_t v[4] = {s->state[0], s->state[1], s->state[2], s->state[3]};

    return end(v, s->length, s->tail);
}
