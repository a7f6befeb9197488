/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/packet/checksum.h"

/* Two 32-bit halves of a 64-bit load: the sum cannot overflow for any length a packet has. */
static uint64_t halves(uint64_t v)
{
    return (v & UINT32_MAX) + (v >> 32);
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
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
    uint64_t v = 0;

    memcpy(&v, at, len);
    return halves(v);
}

void checksum_add(struct checksum *c, const void *bytes, size_t len)
{
    const uint8_t *at = bytes, *end = at + len / 8 * 8;
    uint64_t sum = 0, v;

    for (; at != end; at += 8) {
        memcpy(&v, at, 8);
        sum += halves(v);
    }
    take_in(c, sum + rest(at, len % 8), len);
}

void checksum_copy(struct checksum *c, void *to, const void *from, size_t len)
{
    const uint8_t *at = from, *end = at + len / 8 * 8;
    uint8_t *out = to;
    uint64_t sum = 0, v;

    for (; at != end; at += 8, out += 8) {
        memcpy(&v, at, 8);
        memcpy(out, &v, 8);
        sum += halves(v);
    }
    memcpy(out, at, len % 8);
    take_in(c, sum + rest(at, len % 8), len);
}

void checksum_pseudo(struct checksum *c, const struct ip_address *source,
                     const struct ip_address *destination, uint8_t protocol, uint32_t len)
{
    size_t from = ip_address_is_v4(source) ? 12 : 0;
    uint8_t tail[8] = {(uint8_t)(len >> 24),
                       (uint8_t)(len >> 16),
                       (uint8_t)(len >> 8),
                       (uint8_t)len,
                       0,
                       0,
                       0,
                       protocol};

    checksum_add(c, source->bytes + from, 16 - from);
    checksum_add(c, destination->bytes + from, 16 - from);
    checksum_add(c, tail, sizeof(tail));
}

uint16_t checksum_fold(const struct checksum *c)
{
    return fold(c->sum);
}

uint16_t checksum_final(const struct checksum *c)
{
    return (uint16_t)~fold(c->sum);
}
