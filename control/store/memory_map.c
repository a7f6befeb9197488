/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory_map.h"

#include <stdlib.h>

static int compare(struct span a, struct span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The places that lead to the first row not before `key`, one a level. */
static void seek(struct memory_map *map, struct span key,
                 struct memory_map_row **places[MEMORY_MAP_LEVELS])
{
    struct memory_map_row **at = map->first;

    for (int level = MEMORY_MAP_LEVELS; level-- > 0;) {
        while (at[level] && compare(at[level]->key, key) < 0)
            at = at[level]->next;
        places[level] = &at[level];
    }
}

struct memory_map_row *memory_map_from(const struct memory_map *map, struct span key)
{
    struct memory_map_row *const *at = map->first;

    for (int level = MEMORY_MAP_LEVELS; level-- > 0;)
        while (at[level] && compare(at[level]->key, key) < 0)
            at = at[level]->next;
    return at[0];
}

struct memory_map_row *memory_map_find(const struct memory_map *map, struct span key)
{
    struct memory_map_row *row = memory_map_from(map, key);

    return row && compare(row->key, key) == 0 ? row : NULL;
}

/* Each level has a quarter of the rows of the one below. */
static uint32_t draw_levels(struct memory_map *map)
{
    uint64_t x = map->random + UINT64_C(0x9e3779b97f4a7c15);
    uint32_t levels = 1;

    map->random = x;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    for (; levels < MEMORY_MAP_LEVELS && (x & 3) == 0; x >>= 2)
        levels++;
    return levels;
}

struct memory_map_row *memory_map_put(struct memory_map *map, struct span key)
{
    struct memory_map_row **places[MEMORY_MAP_LEVELS], *row;
    uint32_t levels;

    seek(map, key, places);
    if (*places[0] && compare((*places[0])->key, key) == 0)
        return *places[0];
    levels = draw_levels(map);
    row = calloc(1, sizeof(*row) + levels * sizeof(row->next[0]) + key.len);
    if (!row)
        return NULL;
    if (key.len)
        memcpy(row->next + levels, key.data, key.len);
    row->key = span_of(row->next + levels, key.len);
    row->levels = levels;
    for (uint32_t i = 0; i < levels; i++) {
        row->next[i] = *places[i];
        *places[i] = row;
    }
    return row;
}

void memory_map_remove(struct memory_map *map, struct span key)
{
    struct memory_map_row **places[MEMORY_MAP_LEVELS], *row;

    seek(map, key, places);
    row = *places[0];
    if (!row || compare(row->key, key) != 0)
        return;
    for (uint32_t i = 0; i < row->levels; i++)
        *places[i] = row->next[i];
    free(row->owned);
    free(row);
}

void memory_map_fini(struct memory_map *map)
{
    for (struct memory_map_row *row = map->first[0], *next; row; row = next) {
        next = row->next[0];
        free(row->owned);
        free(row);
    }
    *map = (struct memory_map){.random = 0};
}
