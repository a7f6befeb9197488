/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_COLLECT_H
#define CONTROL_STORE_STORE_COLLECT_H

#include "control/store/store.h"

/* Garbage, in steps that hold changes back for a millisecond or so. */
struct store_collect {
    uint64_t now_ms;         /* wall clock */
    uint64_t tombstone_ms;   /* how long deleted UIDs are remembered; 0: for ever */
    uint32_t tombstones_max; /* and how many in a mailbox; 0: all */
};

/* A UID that was deleted then need not be remembered any more. */
static inline bool store_collect_is_old(const struct store_collect *limits, uint64_t deleted_ms)
{
    return limits->tombstone_ms && limits->now_ms > limits->tombstone_ms &&
           deleted_ms < limits->now_ms - limits->tombstone_ms;
}

struct store_collected {
    uint64_t tombstones; /* removed */
    uint64_t bodies;     /* removed, that nobody referred to */
    uint64_t held_us;    /* how long changes were held back, the longest time */
    bool done;           /* a round over all of the store has ended; the next step begins another */
};

/*
 * The next step. Adds to the numbers of *collected. A mailbox remembers up to where its tombstones
 * are gone. A body that nobody refers to, which only a fault leaves, goes after all entries were
 * read and none names it. One caller at a time.
 */
enum store_status store_collect(struct store *store, const struct store_collect *limits,
                                struct store_collected *collected);

#endif
