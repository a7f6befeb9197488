/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_MEMORY_MAP_H
#define CONTROL_STORE_MEMORY_MAP_H

#include "proto/base/span.h"

/*
 * Keys in their order, each with a few numbers: a skip list (Pugh 1990) on the heap, for what no
 * worker touches. One thread at a time. A row stays where it is until it is removed.
 */
enum { MEMORY_MAP_LEVELS = 20 };

struct memory_map_row {
    struct span key; /* owned */
    uint64_t values[3];
    void *owned; /* from malloc, or NULL: ends with the row */
    uint32_t levels;
    struct memory_map_row *next[];
};

struct memory_map {
    struct memory_map_row *first[MEMORY_MAP_LEVELS];
    uint64_t random;
};

/* A zeroed one is empty. */
void memory_map_fini(struct memory_map *map);
/* NULL: there is none. */
struct memory_map_row *memory_map_find(const struct memory_map *map, struct span key);
/* The first whose key is `key` or behind it; NULL: none is. */
struct memory_map_row *memory_map_from(const struct memory_map *map, struct span key);
/* The row of that key, made with zeroed values when there is none. NULL: no memory. */
struct memory_map_row *memory_map_put(struct memory_map *map, struct span key);
void memory_map_remove(struct memory_map *map, struct span key);

#endif
