/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_SENDQ_H
#define DATAPLANE_TCP_SENDQ_H

#include "dataplane/handoff/chunk.h"

/*
 * What a connection has to send: a vector of views, held until acknowledged. Every transmission
 * copies out of it into a fresh frame. Offsets count from the first byte that is not acknowledged.
 */
enum sendq_kind {
    SENDQ_STATIC, /* lives for ever */
    SENDQ_CHUNK,  /* bytes in a chunk that the queue owns */
    SENDQ_PIN, /* memory of the store: `pin` comes back through sendq_released() once acknowledged
                */
};

struct sendq_view {
    const uint8_t *data;
    uint32_t len;
    uint32_t kind;
    void *owner; /* the chunk or the pin */
};

struct sendq {
    struct chunk *views; /* chunks full of struct sendq_view, oldest first; NULL when empty */
    struct chunk *views_last;
    struct chunk *tail;     /* the chunk that copied text is appended to; owned by the last view */
    struct chunk *released; /* pins to hand back, as void * in chunks */
    uint32_t bytes;         /* in the queue, sent or not */
    uint32_t pins_released;
};

void sendq_init(struct sendq *q);
/* Gives every chunk back; pins that are still held or released move to sendq_released(). */
void sendq_fini(struct sendq *q, struct chunk_pool *pool);
/* Copies text (replies) to the end. False when a pool is used up: nothing was appended. */
bool sendq_copy(struct sendq *q, struct chunk_pool *pool, struct span text);
/* Appends a view without copying. False: nothing was appended and the owner still owns. */
bool sendq_view(struct sendq *q, struct chunk_pool *pool, struct span bytes, enum sendq_kind kind,
                void *owner);
/* Drops `n` acknowledged bytes, n <= q->bytes. Pins whose last byte went move to the released list.
 */
void sendq_acknowledge(struct sendq *q, struct chunk_pool *pool, uint32_t n);
/* The contiguous bytes at `offset`, at most `len`; empty beyond the end. */
struct span sendq_at(const struct sendq *q, uint32_t offset, uint32_t len);
/* Takes the next pin to give back to the store, or NULL. */
void *sendq_released(struct sendq *q, struct chunk_pool *pool);

#endif
