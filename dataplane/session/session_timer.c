/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_timer.h"

enum { SLOTS = 256, UNLISTED = UINT16_MAX };
_Static_assert(sizeof(((struct sessions *)0)->slots) == SLOTS * sizeof(uint32_t),
               "one list a slot");

void session_timer_init(struct sessions *ss, uint64_t now)
{
    ss->tick = now / SESSION_TIMER_TICK;
    for (int i = 0; i < SLOTS; i++)
        ss->slots[i] = SESSION_NONE;
}

void session_timer_remove(struct sessions *ss, struct session *s)
{
    if (s->slot == UNLISTED)
        return;
    if (s->next != SESSION_NONE)
        ss->table[s->next].prev = s->prev;
    if (s->prev != SESSION_NONE)
        ss->table[s->prev].next = s->next;
    else
        ss->slots[s->slot] = s->next;
    s->slot = UNLISTED;
}

/* The slot in which the deadline is first seen: its own, or the farthest there is. Never one
 * already passed. */
static uint64_t tick_of(const struct sessions *ss, uint64_t deadline)
{
    uint64_t tick = deadline / SESSION_TIMER_TICK + 1;

    if (tick <= ss->tick)
        tick = ss->tick + 1;
    return tick > ss->tick + SLOTS - 1 ? ss->tick + SLOTS - 1 : tick;
}

void session_timer_set(struct sessions *ss, struct session *s)
{
    uint64_t tick = tick_of(ss, s->deadline);

    if (s->slot != UNLISTED) {
        /* How far its present slot lies ahead; one that comes sooner will do. */
        uint64_t ahead = (s->slot - ss->tick) % SLOTS;

        if (ss->tick + ahead <= tick)
            return;
        session_timer_remove(ss, s);
    }
    s->slot = (uint16_t)(tick % SLOTS);
    s->prev = SESSION_NONE;
    s->next = ss->slots[s->slot];
    if (s->next != SESSION_NONE)
        ss->table[s->next].prev = session_index(ss, s);
    ss->slots[s->slot] = session_index(ss, s);
}

uint32_t session_timer_run(struct sessions *ss,
                           void (*expired)(struct sessions *ss, struct session *s))
{
    uint64_t until = ss->time.now / SESSION_TIMER_TICK;
    uint32_t n = 0;

    /* After a pause of more than a round every slot is due once. */
    if (until > ss->tick + SLOTS)
        ss->tick = until - SLOTS;
    while (ss->tick < until) {
        uint32_t at = ss->slots[++ss->tick % SLOTS];

        while (at != SESSION_NONE) {
            struct session *s = &ss->table[at];

            at = s->next;
            session_timer_remove(ss, s);
            if (s->deadline > ss->time.now) {
                session_timer_set(ss, s);
            } else {
                n++;
                expired(ss, s);
            }
        }
    }
    return n;
}

uint64_t session_timer_next(const struct sessions *ss)
{
    return ss->count ? (ss->tick + 1) * SESSION_TIMER_TICK : UINT64_MAX;
}
