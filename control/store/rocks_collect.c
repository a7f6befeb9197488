/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/store/rocks_batch.h"
#include "control/store/store_collect.h"

enum {
    REMOVED = 256, /* tombstones in one change */
    LOOKED = 4096, /* bodies that one step looks at */
    LOST_MAX = 256 /* bodies without a reference that it notes */
};

/* ---- tombstones ---- */

struct expiry {
    const struct store_collect *limits;
    uint64_t mailbox;
    uint64_t excess; /* how many go however young they are */
    uint64_t floor;  /* up to here all are gone */
    uint32_t count;
    struct store_key keys[REMOVED];
};

static enum store_status count_excess(struct rocks *r, struct expiry *e)
{
    struct store_key prefix = store_key_id(STORE_TABLE_TOMBSTONE, e->mailbox);
    struct rocks_walk walk;
    uint64_t count = 0;

    e->excess = 0;
    if (e->limits->tombstones_max == 0)
        return STORE_OK;
    rocks_walk_begin(&walk, r, ROCKS_INDEX, &prefix, NULL);
    while (count < e->limits->tombstones_max + (uint64_t)REMOVED && rocks_walk_next(&walk))
        count++;
    if (count > e->limits->tombstones_max)
        e->excess = count - e->limits->tombstones_max;
    return rocks_walk_end(&walk);
}

/* The oldest ones of the mailbox that may go. */
static enum store_status choose(struct rocks *r, struct expiry *e)
{
    struct store_key prefix = store_key_id(STORE_TABLE_TOMBSTONE, e->mailbox);
    struct rocks_walk walk;
    enum store_status status = count_excess(r, e);

    if (status != STORE_OK)
        return status;
    rocks_walk_begin(&walk, r, ROCKS_INDEX, &prefix, NULL);
    while (e->count < REMOVED && rocks_walk_next(&walk)) {
        struct store_row_tombstone row;
        uint64_t modseq;
        uint32_t uid;

        if (!store_key_read_tombstone(walk.key, &modseq, &uid) ||
            !store_row_read_tombstone(walk.value, &row))
            break;
        if (e->count >= e->excess && !store_collect_is_old(e->limits, row.deleted_ms))
            break;
        e->keys[e->count++] = store_key_tombstone(e->mailbox, modseq, uid);
        e->floor = modseq;
    }
    return rocks_walk_end(&walk);
}

static enum store_status forget(struct rocks_batch *b, const struct expiry *e)
{
    struct store_key key = store_key_id(STORE_TABLE_FLOOR, e->mailbox);
    struct store_row_mailbox mailbox;
    enum store_status status = rocks_value_mailbox(b->r, e->mailbox, &mailbox);

    for (uint32_t i = 0; i < e->count; i++)
        rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&e->keys[i]));
    /* Of a mailbox that is gone itself, nobody will ask. */
    if (status == STORE_OK)
        rocks_value_put_number(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), e->floor);
    else if (status != STORE_NONE)
        return status;
    return rocks_batch_write(b);
}

/* A power loss may bring some of them back, which does no harm: so no sync. */
static enum store_status remove_chosen(struct rocks *r, const struct expiry *e, uint64_t *held_us)
{
    struct rocks_batch batch;
    enum store_status status = STORE_FAILED;
    uint64_t begun, held;

    pthread_mutex_lock(&r->changing);
    begun = clock_monotonic_ns() / 1000;
    if (!r->sick && rocks_batch_init(&batch, r, 0)) {
        status = forget(&batch, e);
        r->sick = status != STORE_OK && status != STORE_CORRUPT;
        r->ill = status;
        rocks_batch_fini(&batch);
    }
    held = clock_monotonic_ns() / 1000 - begun;
    pthread_mutex_unlock(&r->changing);
    *held_us = held > *held_us ? held : *held_us;
    return status;
}

/* The first mailbox from `from` on that has tombstones; NONE when none has. */
static enum store_status find_mailbox(struct rocks *r, uint64_t from, uint64_t *mailbox_out)
{
    struct store_key table = store_key_table(STORE_TABLE_TOMBSTONE);
    struct store_key start = store_key_id(STORE_TABLE_TOMBSTONE, from);
    struct rocks_walk walk;
    enum store_status status = STORE_NONE, ended;

    rocks_walk_begin(&walk, r, ROCKS_INDEX, &table, &start);
    if (rocks_walk_next(&walk))
        status = store_key_read_id(span_head(walk.key, 9), mailbox_out) ? STORE_OK : STORE_CORRUPT;
    ended = rocks_walk_end(&walk);
    return ended == STORE_OK ? status : ended;
}

