/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_KNOWN_TABLE_H
#define DATAPLANE_HANDOFF_KNOWN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Names (window_table_name()) that are known for a while: answers of control that workers need not
 * ask for again. Fixed memory; a name is one word, so control writes while workers read, and needs
 * no lock. Where all places of a name are taken, the one that ends first gives way.
 */
struct known_table;

/* Room for `names`, rounded up. NULL: no memory. */
struct known_table *known_table_new(uint32_t names);
void known_table_free(struct known_table *t);
/* Known until `until`, in seconds of any clock that has passed 0. One thread. */
void known_table_put(struct known_table *t, uint64_t name, uint32_t until);
/* Forgets all. The same thread. */
void known_table_clear(struct known_table *t);
/* Bound: one cache line. */
bool known_table_has(const struct known_table *t, uint64_t name, uint32_t now);

#endif
