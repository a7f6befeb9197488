/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

static struct memory_pending **bucket_of(struct memory_adder *adder, const struct id128 *id)
{
    return &adder->pending[memory_ids_hash(id) % MEMORY_PENDING_BUCKETS];
}

static struct memory_pending **place_of(struct memory_adder *adder, const struct id128 *id)
{
    struct memory_pending **at = bucket_of(adder, id);

    while (*at && memcmp(&(*at)->id, id, sizeof(*id)) != 0)
        at = &(*at)->next;
    return at;
}

void memory_pending_put(struct memory_adder *adder, struct memory_pending *pending)
{
    struct memory_pending **at = bucket_of(adder, &pending->id);

    pending->next = *at;
    *at = pending;
}

static struct memory_pending *make(struct memory *m, struct memory_adder *adder,
                                   const struct id128 *id)
{
    struct memory_pending *p = memory_arena_take(&m->arena, &adder->lane, sizeof(*p));

    if (!p)
        return NULL;
    *p = (struct memory_pending){.id = *id};
    memory_pending_put(adder, p);
    return p;
}

enum store_status memory_pending_write(struct memory *m, struct memory_adder *adder,
                                       const struct id128 *id, uint32_t row, struct span bytes)
{
    struct memory_pending *p = *place_of(adder, id);
    struct memory_filling f = {.left = bytes.len};
    struct memory_piece **begin;

    if (bytes.len != CHUNK_LARGE_DATA || row != (p ? p->rows : 0))
        return STORE_FAILED;
    if (!p && !(p = make(m, adder, id)))
        return STORE_DISK_FULL;
    begin = f.end = p->last ? &p->last->next : &p->first;
    if (!memory_body_add(m, &adder->lane, &f, bytes)) {
        memory_body_free_pieces(m, *begin);
        *begin = NULL;
        if (p->rows == 0)
            memory_pending_discard(m, adder, id);
        return STORE_DISK_FULL;
    }
    p->last = f.piece;
    p->rows++;
    atomic_fetch_add_explicit(&m->pending_rows, 1, memory_order_relaxed);
    return STORE_OK;
}

struct memory_pending *memory_pending_take(struct memory_adder *adder, const struct id128 *id)
{
    struct memory_pending **at = place_of(adder, id), *p = *at;

    if (p)
        *at = p->next;
    return p;
}

void memory_pending_free(struct memory *m, struct memory_pending *p)
{
    atomic_fetch_sub_explicit(&m->pending_rows, p->rows, memory_order_relaxed);
    memory_body_free_pieces(m, p->first);
    memory_arena_give(&m->arena, p);
}

bool memory_pending_discard(struct memory *m, struct memory_adder *adder, const struct id128 *id)
{
    struct memory_pending *p = memory_pending_take(adder, id);

    if (p)
        memory_pending_free(m, p);
    return p != NULL;
}

void memory_pending_hand(struct memory *m, struct memory_adder *adder, const struct id128 *id)
{
    struct memory_pending *p = memory_pending_take(adder, id);

    if (!p)
        return;
    p->next = atomic_load_explicit(&m->handed, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&m->handed, &p->next, p, memory_order_release,
                                                  memory_order_relaxed))
        continue;
}

void memory_pending_accept(struct memory *m)
{
    struct memory_pending *p = atomic_exchange_explicit(&m->handed, NULL, memory_order_acquire);

    while (p) {
        struct memory_pending *next = p->next;

        memory_pending_put(&m->own, p);
        p = next;
    }
}
