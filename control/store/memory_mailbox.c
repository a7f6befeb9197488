/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

#include <stdlib.h>

#include "control/base/clock.h"

enum { UID_SHIFT = 32 };

/* ---- by any thread ---- */

bool memory_mailbox_reserve(struct memory_mailbox *box, uint64_t octets, uint64_t limit)
{
    uint64_t had = atomic_load_explicit(&box->octets, memory_order_relaxed);

    do {
        if (limit && (octets > limit || had > limit - octets))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&box->octets, &had, had + octets,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void memory_mailbox_unreserve(struct memory_mailbox *box, uint64_t octets)
{
    atomic_fetch_sub_explicit(&box->octets, octets, memory_order_relaxed);
}

static uint32_t uid_of(uint64_t pushed)
{
    return (uint32_t)(pushed >> UID_SHIFT);
}

bool memory_mailbox_open(const struct memory_mailbox *box, uint32_t messages)
{
    return uid_of(atomic_load_explicit(&box->pushed, memory_order_relaxed)) < UINT32_MAX - messages;
}

/* UID and place in the list in one step: so the list is in the order of UIDs, and has no gap. The
 * UID also keeps the exchange from taking a list for the one it saw that was taken over meanwhile.
 */
uint32_t memory_mailbox_push(struct memory *m, struct memory_entry *entry)
{
    struct memory_mailbox *box = entry->mailbox;
    uint64_t pushed = atomic_load_explicit(&box->pushed, memory_order_relaxed), next;

    do {
        entry->uid = uid_of(pushed);
        entry->next = (uint32_t)pushed;
        next = (uint64_t)(entry->uid + 1) << UID_SHIFT | memory_arena_ref(&m->arena, entry);
    } while (!atomic_compare_exchange_weak_explicit(&box->pushed, &pushed, next,
                                                    memory_order_release, memory_order_relaxed));
    return uid_of(next) - 1;
}

/* ---- by who holds `changing` ---- */

uint64_t memory_mailbox_size(const struct memory_entry *entry)
{
    return entry->prefix + entry->body->size;
}

static bool grow(struct memory_mailbox *box, uint32_t more)
{
    uint32_t cap = box->cap ? box->cap : 8;
    struct memory_slot *grown;

    while (cap - box->count < more)
        cap *= 2;
    if (cap == box->cap)
        return true;
    grown = realloc(box->slots, cap * sizeof(*grown));
    if (!grown)
        return false;
    box->slots = grown;
    box->cap = cap;
    return true;
}

enum store_status memory_mailbox_take(struct memory *m, struct memory_mailbox *box)
{
    uint64_t pushed = atomic_load_explicit(&box->pushed, memory_order_acquire);
    uint32_t more, ref;

    if ((uint32_t)pushed == 0)
        return STORE_OK;
    do {
        more = uid_of(pushed) - box->uid_next;
        if (!grow(box, more))
            return STORE_FAILED;
    } while (!atomic_compare_exchange_weak_explicit(&box->pushed, &pushed,
                                                    pushed & ~(uint64_t)UINT32_MAX,
                                                    memory_order_acquire, memory_order_acquire));
    ref = (uint32_t)pushed;
    for (uint32_t i = more; i-- > 0;) {
        struct memory_entry *entry = memory_arena_at(&m->arena, ref);
        uint64_t size = memory_mailbox_size(entry);

        box->slots[box->count + i] =
            (struct memory_slot){.uid = entry->uid, .entry = ref, .size = size};
        entry->modseq = box->modseq + i + 1;
        entry->taken = true;
        box->size += size;
        ref = entry->next;
    }
    box->count += more;
    box->messages += more;
    box->modseq += more;
    box->uid_next = uid_of(pushed);
    return STORE_OK;
}

uint32_t memory_mailbox_seek(const struct memory_mailbox *box, uint32_t uid)
{
    uint32_t low = box->first, high = box->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (box->slots[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct memory_entry *memory_mailbox_from(const struct memory *m, const struct memory_mailbox *box,
                                         uint32_t uid)
{
    uint32_t i = memory_mailbox_seek(box, uid);

    while (i < box->count && !box->slots[i].entry)
        i++;
    return i < box->count ? memory_arena_at(&m->arena, box->slots[i].entry) : NULL;
}

struct memory_entry *memory_mailbox_find(const struct memory *m, const struct memory_mailbox *box,
                                         uint32_t uid)
{
    uint32_t i = memory_mailbox_seek(box, uid);

    if (i == box->count || box->slots[i].uid != uid || !box->slots[i].entry)
        return NULL;
    return memory_arena_at(&m->arena, box->slots[i].entry);
}

/* ---- deletion ---- */

static void close_gaps(struct memory_mailbox *box)
{
    uint32_t kept = 0;

    for (uint32_t i = box->first; i < box->count; i++)
        if (box->slots[i].entry)
            box->slots[kept++] = box->slots[i];
    box->first = 0;
    box->gone = 0;
    box->count = kept;
}

static bool tombstone_room(struct memory_mailbox *box)
{
    uint32_t cap = 2 * (box->tombstones_count + 4);
    struct memory_tombstone *grown;

    if (box->tombstones_first + box->tombstones_count < box->tombstones_cap)
        return true;
    if (box->tombstones_first > box->tombstones_count) {
        memcpy(box->tombstones, box->tombstones + box->tombstones_first,
               box->tombstones_count * sizeof(*grown));
        box->tombstones_first = 0;
        return true;
    }
    grown = malloc(cap * sizeof(*grown));
    if (!grown)
        return false;
    if (box->tombstones_count)
        memcpy(grown, box->tombstones + box->tombstones_first,
               box->tombstones_count * sizeof(*grown));
    free(box->tombstones);
    box->tombstones = grown;
    box->tombstones_first = 0;
    box->tombstones_cap = cap;
    return true;
}

/* Without memory for it the mailbox says that it does not know any more what was deleted. */
static void bury(struct memory_mailbox *box, const struct memory_entry *entry)
{
    box->modseq++;
    if (!tombstone_room(box)) {
        box->tombstones_count = 0;
        box->floor = box->modseq;
        return;
    }
    box->tombstones[box->tombstones_first + box->tombstones_count++] =
        (struct memory_tombstone){.message = entry->body->id,
                                  .modseq = box->modseq,
                                  .deleted_ms = clock_wall_ms(),
                                  .uid = entry->uid};
}

void memory_mailbox_remove(struct memory_entry *entry, bool tombstone)
{
    struct memory_mailbox *box = entry->mailbox;
    uint32_t i = memory_mailbox_seek(box, entry->uid);
    uint64_t size = memory_mailbox_size(entry);

    box->slots[i].entry = 0;
    box->gone++;
    while (box->first < box->count && !box->slots[box->first].entry)
        box->first++;
    if (box->gone > 64 && box->gone > box->count / 2)
        close_gaps(box);
    box->messages--;
    box->size -= size;
    memory_mailbox_unreserve(memory_mailbox_counter(box), size);
    if (tombstone)
        bury(box, entry);
}

static void forget(struct memory_entry *entry)
{
    struct memory_entry **at = &entry->body->entries;

    while (*at != entry)
        at = &(*at)->sibling;
    *at = entry->sibling;
}

void memory_mailbox_delete(struct memory *m, struct memory_entry *entry, bool tombstone)
{
    struct memory_view *view = entry->mailbox->account->view;
    struct memory_body *body = entry->body;

    memory_mailbox_remove(entry, tombstone);
    forget(entry);
    if (view && entry->mailbox->place == MESSAGE_INBOX) {
        body->held++;
        entry->next = view->gone;
        view->gone = memory_arena_ref(&m->arena, entry);
        return;
    }
    memory_entry_free(m, entry);
    memory_body_release(m, body);
}

void memory_mailbox_fini(struct memory_mailbox *box)
{
    free(box->slots);
    store_keywords_fini(&box->keywords);
    free(box->tombstones);
}
