/* SPDX-License-Identifier: BSD-3-Clause */
#include <time.h>

#include "control/store/memory.h"

/* There is nothing to repair: what would be found here is a mistake of the program's. */
struct checking {
    struct memory *m;
    const struct store_fsck *options;
    struct store_health *health;
    uint32_t told[STORE_FAULTS];
};

enum { ATTEMPTS = 10000, WAIT_NS = 50000 };

static void found(struct checking *c, struct store_fault fault)
{
    c->health->faults[fault.class]++;
    if (c->options->visit && c->told[fault.class]++ < STORE_FSCK_VISITS)
        c->options->visit(c->options->context, &fault);
}

static bool knows(const struct memory_body *body, const struct memory_entry *entry)
{
    const struct memory_entry *e = body->entries;

    while (e && e != entry)
        e = e->sibling;
    return e != NULL;
}

static uint64_t bytes_of(const struct memory_body *body)
{
    uint64_t bytes = 0;

    for (const struct memory_piece *piece = body->first; piece; piece = piece->next)
        bytes += piece->len;
    return bytes;
}

static void check_entry(struct checking *c, const struct memory_mailbox *box,
                        const struct memory_slot *slot)
{
    const struct memory_entry *e = memory_arena_at(&c->m->arena, slot->entry);
    struct store_fault fault = {.account = box->account->id, .mailbox = box->id, .uid = slot->uid};

    c->health->entries++;
    if (e->mailbox != box || e->uid != slot->uid || slot->size != memory_mailbox_size(e)) {
        c->health->bad++;
        fault.class = STORE_FAULT_UNREADABLE;
        found(c, fault);
    }
    if (!knows(e->body, e) || memory_body_find(c->m, &e->body->id) != e->body) {
        c->health->bodiless++;
        fault.class = STORE_FAULT_ENTRY_BODILESS;
        fault.message = e->body->id;
        found(c, fault);
    }
}

/* Workers count what they are about to push, so the octets are right when none is about to: in one
 * of these moments, unless a worker is held up for a second. */
static bool counts_right(struct checking *c, struct memory_mailbox *box)
{
    uint64_t folders = 0;

    if (box->place == STORE_FOLDER)
        return true;
    for (uint32_t i = 0; box->place == MESSAGE_INBOX && i < box->account->folder_count; i++)
        folders += box->account->folders[i]->size;
    for (int i = 0; i < ATTEMPTS; i++) {
        uint64_t before = atomic_load(&box->octets);

        if (memory_mailbox_take(c->m, box) != STORE_OK)
            return true;
        if (before == box->size + folders && atomic_load(&box->octets) == before)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
    }
    return false;
}

static void check_mailbox(struct checking *c, struct memory_mailbox *box)
{
    bool right = counts_right(c, box);
    uint64_t messages = 0, size = 0;

    for (uint32_t i = 0; i < box->count; i++) {
        if (!box->slots[i].entry)
            continue;
        messages++;
        size += box->slots[i].size;
        check_entry(c, box, &box->slots[i]);
    }
    if (right && messages == box->messages && size == box->size)
        return;
    c->health->counts++;
    found(c, (struct store_fault){.class = STORE_FAULT_MAILBOX_COUNT,
                                  .account = box->account->id,
                                  .mailbox = box->id});
}

static void check_body(struct checking *c, const struct memory_body *body)
{
    struct store_health *h = c->health;

    h->bodies += body->entries != NULL;
    h->rows += body->entries ? (body->size + CHUNK_LARGE_DATA - 1) / CHUNK_LARGE_DATA : 0;
    if (!body->entries && !body->held) {
        h->orphans++;
        found(c, (struct store_fault){.class = STORE_FAULT_BODY_UNUSED, .message = body->id});
    }
    if (bytes_of(body) != body->size) {
        h->bodiless++;
        found(c, (struct store_fault){.class = STORE_FAULT_BODY_INCOMPLETE, .message = body->id});
    }
}

static void check_bodies(struct checking *c)
{
    const struct memory_ids *ids = &c->m->ids;

    for (uint64_t line = 0; line < ids->count; line++) {
        for (int i = 0; i < MEMORY_IDS_SLOTS; i++) {
            uint64_t slot = atomic_load_explicit(&ids->lines[line].slots[i], memory_order_acquire);

            if (slot)
                check_body(c, memory_arena_at(&c->m->arena, (uint32_t)slot));
        }
    }
}

enum store_status memory_check(struct store *store, const struct store_fsck *options,
                               struct store_health *health_out)
{
    struct memory *m = memory_of(store);
    struct checking c = {.m = m, .options = options, .health = health_out};

    *health_out = (struct store_health){.rows = atomic_load(&m->pending_rows)};
    memory_lock(m);
    memory_reading_settle(m);
    check_bodies(&c);
    for (uint32_t i = 0; i < m->count; i++) {
        check_mailbox(&c, &m->all[i]->mailboxes[MESSAGE_INBOX]);
        check_mailbox(&c, &m->all[i]->mailboxes[MESSAGE_QUARANTINE]);
        for (uint32_t f = 0; f < m->all[i]->folder_count; f++)
            check_mailbox(&c, m->all[i]->folders[f]);
    }
    memory_unlock(m);
    return STORE_OK;
}
