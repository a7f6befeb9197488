/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/snapshot.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 64 };

struct snapshot {
    struct snapshot *next; /* keeps all of them within the leak checker's sight */
    uint32_t count;
    struct {
        void *at, *copy;
        size_t len;
    } pieces[PIECES];
};

static struct snapshot *recording, *all;

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_aligned_alloc(size_t align, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);

static void *note(void *at, size_t len)
{
    if (!recording || !at)
        return at;
    if (recording->count == PIECES)
        abort();
    recording->pieces[recording->count].at = at;
    recording->pieces[recording->count++].len = len;
    return at;
}

void *__wrap_malloc(size_t len)
{
    return note(__real_malloc(len), len);
}

void *__wrap_calloc(size_t count, size_t len)
{
    return note(__real_calloc(count, len), count * len);
}

void *__wrap_aligned_alloc(size_t align, size_t len)
{
    return note(__real_aligned_alloc(align, len), len);
}

void snapshot_begin(void)
{
    struct snapshot *s = __real_calloc(1, sizeof(*s));

    s->next = all;
    all = recording = s;
}

struct snapshot *snapshot_end(void)
{
    struct snapshot *s = recording;

    recording = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        s->pieces[i].copy = __real_malloc(s->pieces[i].len);
        memcpy(s->pieces[i].copy, s->pieces[i].at, s->pieces[i].len);
    }
    return s;
}

void snapshot_restore(const struct snapshot *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        memcpy(s->pieces[i].at, s->pieces[i].copy, s->pieces[i].len);
}
