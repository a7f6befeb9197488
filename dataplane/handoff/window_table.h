/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_WINDOW_TABLE_H
#define DATAPLANE_HANDOFF_WINDOW_TABLE_H

#include "proto/base/span.h"

/*
 * Counters of what happened within the last while, by key: connections of an address, messages with
 * one body. One table for all workers, because a peer's connections are spread over them: the one
 * place where workers write to shared memory.
 *
 * Memory is fixed at the start. A key is known by its SipHash alone, so nobody without the secret
 * can aim two keys at one counter, and nothing of a peer's is kept. A counter lies in one of four
 * places of a cache line that its hash names; where all are taken, the one that was idle longest
 * gives way and the loss is counted. Lock-free: a place changes by compare-and-swap, a thread that
 * stops in the middle of it costs others that place and nothing else. No allocation, no system
 * call.
 *
 * Who writes what: any worker any line of the places; each line holds whole places, so a write
 * disturbs those only that count one of its four keys. The table's own fields are written at the
 * start only; the two statistics have a line of their own, touched where a key is put out.
 *
 * How exact: an event counts in full for the rest of its window and with the share of the previous
 * window that still lies within `window_ms` of now, so what is said is right for an even rate and
 * never more than the events of the last two windows. A key may lose or gain single events in the
 * moment in which two workers put it in, or another out, at once. A count stops at
 * WINDOW_COUNT_MAX.
 */
struct window_table;

enum window_kind {
#define WINDOW_KIND(name, text) WINDOW_##name,
#include "dataplane/handoff/window_kind.def"
#undef WINDOW_KIND
    WINDOW_KINDS
};

enum { WINDOW_COUNT_MAX = (1 << 20) - 1, WINDOW_KEY_MAX = 1024 };

struct window_stats {
    uint64_t evicted; /* counters that others needed the place of */
    uint64_t missed;  /* events that were not counted, because all places were changing hands */
};

/* Room for `counters` of them, rounded up to a power of two of four; 16 bytes each. `secret` is
 * random and copied. NULL: no memory. */
struct window_table *window_table_new(uint32_t counters, const uint8_t secret[16]);
void window_table_free(struct window_table *t);
/* The name of a key, for a key that is looked up more than once. Only the first WINDOW_KEY_MAX
 * bytes of it count. */
uint64_t window_table_name(const struct window_table *t, enum window_kind kind, struct span key);
/*
 * Adds `amount` (0: only looks) and returns the count within the window, what was added included.
 * `now_ms` is monotonic; workers' clocks may differ by a little. A key is to be used with one
 * `window_ms`, which is at least 1. Bound: one cache line.
 */
uint32_t window_table_count(struct window_table *t, uint64_t name, uint64_t now_ms,
                            uint32_t window_ms, uint32_t amount);
/* Both in one. */
uint32_t window_table_add(struct window_table *t, enum window_kind kind, struct span key,
                          uint64_t now_ms, uint32_t window_ms, uint32_t amount);
struct window_stats window_table_stats(const struct window_table *t);

#endif
