/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

#include <stdlib.h>

/*
 * A message that is being read. Its body is held, and its prefix copied, until the reading is
 * closed and all pins are back. The last one to be given back may be a worker's: it leaves the rest
 * to who takes `changing` next.
 */
struct memory_reading {
    struct store_reading shown;  /* first: what the caller sees */
    struct memory_reading *next; /* of those that ended */
    struct memory_body *body;
    _Atomic uint32_t used;            /* by who opened it, and by pins */
    const struct memory_piece *piece; /* where the last reading ended */
    uint64_t at;                      /* of the body, where that piece begins */
    uint8_t prefix[];
};

/* Pins of views are 0 there, as all pins are in the bit below. */
enum { IS_READING = 2 };

static struct memory_reading *reading_of(const struct store_reading *reading)
{
    return (struct memory_reading *)(uintptr_t)reading;
}

static void drop(struct memory *m, struct memory_reading *x)
{
    if (atomic_fetch_sub_explicit(&x->used, 1, memory_order_acq_rel) > 1)
        return;
    x->next = atomic_load_explicit(&m->readings, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&m->readings, &x->next, x, memory_order_release,
                                                  memory_order_relaxed))
        continue;
}

void memory_reading_settle(struct memory *m)
{
    struct memory_reading *x = atomic_exchange_explicit(&m->readings, NULL, memory_order_acquire);

    while (x) {
        struct memory_reading *next = x->next;

        x->body->held--;
        memory_body_release(m, x->body);
        free(x);
        x = next;
    }
}

static enum store_status open_entry(struct memory_entry *e, const struct store_reading **out)
{
    struct memory_reading *x = calloc(1, sizeof(*x) + e->prefix);

    if (!x)
        return STORE_FAILED;
    memcpy(x->prefix, e->bytes, e->prefix);
    x->body = e->body;
    x->body->held++;
    x->piece = e->body->first;
    atomic_store(&x->used, 1);
    x->shown =
        (struct store_reading){.message = e->body->id,
                               .mailbox = e->mailbox->id,
                               .uid = e->uid,
                               .size = memory_mailbox_size(e),
                               .prefix = span_of(x->prefix, e->prefix),
                               .tree = span_of(e->body->bytes + e->body->envelope, e->body->tree)};
    *out = &x->shown;
    return STORE_OK;
}

enum store_status memory_reading_open(struct store *store, uint64_t mailbox, uint32_t uid,
                                      const struct store_reading **reading_out)
{
    struct memory *m = memory_of(store);
    struct memory_mailbox *box;
    struct memory_entry *e = NULL;
    enum store_status status = STORE_NONE;

    memory_lock(m);
    memory_reading_settle(m);
    box = memory_names_mailbox(m, mailbox);
    if (box)
        status = memory_mailbox_take(m, box);
    if (status == STORE_OK)
        e = memory_mailbox_find(m, box, uid);
    if (status == STORE_OK)
        status = e ? open_entry(e, reading_out) : STORE_NONE;
    memory_unlock(m);
    return status;
}

static struct span in_body(struct memory_reading *x, uint64_t offset)
{
    if (offset < x->at) {
        x->piece = x->body->first;
        x->at = 0;
    }
    while (offset - x->at >= x->piece->len) {
        x->at += x->piece->len;
        x->piece = x->piece->next;
    }
    return span_skip(span_of(x->piece->data, x->piece->len), (size_t)(offset - x->at));
}

enum store_status memory_reading_read(struct store *store, const struct store_reading *reading,
                                      uint64_t offset, struct span *bytes_out, void **pin_out)
{
    struct memory_reading *x = reading_of(reading);

    *pin_out = NULL;
    *bytes_out = span_of(NULL, 0);
    if (offset >= reading->size)
        return STORE_OK;
    *bytes_out = offset < reading->prefix.len ? span_skip(reading->prefix, (size_t)offset)
                                              : in_body(x, offset - reading->prefix.len);
    atomic_fetch_add_explicit(&x->used, 1, memory_order_relaxed);
    *pin_out = (void *)((uintptr_t)x | IS_READING);
    return STORE_OK;
}

void memory_reading_unpin(struct memory *m, void *pin)
{
    if ((uintptr_t)pin & IS_READING)
        drop(m, (struct memory_reading *)((uintptr_t)pin & ~(uintptr_t)IS_READING));
}

void memory_reading_close(struct store *store, const struct store_reading *reading)
{
    struct memory *m = memory_of(store);

    drop(m, reading_of(reading));
    memory_lock(m);
    memory_reading_settle(m);
    memory_unlock(m);
}
