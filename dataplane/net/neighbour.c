/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/neighbour.h"

#include <stdlib.h>

enum { NONE = UINT32_MAX, EVICT_LOOKS = 16 };

/*
 * FREE -> INCOMPLETE (asked, frames wait) -> REACHABLE -> STALE (its time is over) -> DELAY (used;
 * traffic may confirm it) -> PROBE (asked directly) -> REACHABLE, or gone. INCOMPLETE -> FAILED
 * after the last try. REACHABLE and FAILED run out without a timer: whoever looks compares `until`.
 */
enum state { FREE, INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED };

struct neighbour {
    struct ip_address address;
    uint8_t mac[6];
    uint8_t state;
    uint8_t tries;
    uint8_t pending;
    uint32_t next;         /* in the bucket's list, or in the free list */
    uint32_t older, newer; /* in the list of questions, while INCOMPLETE */
    uint64_t until;        /* when this state ends or acts */
    struct rte_mbuf *frames[NEIGHBOUR_PENDING];
};

struct neighbours {
    uint64_t seed;
    uint64_t due;   /* no timer before */
    uint64_t asked; /* when the allowance was last filled up */
    uint32_t allowance;
    uint32_t size, mask, count, pending;
    uint32_t free;
    uint32_t hand;                       /* where eviction looked last */
    uint32_t oldest, newest, incomplete; /* the list of questions, and its length */
    uint32_t orphaned;                   /* of orphans[], counted in `pending` too */
    uint32_t scan;                       /* where the running walk over the timers is */
    uint64_t scan_due;
    struct rte_mbuf *orphans[NEIGHBOUR_PENDING_ALL]; /* waited on an entry that had to go */
    uint32_t *buckets;
    struct neighbour entries[];
};

struct neighbours *neighbours_new(uint32_t entries, uint64_t seed)
{
    struct neighbours *t = calloc(1, sizeof(*t) + entries * sizeof(t->entries[0]));
    uint32_t buckets = 1;

    while (buckets < entries)
        buckets *= 2;
    if (!t || !(t->buckets = malloc(buckets * sizeof(*t->buckets)))) {
        free(t);
        return NULL;
    }
    memset(t->buckets, 0xff, buckets * sizeof(*t->buckets));
    t->seed = seed | 1;
    t->due = t->scan_due = UINT64_MAX;
    t->allowance = NEIGHBOUR_ASKS;
    t->size = entries;
    t->mask = buckets - 1;
    t->free = t->oldest = t->newest = NONE;
    for (uint32_t i = entries; i-- > 0; t->free = i)
        t->entries[i].next = t->free;
    return t;
}

void neighbours_free(struct neighbours *t)
{
    if (t)
        free(t->buckets);
    free(t);
}

/* Keyed, so that nobody on the link can choose addresses that meet in one bucket. */
static uint32_t *bucket(const struct neighbours *t, const struct ip_address *a)
{
    uint64_t low, high;

    memcpy(&high, a->bytes, 8);
    memcpy(&low, a->bytes + 8, 8);
    low = (low ^ t->seed) * UINT64_C(0x9e3779b97f4a7c15);
    high = (high ^ (low >> 29) ^ t->seed) * UINT64_C(0xbf58476d1ce4e5b9);
    return &t->buckets[(low ^ high >> 31) & t->mask];
}

static struct neighbour *lookup(const struct neighbours *t, const struct ip_address *address)
{
    for (uint32_t i = *bucket(t, address); i != NONE; i = t->entries[i].next)
        if (ip_address_equal(&t->entries[i].address, address))
            return (struct neighbour *)&t->entries[i];
    return NULL;
}

static uint32_t index_of(const struct neighbours *t, const struct neighbour *n)
{
    return (uint32_t)(n - t->entries);
}

static void join_questions(struct neighbours *t, struct neighbour *n)
{
    uint32_t at = index_of(t, n);

    n->older = t->newest;
    n->newer = NONE;
    *(t->newest == NONE ? &t->oldest : &t->entries[t->newest].newer) = at;
    t->newest = at;
    t->incomplete++;
}

static void leave_questions(struct neighbours *t, struct neighbour *n)
{
    *(n->older == NONE ? &t->oldest : &t->entries[n->older].newer) = n->newer;
    *(n->newer == NONE ? &t->newest : &t->entries[n->newer].older) = n->older;
    t->incomplete--;
}

/* The one place that changes a state; those with a timer pull the table's. */
static void enter(struct neighbours *t, struct neighbour *n, enum state state, uint64_t until)
{
    if (n->state == INCOMPLETE && state != INCOMPLETE)
        leave_questions(t, n);
    else if (n->state != INCOMPLETE && state == INCOMPLETE)
        join_questions(t, n);
    n->state = (uint8_t)state;
    n->until = until;
    if (state == INCOMPLETE || state == DELAY || state == PROBE) {
        if (until < t->due)
            t->due = until;
        if (until < t->scan_due)
            t->scan_due = until;
    }
}

