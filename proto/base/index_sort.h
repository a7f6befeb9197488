/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_INDEX_SORT_H
#define PROTO_BASE_INDEX_SORT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Sorts the numbers 0 to count - 1 by what they stand for, some comparisons at a time: a merge
 * sort, stable, n log2 n comparisons whatever order they are in. Memory is the caller's.
 */
struct index_sort {
    uint32_t *from, *to; /* `from` has the result */
    uint32_t count;
    uint64_t width;    /* of the runs that are in order */
    uint64_t low;      /* where the two runs under way begin */
    uint64_t i, j, at; /* next of the first, of the second, and of what they become */
    bool (*before)(const void *context, uint32_t a, uint32_t b);
    const void *context;
};

/* `memory`: room for 2 * count numbers. `before`: strictly. */
void index_sort_init(struct index_sort *s, uint32_t *memory, uint32_t count,
                     bool (*before)(const void *context, uint32_t a, uint32_t b),
                     const void *context);
/* At most `steps` comparisons more. True: it is done. */
bool index_sort_step(struct index_sort *s, uint32_t steps);

#endif
