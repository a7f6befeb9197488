/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_GAUGE_TABLE_H
#define DATAPLANE_HANDOFF_GAUGE_TABLE_H

#include <stdint.h>

/*
 * How many there are of something at the moment, by key: connections of an address, of a network.
 * One table for all workers; what is taken is given back, by any worker, exactly once. Keys come as
 * names (window_table_name()), and nothing else of them is kept.
 *
 * Memory is fixed at the start. A gauge is one word: part of the name, and a count. It lies in one
 * of the places that its name leads to and is gone when its count is 0. Lock-free, no system call,
 * no allocation: a word changes by compare-and-swap, and who fails at that finds that another got
 * on.
 *
 * Who writes what: any worker any word. Two words of one gauge may exist for a while, when two
 * workers make it in the same moment; both count, and both are given back.
 */
struct gauge_table;

enum gauge_status {
    GAUGE_TAKEN,
    GAUGE_FULL,     /* there are `limit` of them already; nothing was taken */
    GAUGE_NO_PLACE, /* too many other gauges; nothing was taken */
};

enum { GAUGE_COUNT_MAX = (1 << 20) - 1 };

/* Room for `gauges` at once, rounded up, and as much again so that places are found. NULL: no
 * memory. */
struct gauge_table *gauge_table_new(uint32_t gauges);
void gauge_table_free(struct gauge_table *t);
/* One more of `name`, unless there are `limit` (0: GAUGE_COUNT_MAX). Bound: four cache lines, as
 * often as another worker changes one of them meanwhile. */
enum gauge_status gauge_table_take(struct gauge_table *t, uint64_t name, uint32_t limit);
/* One less, after GAUGE_TAKEN. */
void gauge_table_give(struct gauge_table *t, uint64_t name);
uint32_t gauge_table_count(const struct gauge_table *t, uint64_t name);
/* All there are, of all names. Walks the whole table. */
uint64_t gauge_table_sum(const struct gauge_table *t);

#endif
