/* SPDX-License-Identifier: BSD-3-Clause */
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "control/tls/tls_memory.h"

static _Atomic int64_t held;
static _Thread_local int64_t held_by_thread;

static void count(int64_t bytes)
{
    atomic_fetch_add_explicit(&held, bytes, memory_order_relaxed);
    held_by_thread += bytes;
}

static void *take(size_t size, const char *file, int line)
{
    void *memory = malloc(size);

    (void)file;
    (void)line;
    count((int64_t)malloc_usable_size(memory));
    return memory;
}

static void give(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    count(-(int64_t)malloc_usable_size(memory));
    free(memory);
}

static void *change(void *memory, size_t size, const char *file, int line)
{
    int64_t before = (int64_t)malloc_usable_size(memory);
    void *now;

    if (size == 0) {
        give(memory, file, line);
        return NULL;
    }
    now = realloc(memory, size);
    if (now)
        count((int64_t)malloc_usable_size(now) - before);
    return now;
}

bool tls_memory_count(void)
{
    return CRYPTO_set_mem_functions(take, change, give) == 1;
}

uint64_t tls_memory_bytes(void)
{
    int64_t bytes = atomic_load_explicit(&held, memory_order_relaxed);

    return bytes > 0 ? (uint64_t)bytes : 0;
}

int64_t tls_memory_of_thread(void)
{
    return held_by_thread;
}
