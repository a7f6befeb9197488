/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_ops.h"

#include <stdlib.h>

enum { LEAF_BITS = 16, LEAVES = 1 << (32 - LEAF_BITS), WORD_BITS = 64 };

void store_watch(struct store *store, store_watch_visit *visit, void *context)
{
    struct store_watched *w = &store->watched;

    if (visit && !w->leaves)
        w->leaves = calloc(LEAVES, sizeof(*w->leaves));
    w->context = context;
    w->visit = w->leaves ? visit : NULL;
}

void store_watch_all(struct store *store, store_watch_visit *visit, void *context)
{
    store->watched.context_all = context;
    store->watched.visit_all = visit;
}

/* The leaf of a mailbox; NULL: there is none, and with `make` no memory. */
static _Atomic uint64_t *leaf_of(struct store_watched *w, uint64_t mailbox, bool make)
{
    _Atomic uint64_t *leaf, *made;

    if (!w->leaves || mailbox > UINT32_MAX)
        return NULL;
    leaf = atomic_load_explicit(&w->leaves[mailbox >> LEAF_BITS], memory_order_acquire);
    if (leaf || !make)
        return leaf;
    made = calloc((1 << LEAF_BITS) / WORD_BITS, sizeof(*made));
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong(&w->leaves[mailbox >> LEAF_BITS], &leaf, made))
        return made;
    free(made);
    return leaf;
}

bool store_mailbox_watch(struct store *store, uint64_t mailbox, bool watched)
{
    _Atomic uint64_t *leaf = leaf_of(&store->watched, mailbox, watched);
    uint32_t bit = mailbox % (1 << LEAF_BITS);
    uint64_t mask = UINT64_C(1) << bit % WORD_BITS;

    if (!leaf)
        return !watched;
    if (watched)
        atomic_fetch_or(&leaf[bit / WORD_BITS], mask);
    else
        atomic_fetch_and(&leaf[bit / WORD_BITS], ~mask);
    return true;
}

void store_watched_tell(struct store *store, uint64_t mailbox)
{
    struct store_watched *w = &store->watched;
    uint32_t bit = mailbox % (1 << LEAF_BITS);
    _Atomic uint64_t *leaf;

    if (w->visit_all)
        w->visit_all(w->context_all, mailbox);
    if (!w->visit)
        return;
    /* Whoever marked the mailbox before it read, and did not see this change, is seen here. */
    atomic_thread_fence(memory_order_seq_cst);
    leaf = leaf_of(w, mailbox, false);
    if (leaf && atomic_load(&leaf[bit / WORD_BITS]) & UINT64_C(1) << bit % WORD_BITS)
        w->visit(w->context, mailbox);
}

void store_watched_fini(struct store_watched *w)
{
    for (uint32_t i = 0; w->leaves && i < LEAVES; i++)
        free((void *)(uintptr_t)atomic_load(&w->leaves[i]));
    free((void *)w->leaves);
    w->leaves = NULL;
}
