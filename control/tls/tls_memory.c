/* SPDX-License-Identifier: BSD-3-Clause */
#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "control/tls/tls_memory.h"

/*
 * A handshake takes memory some thousand times, so each thread counts for itself: only it writes its
 * tally, without a lock. What one thread takes another may give back, so a tally can be less than
 * nothing; their sum is right.
 */
struct tally {
    struct tally *next;
    _Atomic int64_t bytes;
    bool used; /* by a thread that lives */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static struct tally *tallies;
static pthread_key_t key; /* leads to the thread's, and gives it up at its end */
static _Thread_local struct tally *mine;

/* Its bytes stay; the next new thread goes on with it. */
static void give_up(void *tally)
{
    pthread_mutex_lock(&lock);
    ((struct tally *)tally)->used = false;
    pthread_mutex_unlock(&lock);
    mine = NULL;
}

/* For a thread that has none. NULL: no memory. */
static struct tally *find_tally(void)
{
    struct tally *t;

    pthread_mutex_lock(&lock);
    for (t = tallies; t && t->used; t = t->next)
        ;
    if (!t && (t = calloc(1, sizeof(*t))) != NULL) {
        t->next = tallies;
        tallies = t;
    }
    if (t)
        t->used = true;
    pthread_mutex_unlock(&lock);
    if (t)
        pthread_setspecific(key, t);
    mine = t;
    return t;
}

static void count(int64_t bytes)
{
    struct tally *t = mine ? mine : find_tally();

    if (t)
        atomic_store_explicit(
            &t->bytes, atomic_load_explicit(&t->bytes, memory_order_relaxed) + bytes,
            memory_order_relaxed);
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
    return pthread_key_create(&key, give_up) == 0 && CRYPTO_set_mem_functions(take, change, give) == 1;
}

uint64_t tls_memory_bytes(void)
{
    int64_t bytes = 0;

    pthread_mutex_lock(&lock);
    for (struct tally *t = tallies; t; t = t->next)
        bytes += atomic_load_explicit(&t->bytes, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    return bytes > 0 ? (uint64_t)bytes : 0;
}

int64_t tls_memory_of_thread(void)
{
    return mine ? atomic_load_explicit(&mine->bytes, memory_order_relaxed) : 0;
}