static void drop_entry(struct neighbours *t, struct neighbour *n)
{
    uint32_t at = index_of(t, n), *link = bucket(t, &n->address);

    enter(t, n, FREE, 0);
    while (*link != at)
        link = &t->entries[*link].next;
    *link = n->next;
    *n = (struct neighbour){.next = t->free};
    t->free = at;
    t->count--;
}

/* Frees an entry that nobody relies on: no frames, no question under way, not fresh. */
static bool evict_unused(struct neighbours *t, uint64_t now)
{
    for (uint32_t i = 0; i < EVICT_LOOKS && t->size; i++) {
        struct neighbour *n = &t->entries[t->hand];

        t->hand = (t->hand + 1) % t->size;
        if (n->state == STALE ||
            ((n->state == REACHABLE || n->state == FAILED) && n->until <= now)) {
            drop_entry(t, n);
            return true;
        }
    }
    return false;
}

/* Frees the question that has waited longest. Its frames are handed out by neighbour_turn(). */
static void evict_question(struct neighbours *t)
{
    struct neighbour *n;

    if (t->oldest == NONE)
        return;
    n = &t->entries[t->oldest];
    memcpy(t->orphans + t->orphaned, n->frames, n->pending * sizeof(n->frames[0]));
    t->orphaned += n->pending;
    drop_entry(t, n);
}

/*
 * Sources that are not there, one after another, may fill the table with questions nobody answers.
 * So questions go first where they have the larger half, and where nothing else can; what is in
 * use never does.
 */
static void evict(struct neighbours *t, uint64_t now)
{
    if (t->incomplete > t->size / 2 || !evict_unused(t, now))
        evict_question(t);
}

static struct neighbour *insert(struct neighbours *t, const struct ip_address *address,
                                uint64_t now)
{
    uint32_t at, *link;

    if (t->free == NONE)
        evict(t, now);
    at = t->free;
    if (at == NONE)
        return NULL;
    t->free = t->entries[at].next;
    t->count++;
    link = bucket(t, address);
    t->entries[at] = (struct neighbour){.address = *address, .next = *link};
    *link = at;
    return &t->entries[at];
}

bool neighbour_resolve(struct neighbours *t, const struct ip_address *address, uint64_t now,
                       uint8_t mac_out[6])
{
    struct neighbour *n = lookup(t, address);

    if (!n || (n->state == FAILED && n->until <= now)) {
        n = n ? n : insert(t, address, now);
        if (n) {
            n->tries = 0;
            enter(t, n, INCOMPLETE, now);
        }
        return false;
    }
    if (n->state == INCOMPLETE || n->state == FAILED)
        return false;
    if (n->state == STALE || (n->state == REACHABLE && n->until <= now)) {
        n->tries = 0;
        enter(t, n, DELAY, now + NEIGHBOUR_DELAY_US);
    }
    memcpy(mac_out, n->mac, sizeof(n->mac));
    return true;
}

struct rte_mbuf *neighbour_hold(struct neighbours *t, const struct ip_address *address,
                                struct rte_mbuf *frame)
{
    struct neighbour *n = lookup(t, address);
    struct rte_mbuf *oldest = NULL;

    if (!n || n->state != INCOMPLETE)
        return frame;
    if (n->pending == NEIGHBOUR_PENDING || (t->pending == NEIGHBOUR_PENDING_ALL && n->pending)) {
        oldest = n->frames[0];
        n->pending--;
        t->pending--;
        memmove(n->frames, n->frames + 1, n->pending * sizeof(n->frames[0]));
    }
    if (t->pending == NEIGHBOUR_PENDING_ALL)
        return frame;
    n->frames[n->pending++] = frame;
    t->pending++;
    return oldest;
}

static void orphans(struct neighbours *t, struct neighbour_frames *out)
{
    out->count = t->orphaned < NEIGHBOUR_PENDING ? t->orphaned : NEIGHBOUR_PENDING;
    t->orphaned -= out->count;
    t->pending -= out->count;
    memcpy(out->frames, t->orphans + t->orphaned, out->count * sizeof(out->frames[0]));
}

static void release(struct neighbours *t, struct neighbour *n, struct neighbour_frames *out)
{
    out->count = n->pending;
    memcpy(out->frames, n->frames, n->pending * sizeof(n->frames[0]));
    t->pending -= n->pending;
    n->pending = 0;
}

