/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_words.h"

#include <stdlib.h>

#include <xxhash.h>

/* Of all sets together. Whoever makes new ones on end is told so before others lack memory. */
enum { OCTETS_MAX = 64 << 20 };

struct place {
    uint64_t hash;
    uint8_t *bytes;
    size_t len;
};

struct mail_words {
    struct place *places; /* index 0 is the empty set */
    uint32_t count, cap;
    uint32_t *table; /* of indexes, 0: free; open addressing, at most half full */
    uint32_t size;   /* a power of two */
    size_t octets;
};

struct mail_words *mail_words_new(void)
{
    struct mail_words *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->cap = 16;
    w->size = 64;
    w->places = calloc(w->cap, sizeof(*w->places));
    w->table = calloc(w->size, sizeof(*w->table));
    w->count = 1;
    if (w->places && w->table)
        return w;
    mail_words_free(w);
    return NULL;
}

void mail_words_free(struct mail_words *w)
{
    if (!w)
        return;
    for (uint32_t i = 1; w->places && i < w->count; i++)
        free(w->places[i].bytes);
    free(w->places);
    free(w->table);
    free(w);
}

static uint32_t *find(const struct mail_words *w, uint64_t hash, struct span set)
{
    for (uint32_t at = (uint32_t)hash & (w->size - 1);; at = (at + 1) & (w->size - 1)) {
        const struct place *p = &w->places[w->table[at]];

        if (w->table[at] == 0 || (p->hash == hash && span_equal(span_of(p->bytes, p->len), set)))
            return &w->table[at];
    }
}

static bool grow(struct mail_words *w)
{
    struct place *places = realloc(w->places, 2 * (size_t)w->cap * sizeof(*places));
    uint32_t *table = calloc(2 * (size_t)w->size, sizeof(*table));

    if (places)
        w->places = places;
    if (!places || !table) {
        free(table);
        return false;
    }
    w->cap *= 2;
    free(w->table);
    w->table = table;
    w->size *= 2;
    for (uint32_t i = 1; i < w->count; i++)
        *find(w, w->places[i].hash, span_of(w->places[i].bytes, w->places[i].len)) = i;
    return true;
}

uint32_t mail_words_put(struct mail_words *w, struct span set)
{
    uint64_t hash = XXH3_64bits(set.data, set.len);
    uint32_t *place;
    uint8_t *bytes;

    if (set.len == 0)
        return 0;
    place = find(w, hash, set);
    if (*place)
        return *place;
    if (w->octets + set.len + sizeof(*w->places) > OCTETS_MAX || (w->count == w->cap && !grow(w)))
        return UINT32_MAX;
    bytes = malloc(set.len);
    if (!bytes)
        return UINT32_MAX;
    memcpy(bytes, set.data, set.len);
    w->octets += set.len + sizeof(*w->places);
    w->places[w->count] = (struct place){.hash = hash, .bytes = bytes, .len = set.len};
    *find(w, hash, set) = w->count;
    return w->count++;
}

struct span mail_words_get(const struct mail_words *w, uint32_t index)
{
    return index && index < w->count ? span_of(w->places[index].bytes, w->places[index].len)
                                     : span_of(NULL, 0);
}

uint32_t mail_words_count(const struct mail_words *w)
{
    return w->count;
}

bool mail_words_has(struct span set, struct span word)
{
    struct cursor c = cursor_of(set);
    struct span one;

    while (mail_words_next(&c, &one))
        if (span_equal_nocase(one, word))
            return true;
    return false;
}
