/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/id128.h"

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

void id128_put(struct writer *w, const struct id128 *id)
{
    uint8_t text[ID128_TEXT];
    unsigned __int128 v = 0;

    for (size_t i = 0; i < 16; i++)
        v = v << 8 | id->bytes[i];
    for (size_t i = ID128_TEXT; i-- > 0; v >>= 5)
        text[i] = (uint8_t)alphabet[(unsigned)v & 31];
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
