/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/window_table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "proto/base/siphash.h"

/* Time is kept in units of 128 ms, modulo 24 days: what was idle for longer may look recent again.
 */
enum { WAYS = 4, TRIES = 64, AHEAD = 8, UNIT_SHIFT = 7, TIME_BITS = 24, COUNT_BITS = 20 };

#define NOBODY UINT64_C(0)
#define CHANGING UINT64_C(1) /* between two keys */

/*
 * `name` says whose counter it is. `state` is the time of the last event, the count of the window
 * before the one that this time lies in, and the count of that one: in one word, so that they
 * change together. Windows are [n * window_ms, (n + 1) * window_ms).
 */
struct place {
    _Atomic uint64_t name;
    _Atomic uint64_t state;
};

struct line {
    struct place places[WAYS];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct line) == 64, "a key touches one cache line");

struct window_table {
    struct line *lines;
    uint64_t mask;
    uint8_t secret[16];
    struct {
        _Atomic uint64_t evicted, missed;
    } stats __attribute__((aligned(64)));
};

/* A state, unpacked. */
struct window {
    uint64_t last; /* in units */
    uint32_t before, now;
};

static uint64_t pack(struct window w)
{
    return w.last << 2 * COUNT_BITS | (uint64_t)w.before << COUNT_BITS | w.now;
}

/* The last event lies before `now`, but for what another worker's clock is ahead. */
static struct window unpack(uint64_t state, uint64_t now)
{
    uint64_t circle = (uint64_t)1 << TIME_BITS, ago = (now - (state >> 2 * COUNT_BITS)) % circle;
    struct window w = {.before = (uint32_t)(state >> COUNT_BITS) & WINDOW_COUNT_MAX,
                       .now = (uint32_t)state & WINDOW_COUNT_MAX};

    if (ago > circle - AHEAD)
        w.last = now + (circle - ago);
    else
        w.last = now > ago ? now - ago : 0;
    return w;
}

struct window_table *window_table_new(uint32_t counters, const uint8_t secret[16])
{
    struct window_table *t = aligned_alloc(64, sizeof(*t));
    uint64_t lines = 1;

    while (lines * WAYS < counters)
        lines *= 2;
    if (!t)
        return NULL;
    memset(t, 0, sizeof(*t));
    memcpy(t->secret, secret, sizeof(t->secret));
    t->mask = lines - 1;
    t->lines = aligned_alloc(64, lines * sizeof(struct line));
    if (!t->lines) {
        free(t);
        return NULL;
    }
    /* Touched now, so that no worker takes the page faults. */
    memset(t->lines, 0, lines * sizeof(struct line));
    return t;
}

void window_table_free(struct window_table *t)
{
    if (t)
        free(t->lines);
    free(t);
}

uint64_t window_table_name(const struct window_table *t, enum window_kind kind, struct span key)
{
    uint64_t name = siphash_behind(t->secret, (uint64_t)kind, span_head(key, WINDOW_KEY_MAX));

    return name > CHANGING ? name : name + 2;
}

static struct place *find(struct line *line, uint64_t name)
{
    for (int i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&line->places[i].name, memory_order_acquire) == name)
            return &line->places[i];
    return NULL;
}

/* Takes the place for another key. False: it was changed meanwhile. */
static bool claim(struct place *p, uint64_t old, uint64_t name)
{
    if (!atomic_compare_exchange_strong_explicit(&p->name, &old, CHANGING, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    atomic_store_explicit(&p->state, 0, memory_order_relaxed);
    atomic_store_explicit(&p->name, name, memory_order_release);
    return true;
}

/* The place to put a key into: a free one, or the one whose last event is longest ago. */
static struct place *oldest(struct line *line, uint64_t now, uint64_t *name_out)
{
    struct place *found = NULL;
    uint64_t last = UINT64_MAX;

    for (int i = 0; i < WAYS; i++) {
        struct place *p = &line->places[i];
        uint64_t name = atomic_load_explicit(&p->name, memory_order_relaxed);
        uint64_t used = unpack(atomic_load_explicit(&p->state, memory_order_relaxed), now).last;

        if (name == CHANGING || (found && name != NOBODY && used >= last))
            continue;
        found = p;
        last = name == NOBODY ? 0 : used;
        *name_out = name;
        if (name == NOBODY)
            break;
    }
    return found;
}

/* The key's place, where it has none a new one; NULL: others were faster each time. */
static struct place *place_for(struct window_table *t, struct line *line, uint64_t name,
                               uint64_t now)
{
    for (int i = 0; i < TRIES; i++) {
        struct place *p = find(line, name);
        uint64_t old;

        if (p)
            return p;
        p = oldest(line, now, &old);
        if (!p || !claim(p, old, name))
            continue;
        if (old != NOBODY)
            atomic_fetch_add_explicit(&t->stats.evicted, 1, memory_order_relaxed);
        return p;
    }
    return NULL;
}

static uint32_t add_up(uint32_t a, uint32_t b)
{
    return a > WINDOW_COUNT_MAX - (b < WINDOW_COUNT_MAX ? b : WINDOW_COUNT_MAX)
               ? (uint32_t)WINDOW_COUNT_MAX
               : a + b;
}

/* Moves the window to `now`. */
static struct window advance(struct window w, uint64_t now, uint32_t window_ms)
{
    uint64_t was = (w.last << UNIT_SHIFT) / window_ms, is = (now << UNIT_SHIFT) / window_ms;

    if (is == was + 1)
        w.before = w.now;
    else if (is > was)
        w.before = 0;
    if (is > was)
        w.now = 0;
    if (now > w.last)
        w.last = now;
    return w;
}

/* The window's count, and of the one before it what is not longer ago than the window is long. */
static uint32_t sum(struct window w, uint32_t window_ms)
{
    uint64_t into = (w.last << UNIT_SHIFT) % window_ms;

    return add_up(w.now, (uint32_t)((uint64_t)w.before * (window_ms - into) / window_ms));
}

uint32_t window_table_count(struct window_table *t, uint64_t name, uint64_t now_ms,
                            uint32_t window_ms, uint32_t amount)
{
    struct line *line = &t->lines[name >> 2 & t->mask];
    uint64_t now = now_ms >> UNIT_SHIFT, state;
    struct place *p = amount ? place_for(t, line, name, now) : find(line, name);

    if (!p) {
        if (amount)
            atomic_fetch_add_explicit(&t->stats.missed, 1, memory_order_relaxed);
        return add_up(0, amount);
    }
    state = atomic_load_explicit(&p->state, memory_order_relaxed);
    for (int i = 0; i < TRIES; i++) {
        struct window w = advance(unpack(state, now), now, window_ms);

        w.now = add_up(w.now, amount);
        if (amount == 0 ||
            atomic_compare_exchange_weak_explicit(&p->state, &state, pack(w), memory_order_relaxed,
                                                  memory_order_relaxed))
            return sum(w, window_ms);
    }
    atomic_fetch_add_explicit(&t->stats.missed, 1, memory_order_relaxed);
    return sum(advance(unpack(state, now), now, window_ms), window_ms);
}

uint32_t window_table_add(struct window_table *t, enum window_kind kind, struct span key,
                          uint64_t now_ms, uint32_t window_ms, uint32_t amount)
{
    return window_table_count(t, window_table_name(t, kind, key), now_ms, window_ms, amount);
}

struct window_stats window_table_stats(const struct window_table *t)
{
    return (struct window_stats){
        .evicted = atomic_load_explicit(&t->stats.evicted, memory_order_relaxed),
        .missed = atomic_load_explicit(&t->stats.missed, memory_order_relaxed)};
}
