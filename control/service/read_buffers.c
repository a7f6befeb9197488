/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/read_buffers.h"

#include <stdlib.h>

struct read_buffer {
    struct read_buffer *next;
    uint64_t size; /* which of them */
    uint8_t bytes[];
};

static struct read_buffer *buffer_of(uint8_t *bytes)
{
    return (struct read_buffer *)(void *)(bytes - offsetof(struct read_buffer, bytes));
}

static size_t bytes_of(uint64_t size)
{
    return (size_t)READ_BUFFERS_LEAST << size;
}

uint8_t *read_buffers_take(struct read_buffers *buffers, size_t bytes)
{
    struct read_buffer *b;
    uint64_t size = 0;

    while (bytes_of(size) < bytes)
        size++;
    b = buffers->free[size];
    if (b) {
        buffers->free[size] = b->next;
        buffers->kept[size]--;
        return b->bytes;
    }
    b = malloc(sizeof(*b) + bytes_of(size));
    if (!b)
        return NULL;
    b->size = size;
    return b->bytes;
}

void read_buffers_give(struct read_buffers *buffers, uint8_t *bytes)
{
    struct read_buffer *b = buffer_of(bytes);

    if ((buffers->kept[b->size] + 1) * bytes_of(b->size) > READ_BUFFERS_KEPT) {
        free(b);
        return;
    }
    b->next = buffers->free[b->size];
    buffers->free[b->size] = b;
    buffers->kept[b->size]++;
}

void read_buffers_fini(struct read_buffers *buffers)
{
    for (uint32_t i = 0; i < READ_BUFFERS_SIZES; i++)
        while (buffers->free[i]) {
            struct read_buffer *b = buffers->free[i];

            buffers->free[i] = b->next;
            free(b);
        }
}
