/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TIMER_WHEEL_H
#define DATAPLANE_TCP_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A hierarchical timer wheel over the nodes of an array, one node each: 4 levels of 64 slots, one tick (a millisecond)
 * wide at the lowest, so it reaches 4.6 hours. Setting and stopping cost O(1); each node moves down at most three times.
 * A deadline further away is kept at the far end and comes out early: the owner looks whether it is due.
 */
enum { TIMER_WHEEL_LEVELS = 4, TIMER_WHEEL_SLOTS = 64 };
#define TIMER_NONE UINT32_MAX

struct timer_node {
    uint32_t next, prev; /* indices of nodes; TIMER_NONE at the ends */
    uint32_t tick;       /* deadline, the low 32 bits */
    uint16_t slot;       /* level * 64 + slot, or TIMER_STOPPED */
};
#define TIMER_STOPPED UINT16_MAX

struct timer_wheel {
    uint64_t now; /* ticks; all before and at it have fired */
    uint64_t used[TIMER_WHEEL_LEVELS];
    uint32_t heads[TIMER_WHEEL_LEVELS * TIMER_WHEEL_SLOTS];
    uint8_t *nodes;  /* the first node, wherever it lies in its record */
    uint32_t stride; /* bytes from one node to the next */
};

/* `nodes` borrowed: the first of the timer_node members of an array of records `stride` bytes apart. */
void timer_wheel_init(struct timer_wheel *w, void *nodes, uint32_t stride, uint64_t now);
void timer_node_init(struct timer_node *node);
/* (Re)starts node `i`. A tick that is not in the future fires with the next one. */
void timer_wheel_set(struct timer_wheel *w, uint32_t i, uint64_t tick);
void timer_wheel_stop(struct timer_wheel *w, uint32_t i);
/*
 * Moves towards tick `target` and returns the next node whose deadline came, stopped; TIMER_NONE when the wheel
 * stands at `target` and nothing is due. Call until then. Skips empty stretches.
 */
uint32_t timer_wheel_next(struct timer_wheel *w, uint64_t target);
/* The tick at which timer_wheel_next() has something to do, never after the earliest deadline; UINT64_MAX: none. */
uint64_t timer_wheel_due(const struct timer_wheel *w);

#endif