static enum store_status collect_tombstones(struct rocks *r, const struct store_collect *limits,
                                            struct store_collected *c)
{
    struct expiry e = {.limits = limits};
    enum store_status status = find_mailbox(r, r->collecting.mailbox, &e.mailbox);

    if (status == STORE_NONE) {
        r->collecting.mailbox = 0;
        r->collecting.bodies = true;
        r->collecting.behind = (struct id128){0};
        return STORE_OK;
    }
    if (status == STORE_OK)
        status = choose(r, &e);
    if (status == STORE_OK && e.count > 0)
        status = remove_chosen(r, &e, &c->held_us);
    if (status == STORE_OK)
        c->tombstones += e.count;
    r->collecting.mailbox = e.mailbox + (e.count < REMOVED);
    return status;
}

/* ---- bodies ---- */

struct lost {
    struct id128 ids[LOST_MAX]; /* in ascending order */
    uint32_t count;
};

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id128));
}

static bool referred(struct rocks *r, const struct id128 *message)
{
    struct store_key prefix = store_key_message(STORE_TABLE_REFERENCE, message);
    struct rocks_walk walk;
    bool found;

    rocks_walk_begin(&walk, r, ROCKS_INDEX, &prefix, NULL);
    found = rocks_walk_next(&walk);
    return rocks_walk_end(&walk) != STORE_OK || found;
}

/* Goes on behind the last body that was looked at; *more_out: there are others. */
static enum store_status find_lost(struct rocks *r, struct lost *lost, bool *more_out)
{
    struct store_key table = store_key_table(STORE_TABLE_BODY);
    struct store_key start = store_key_message(STORE_TABLE_BODY, &r->collecting.behind);
    struct rocks_walk walk;
    uint32_t looked = 0;

    rocks_walk_begin(&walk, r, ROCKS_INDEX, &table, &start);
    *more_out = false;
    while (rocks_walk_next(&walk)) {
        struct id128 id;

        if (!store_key_read_message(walk.key, &id))
            continue;
        *more_out = looked++ == LOOKED || lost->count == LOST_MAX;
        r->collecting.behind = id;
        if (*more_out)
            break;
        if (!referred(r, &id))
            lost->ids[lost->count++] = id;
    }
    return rocks_walk_end(&walk);
}

/* An entry whose reference is lost still needs its body. */
static enum store_status spare_needed(struct rocks *r, struct lost *lost)
{
    struct store_key table = store_key_table(STORE_TABLE_ENTRY);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    rocks_walk_begin(&walk, r, ROCKS_INDEX, &table, NULL);
    while (status == STORE_OK && lost->count > 0 && rocks_walk_next(&walk)) {
        struct store_entry entry;
        struct id128 *found;

        if (!store_row_read_entry(walk.value, &entry)) {
            status = STORE_CORRUPT; /* whose body it needs is not known: all are spared */
        } else if ((found = bsearch(&entry.message, lost->ids, lost->count, sizeof(lost->ids[0]),
                                    compare))) {
            lost->count--;
            memmove(found, found + 1, (size_t)(lost->ids + lost->count - found) * sizeof(*found));
        }
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

static enum store_status collect_bodies(struct rocks *r, struct store_collected *c)
{
    struct lost lost = {.count = 0};
    bool more = false;
    enum store_status status = find_lost(r, &lost, &more);

    if (status == STORE_OK && lost.count > 0)
        status = spare_needed(r, &lost);
    for (uint32_t i = 0; status == STORE_OK && i < lost.count; i++)
        c->bodies +=
            rocks_repair(r, &(struct rocks_fault){.fault = {.class = STORE_FAULT_BODY_UNUSED,
                                                            .message = lost.ids[i]}});
    if (!more) {
        r->collecting.bodies = false;
        c->done = true;
    }
    return status;
}

/* ---- deleted mailboxes ---- */

/* NONE: there are none. */
static enum store_status empty_mailbox(struct rocks *r, struct store_collected *c)
{
    uint64_t mailbox = 0, begun = clock_monotonic_ns() / 1000, held;
    bool done = false;
    enum store_status status = rocks_gone_find(r, 0, 0, &mailbox);

    if (status == STORE_OK)
        status = rocks_gone_step(r, mailbox, &done);
    held = clock_monotonic_ns() / 1000 - begun;
    if (status == STORE_OK && held > c->held_us)
        c->held_us = held;
    return status;
}

enum store_status rocks_collect(struct store *store, const struct store_collect *limits,
                                struct store_collected *collected)
{
    struct rocks *r = (struct rocks *)store;
    enum store_status status;

    collected->done = false;
    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = empty_mailbox(r, collected);
    if (status == STORE_NONE)
        status = r->collecting.bodies ? collect_bodies(r, collected)
                                      : collect_tombstones(r, limits, collected);
    rocks_db_release(r);
    return status;
}
