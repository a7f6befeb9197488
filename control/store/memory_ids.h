/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_MEMORY_IDS_H
#define CONTROL_STORE_MEMORY_IDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/id128.h"

/*
 * Message ids, each with the number of the piece that its body lies in. Any thread adds, without a
 * lock; finding and removing are for one thread at a time. A line of the table is a line of cache:
 * whoever adds touches one, and never what the numbers lead to.
 */
enum { MEMORY_IDS_SLOTS = 7 };

struct memory_ids_line {
    _Atomic uint64_t slots[MEMORY_IDS_SLOTS]; /* {upper half of the hash, number}; 0: none */
    _Atomic uint64_t passed; /* how many found it full and went on to the next line */
};

struct memory_ids {
    struct memory_ids_line *lines;
    uint64_t count; /* a power of two */
};

/* Room for about `ids`. False: no memory. */
bool memory_ids_init(struct memory_ids *ids, uint64_t capacity);
void memory_ids_fini(struct memory_ids *ids);
uint64_t memory_ids_hash(const struct id128 *id);
void memory_ids_prefetch(const struct memory_ids *ids, uint64_t hash);
/* False: no room near its place. */
bool memory_ids_add(struct memory_ids *ids, uint64_t hash, uint32_t number);
void memory_ids_remove(struct memory_ids *ids, uint64_t hash, uint32_t number);

/* A search: each number in turn whose id may have that hash. */
struct memory_ids_search {
    uint64_t hash;
    uint32_t line, slot;
};
/* 0: no more. */
uint32_t memory_ids_next(const struct memory_ids *ids, struct memory_ids_search *search);

#endif
