/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/chunk.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "dataplane/handoff/hidden.h"

static const uint32_t class_size[CHUNK_CLASSES] = {512, 4096, 65536};

struct chunk_class_pool {
    struct chunk *free; /* given back, warmest first */
    uint8_t *fresh;     /* never used yet */
    uint8_t *end;
    uint32_t used, peak;
    uint32_t ordinary; /* how many chunk_take() may give; the others are the reserve */
};

struct chunk_pool {
    struct chunk_class_pool class[CHUNK_CLASSES];
    void *memory;
    size_t size;
};

struct chunk_pool *chunk_pool_new(const uint32_t limits[CHUNK_CLASSES])
{
    struct chunk_pool *pool = calloc(1, sizeof(*pool));
    uint8_t *at;

    if (!pool)
        return NULL;
    for (int i = 0; i < CHUNK_CLASSES; i++)
        pool->size += (size_t)limits[i] * class_size[i];
    pool->memory = hidden_new(pool->size);
    if (!pool->memory) {
        free(pool);
        return NULL;
    }
    at = pool->memory;
    for (int i = CHUNK_CLASSES - 1; i >= 0; i--) {
        pool->class[i].fresh = at;
        at += (size_t)limits[i] * class_size[i];
        pool->class[i].end = at;
        pool->class[i].ordinary = limits[i] - limits[i] / CHUNK_RESERVE;
    }
    return pool;
}

bool chunk_pool_prefault(struct chunk_pool *pool)
{
    /* A fault for each 2 MiB, and fewer misses of the TLB. */
    madvise(pool->memory, pool->size, MADV_HUGEPAGE);
    return hidden_prefault(pool->memory, pool->size);
}

void chunk_pool_free(struct chunk_pool *pool)
{
    if (!pool)
        return;
    hidden_free(pool->memory, pool->size);
    free(pool);
}

struct chunk *chunk_take(struct chunk_pool *pool, enum chunk_class class)
{
    const struct chunk_class_pool *c = &pool->class[class];

    return c->used < c->ordinary ? chunk_take_reserved(pool, class) : NULL;
}

struct chunk *chunk_take_reserved(struct chunk_pool *pool, enum chunk_class class)
{
    struct chunk_class_pool *c = &pool->class[class];
    struct chunk *chunk = c->free;

    if (chunk) {
        c->free = chunk->next;
    } else if (c->fresh < c->end) {
        chunk = (struct chunk *)c->fresh;
        c->fresh += class_size[class];
        chunk->cap = class_size[class] - CHUNK_HEADER;
        chunk->class = (uint8_t) class;
    } else {
        return NULL;
    }
    chunk->next = NULL;
    chunk->len = 0;
    chunk->start = 0;
    if (++c->used > c->peak)
        c->peak = c->used;
    return chunk;
}

void chunk_give(struct chunk_pool *pool, struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        struct chunk_class_pool *c = &pool->class[chunk->class];

        chunk->next = c->free;
        c->free = chunk;
        c->used--;
        chunk = next;
    }
}

uint32_t chunk_limit(const struct chunk_pool *pool, enum chunk_class class)
{
    return pool->class[class].ordinary;
}

uint32_t chunk_used(const struct chunk_pool *pool, enum chunk_class class)
{
    return pool->class[class].used;
}

uint32_t chunk_peak(const struct chunk_pool *pool, enum chunk_class class)
{
    return pool->class[class].peak;
}
