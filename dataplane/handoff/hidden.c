/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/hidden.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void hidden_mark(const void *memory, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (uintptr_t)memory & ~(page - 1);
    uintptr_t end = ((uintptr_t)memory + size + page - 1) & ~(page - 1);

    /* Where the kernel cannot, engine.core_files is what keeps core files away. */
    madvise((void *)first, end - first, MADV_DONTDUMP);
}

void *hidden_new(size_t size)
{
    void *memory = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    hidden_mark(memory, size);
    return memory;
}

bool hidden_prefault(void *memory, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    volatile uint8_t *at = memory;

    /* Kernels before 5.14 don't know it, and then do not say what is too much. */
    if (madvise(memory, size, MADV_POPULATE_WRITE) != 0 && errno != EINVAL)
        return false;
    /* Some hypervisors have tables of their own, that are filled on first use only. */
    for (size_t i = 0; i < size; i += page)
        at[i] = 0;
    return true;
}

void hidden_free(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size ? size : 1);
}

void hidden_mark_named(const char *prefix)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];

    while (maps && fgets(line, sizeof(line), maps)) {
        unsigned long first, end;
        int at = 0;

        if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &first, &end, &at) == 2 && at &&
            strncmp(line + at, prefix, strlen(prefix)) == 0)
            hidden_mark((void *)first, end - first);
    }
    if (maps)
        fclose(maps);
}

void hidden_mark_stack(void)
{
    pthread_attr_t attributes;
    void *stack;
    size_t size;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &stack, &size) == 0)
        hidden_mark(stack, size);
    pthread_attr_destroy(&attributes);
}

enum { BLOCK = 1 << 20, PIECE = 64 };

/* At an address of which BLOCK is a factor, so that a piece finds its own; a piece that is too
 * large for one begins in a block that goes on behind it. */
struct block {
    size_t size, used;
    uint32_t pieces;
} __attribute__((aligned(PIECE)));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *filling;

static struct block *block_new(size_t size)
{
    uint8_t *memory = hidden_new(size + BLOCK), *at;

    if (!memory)
        return NULL;
    at = (uint8_t *)(((uintptr_t)memory + BLOCK - 1) & ~((uintptr_t)BLOCK - 1));
    if (at > memory)
        munmap(memory, (size_t)(at - memory));
    if (memory + BLOCK > at)
        munmap(at + size, (size_t)(memory + BLOCK - at));
    *(struct block *)at = (struct block){.size = size, .used = sizeof(struct block)};
    return (struct block *)at;
}

static void *take_from(struct block *b, size_t size)
{
    void *piece = (uint8_t *)b + b->used;

    b->used += size;
    b->pieces++;
    return piece;
}

void *hidden_take(size_t size)
{
    size_t whole = ((size ? size : 1) + PIECE - 1) & ~((size_t)PIECE - 1);
    bool large = whole > BLOCK / 4;
    struct block *b;
    void *piece;

    pthread_mutex_lock(&lock);
    b = large ? block_new((whole + sizeof(*b) + BLOCK - 1) & ~((size_t)BLOCK - 1)) : filling;
    if (!large && (!b || b->size - b->used < whole)) {
        b = block_new(BLOCK);
        filling = b ? b : filling;
    }
    piece = b ? take_from(b, whole) : NULL;
    pthread_mutex_unlock(&lock);
    return piece;
}

void hidden_give(void *piece)
{
    struct block *b = (struct block *)((uintptr_t)piece & ~((uintptr_t)BLOCK - 1));

    if (!piece)
        return;
    pthread_mutex_lock(&lock);
    if (--b->pieces == 0) {
        filling = filling == b ? NULL : filling;
        hidden_free(b, b->size);
    }
    pthread_mutex_unlock(&lock);
}
