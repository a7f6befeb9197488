/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/rule_memory.h"

#include <hs.h>
#include <stdlib.h>

static void *(*taker)(size_t size) = malloc;
static void (*giver)(void *memory) = free;

void rule_memory_set(void *(*take)(size_t size), void (*give)(void *memory))
{
    taker = take;
    giver = give;
    hs_set_stream_allocator(take, give);
    hs_set_scratch_allocator(take, give);
}

void *rule_memory_take(size_t size)
{
    return taker(size);
}

void rule_memory_give(void *memory)
{
    giver(memory);
}
