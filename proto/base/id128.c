/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/id128.h"

#include <endian.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void store_be(uint8_t *out, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

struct id128 id128_next(struct id128_source *source, uint64_t wall_ms)
{
    struct id128 id;

    if (wall_ms > source->last_ms)
        source->last_ms = wall_ms;
    source->counter++;
    store_be(id.bytes, source->last_ms, 6);
    store_be(id.bytes + 6, source->node, 2);
    store_be(id.bytes + 8, source->worker, 2);
    store_be(id.bytes + 10, source->counter, 6);
    return id;
}

uint64_t id128_ms(const struct id128 *id)
{
    uint64_t ms = 0;

    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id->bytes[i];
    return ms;
}

/* The lowest 5 * `n` bits. */
static void put_digits(uint8_t *out, size_t n, uint64_t bits)
{
    while (n-- > 0) {
        out[n] = (uint8_t)alphabet[bits & 31];
        bits >>= 5;
    }
}
_Static_assert(ID128_TEXT == 26, "two, twelve and twelve");

void id128_put(struct writer *w, const struct id128 *id)
{
    uint8_t text[ID128_TEXT];
    uint64_t high, low;

    memcpy(&high, id->bytes, 8);
    memcpy(&low, id->bytes + 8, 8);
    high = be64toh(high);
    low = be64toh(low);
    /* From the last digit on: twice the twelve that a word of 64 bits holds, and the first two. */
    put_digits(text + 14, 12, low);
    put_digits(text + 2, 12, low >> 60 | high << 4);
    put_digits(text, 2, high >> 56);
    writer_span_put(w, span_of(text, sizeof(text)));
}

bool id128_parse(struct span text, struct id128 *id_out)
{
    unsigned __int128 v = 0;

    /* 26 digits hold 130 bits; the first may only use its lower three. */
    if (text.len != ID128_TEXT || text.data[0] > '7')
        return false;
    for (size_t i = 0; i < ID128_TEXT; i++) {
        uint8_t c = ascii_lower(text.data[i]);
        const char *at = c ? strchr(alphabet, c >= 'a' ? c - 0x20 : c) : NULL;

        if (!at)
            return false;
        v = v << 5 | (unsigned)(at - alphabet);
    }
    store_be(id_out->bytes, (uint64_t)(v >> 64), 8);
    store_be(id_out->bytes + 8, (uint64_t)v, 8);
    return true;
}
