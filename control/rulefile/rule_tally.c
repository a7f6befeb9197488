/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/rulefile/rule_tally.h"

#include <stdlib.h>

#include "rules/rule.h"

struct entry {
    char id[RULE_ID_MAX];
    size_t len;
    struct rule_total total;
};

/* Sorted by id. */
struct rule_tally {
    struct entry *entries;
    size_t count, room;
};

struct rule_tally *rule_tally_new(void)
{
    return calloc(1, sizeof(struct rule_tally));
}

void rule_tally_free(struct rule_tally *t)
{
    if (t)
        free(t->entries);
    free(t);
}

struct rule_tally *rule_tally_copy(const struct rule_tally *from)
{
    struct rule_tally *t = rule_tally_new();

    if (!t)
        return NULL;
    t->count = t->room = from->count;
    t->entries = calloc(t->room + 1, sizeof(*t->entries));
    if (!t->entries) {
        free(t);
        return NULL;
    }
    if (t->count)
        memcpy(t->entries, from->entries, t->count * sizeof(*t->entries));
    return t;
}

/* Where the id stands, or belongs. */
static size_t place_of(const struct rule_tally *t, struct span id, bool *found_out)
{
    size_t low = 0, high = t->count;

    *found_out = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct entry *e = &t->entries[middle];
        int order = memcmp(id.data, e->id, id.len < e->len ? id.len : e->len);

        if (order == 0 && id.len == e->len) {
            *found_out = true;
            return middle;
        }
        if (order < 0 || (order == 0 && id.len < e->len))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool rule_tally_add(struct rule_tally *t, struct span id, uint64_t hits, uint64_t last_ms)
{
    bool found;
    size_t at = place_of(t, id, &found);
    struct entry *e;

    if (!found && t->count == t->room) {
        size_t room = t->room ? 2 * t->room : 64;

        e = realloc(t->entries, room * sizeof(*e));
        if (!e)
            return false;
        t->entries = e;
        t->room = room;
    }
    e = &t->entries[at];
    if (!found) {
        memmove(e + 1, e, (t->count++ - at) * sizeof(*e));
        *e = (struct entry){.len = id.len};
        memcpy(e->id, id.data, id.len);
    }
    e->total.hits += hits;
    if (last_ms > e->total.last_ms)
        e->total.last_ms = last_ms;
    return true;
}

struct rule_total rule_tally_find(const struct rule_tally *t, struct span id)
{
    bool found;
    size_t at = place_of(t, id, &found);

    return found ? t->entries[at].total : (struct rule_total){0};
}
