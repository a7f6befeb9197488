/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_TALLY_H
#define PROTO_BASE_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

/* A count that one thread at a time writes and any may read: a plain load and store, without a
 * locked instruction, and without an order among others. */
static inline void tally_add(_Atomic uint64_t *count, uint64_t n)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

#endif
