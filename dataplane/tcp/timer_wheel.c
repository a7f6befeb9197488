/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/timer_wheel.h"

#include <string.h>

enum { BITS = 6, MASK = TIMER_WHEEL_SLOTS - 1 };
/* A wheel's whole turn less one slot of the top level, so that the slot in use is never the one put into. */
static const uint64_t reach = (uint64_t)MASK << BITS * (TIMER_WHEEL_LEVELS - 1);

static struct timer_node *node_at(struct timer_wheel *w, uint32_t i)
{
    return (struct timer_node *)(void *)(w->nodes + (uint64_t)w->stride * i);
}

void timer_wheel_init(struct timer_wheel *w, void *nodes, uint32_t stride, uint64_t now)
{
    memset(w, 0, sizeof(*w));
    memset(w->heads, 0xff, sizeof(w->heads));
    w->nodes = nodes;
    w->stride = stride;
    w->now = now;
}

void timer_node_init(struct timer_node *node)
{
    *node = (struct timer_node){.next = TIMER_NONE, .prev = TIMER_NONE, .slot = TIMER_STOPPED};
}

void timer_wheel_stop(struct timer_wheel *w, uint32_t i)
{
    struct timer_node *node = node_at(w, i);

    if (node->slot == TIMER_STOPPED)
        return;
    if (node->next != TIMER_NONE)
        node_at(w, node->next)->prev = node->prev;
    if (node->prev != TIMER_NONE)
        node_at(w, node->prev)->next = node->next;
    else
        w->heads[node->slot] = node->next;
    if (w->heads[node->slot] == TIMER_NONE)
        w->used[node->slot >> BITS] &= ~(1ull << (node->slot & MASK));
    timer_node_init(node);
}

/* tick >= w->now; equal only while slots are moved down, just before the lowest one fires. */
static void place(struct timer_wheel *w, uint32_t i, uint64_t tick)
{
    struct timer_node *node = node_at(w, i);
    uint64_t delta = tick - w->now;
    uint32_t level = 0, slot;

    if (delta > reach) {
        delta = reach;
        tick = w->now + reach;
    }
    while (delta >> BITS * (level + 1))
        level++;
    slot = level << BITS | (uint32_t)(tick >> BITS * level & MASK);
    node->tick = (uint32_t)tick;
    node->slot = (uint16_t)slot;
    node->prev = TIMER_NONE;
    node->next = w->heads[slot];
    if (node->next != TIMER_NONE)
        node_at(w, node->next)->prev = i;
    w->heads[slot] = i;
    w->used[level] |= 1ull << (slot & MASK);
}

void timer_wheel_set(struct timer_wheel *w, uint32_t i, uint64_t tick)
{
    timer_wheel_stop(w, i);
    place(w, i, tick > w->now ? tick : w->now + 1);
}

uint64_t timer_wheel_due(const struct timer_wheel *w)
{
    uint64_t due = UINT64_MAX;

    for (uint32_t level = 0; level < TIMER_WHEEL_LEVELS; level++) {
        uint64_t at = w->now >> BITS * level, used = w->used[level], tick;
        uint32_t turn = (uint32_t)(at + 1) & MASK;

        if (!used)
            continue;
        used = turn ? used >> turn | used << (TIMER_WHEEL_SLOTS - turn) : used;
        tick = (at + 1 + (uint64_t)__builtin_ctzll(used)) << BITS * level;
        due = tick < due ? tick : due;
    }
    return due;
}

/* Moves the slots that begin at w->now down a level, from the top. */
static void cascade(struct timer_wheel *w)
{
    for (uint32_t level = TIMER_WHEEL_LEVELS - 1; level > 0; level--) {
        uint32_t slot = level << BITS | (uint32_t)(w->now >> BITS * level & MASK);

        if (w->now & ((1ull << BITS * level) - 1))
            continue;
        while (w->heads[slot] != TIMER_NONE) {
            uint32_t i = w->heads[slot];
            uint64_t tick = w->now + (uint32_t)(node_at(w, i)->tick - (uint32_t)w->now);

            timer_wheel_stop(w, i);
            place(w, i, tick);
        }
    }
}

uint32_t timer_wheel_next(struct timer_wheel *w, uint64_t target)
{
    for (;;) {
        uint32_t i = w->heads[w->now & MASK];
        uint64_t due;

        if (i != TIMER_NONE && node_at(w, i)->tick == (uint32_t)w->now) {
            timer_wheel_stop(w, i);
            return i;
        }
        due = timer_wheel_due(w);
        if (due > target) {
            w->now = target > w->now ? target : w->now;
            return TIMER_NONE;
        }
        w->now = due;
        cascade(w);
    }
}
