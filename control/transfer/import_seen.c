/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/import_seen.h"

#include <stdlib.h>

enum { FIRST = 1024 };

static uint64_t place_of(const struct import_seen *s, uint64_t key)
{
    uint64_t i = key & (s->cap - 1);

    while (s->keys[i] != 0 && s->keys[i] != key)
        i = (i + 1) & (s->cap - 1);
    return i;
}

static bool grow(struct import_seen *s)
{
    struct import_seen larger = {.used = s->used, .cap = s->cap ? 2 * s->cap : FIRST};

    larger.keys = calloc(larger.cap, sizeof(*larger.keys));
    larger.counts = calloc(larger.cap, sizeof(*larger.counts));
    if (!larger.keys || !larger.counts) {
        import_seen_fini(&larger);
        return false;
    }
    for (uint64_t i = 0; i < s->cap; i++) {
        uint64_t to;

        if (!s->keys[i])
            continue;
        to = place_of(&larger, s->keys[i]);
        larger.keys[to] = s->keys[i];
        larger.counts[to] = s->counts[i];
    }
    import_seen_fini(s);
    *s = larger;
    return true;
}

bool import_seen_add(struct import_seen *s, uint64_t key, uint32_t *before_out)
{
    uint64_t i;

    key = key ? key : 1;
    if (2 * s->used >= s->cap && !grow(s))
        return false;
    i = place_of(s, key);
    s->used += s->keys[i] == 0;
    s->keys[i] = key;
    *before_out = s->counts[i]++;
    return true;
}

void import_seen_fini(struct import_seen *s)
{
    free(s->keys);
    free(s->counts);
    *s = (struct import_seen){.cap = 0};
}