static void confirm(struct neighbours *t, struct neighbour *n, const uint8_t mac[6], uint64_t now)
{
    if (n->state != INCOMPLETE && n->state != FAILED && memcmp(n->mac, mac, 6) == 0)
        enter(t, n, REACHABLE, now + NEIGHBOUR_REACHABLE_US);
}

bool neighbour_learn(struct neighbours *t, const struct ip_address *address, const uint8_t mac[6],
                     enum neighbour_news news, uint64_t now, struct neighbour_frames *ready_out)
{
    struct neighbour *n = lookup(t, address);
    bool changes;

    ready_out->count = 0;
    if (!n && news == NEIGHBOUR_ASKED_US)
        n = insert(t, address, now);
    if (!n)
        return false;
    if (news == NEIGHBOUR_CONFIRMED) {
        confirm(t, n, mac, now);
        return true;
    }
    changes = n->state == FREE || n->state == INCOMPLETE || n->state == FAILED ||
              memcmp(n->mac, mac, 6) != 0;
    memcpy(n->mac, mac, 6);
    if (news == NEIGHBOUR_ANSWERED)
        enter(t, n, REACHABLE, now + NEIGHBOUR_REACHABLE_US);
    else if (changes)
        enter(t, n, STALE, now);
    release(t, n, ready_out);
    return true;
}

bool neighbour_find(const struct neighbours *t, const struct ip_address *address,
                    uint8_t mac_out[6])
{
    const struct neighbour *n = lookup(t, address);

    if (!n || n->state == INCOMPLETE || n->state == FAILED)
        return false;
    memcpy(mac_out, n->mac, sizeof(n->mac));
    return true;
}

static bool may_ask(struct neighbours *t, uint64_t now)
{
    uint64_t earned = (now - t->asked) * NEIGHBOUR_ASKS / 1000000;

    if (earned) {
        t->allowance = earned + t->allowance > NEIGHBOUR_ASKS ? NEIGHBOUR_ASKS
                                                              : t->allowance + (uint32_t)earned;
        t->asked = now;
    }
    if (!t->allowance)
        return false;
    t->allowance--;
    return true;
}

/* What the due entry does now. */
static enum neighbour_due act(struct neighbours *t, struct neighbour *n, uint64_t now,
                              struct neighbour_ask *ask, struct neighbour_frames *dropped)
{
    bool unicast = n->state != INCOMPLETE;

    ask->address = n->address;
    ask->unicast = unicast;
    memcpy(ask->mac, n->mac, sizeof(n->mac));
    if (n->tries == NEIGHBOUR_TRIES) {
        release(t, n, dropped);
        if (unicast)
            drop_entry(t, n);
        else
            enter(t, n, FAILED, now + NEIGHBOUR_FAILED_US);
        return NEIGHBOUR_SILENT;
    }
    if (!may_ask(t, now)) {
        enter(t, n, (enum state)n->state, now + NEIGHBOUR_RETRANS_US / 10);
        return NEIGHBOUR_NOTHING;
    }
    n->tries++;
    enter(t, n, unicast ? PROBE : INCOMPLETE, now + NEIGHBOUR_RETRANS_US);
    return NEIGHBOUR_ASK;
}

enum neighbour_due neighbour_turn(struct neighbours *t, uint64_t now, struct neighbour_ask *ask_out,
                                  struct neighbour_frames *dropped_out)
{
    dropped_out->count = 0;
    if (t->orphaned) {
        orphans(t, dropped_out);
        return NEIGHBOUR_CROWDED;
    }
    if (now < t->due)
        return NEIGHBOUR_NOTHING;
    /* A walk may take several calls; what it passes over pulls scan_due, which becomes the next due
     * time. */
    if (t->scan == 0)
        t->scan_due = UINT64_MAX;
    while (t->scan < t->size) {
        struct neighbour *n = &t->entries[t->scan++];
        enum neighbour_due due;

        if (n->state != INCOMPLETE && n->state != DELAY && n->state != PROBE)
            continue;
        if (n->until > now) {
            enter(t, n, (enum state)n->state, n->until);
            continue;
        }
        due = act(t, n, now, ask_out, dropped_out);
        if (due != NEIGHBOUR_NOTHING)
            return due;
    }
    t->scan = 0;
    t->due = t->scan_due;
    return NEIGHBOUR_NOTHING;
}

uint64_t neighbour_next_timer(const struct neighbours *t)
{
    return t->orphaned ? 0 : t->due;
}

uint32_t neighbour_count(const struct neighbours *t)
{
    return t->count;
}

void neighbour_flush(struct neighbours *t, struct neighbour_frames *out)
{
    orphans(t, out);
    for (uint32_t i = 0; i < t->size && !out->count; i++)
        release(t, &t->entries[i], out);
}
