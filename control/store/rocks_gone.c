/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

enum { STEP = 256 }; /* messages that go in one change */

static void delete_id(struct rocks_batch *b, enum store_table table, uint64_t id)
{
    struct store_key key = store_key_id(table, id);

    rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
}

void rocks_gone_put(struct rocks_batch *b, uint64_t mailbox, const struct store_row_mailbox *row)
{
    struct store_row_mailbox gone = *row;
    struct store_key key = store_key_id(STORE_TABLE_MAILBOX, mailbox);
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));

    gone.place = STORE_ROW_GONE;
    store_row_put_mailbox(&w, &gone);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    key = store_key_id(STORE_TABLE_GONE, mailbox);
    rocks_value_put_number(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), row->account);
    b->durable = true;
}

void rocks_gone_forget(struct rocks_batch *b, uint64_t mailbox)
{
    static const enum store_table tables[] = {STORE_TABLE_MAILBOX, STORE_TABLE_STATE,
                                              STORE_TABLE_FLOOR, STORE_TABLE_KEYWORDS,
                                              STORE_TABLE_GONE};

    rocks_value_delete_range(b->r, b->rows, STORE_TABLE_TOMBSTONE, mailbox);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        delete_id(b, tables[i], mailbox);
}

enum store_status rocks_gone_find(struct rocks *r, uint64_t from, uint64_t account,
                                  uint64_t *mailbox_out)
{
    struct store_key table = store_key_table(STORE_TABLE_GONE);
    struct store_key start = store_key_id(STORE_TABLE_GONE, from);
    struct rocks_walk walk;
    enum store_status status = STORE_NONE, ended;

    rocks_walk_begin(&walk, r, ROCKS_INDEX, &table, &start);
    while (status == STORE_NONE && rocks_walk_next(&walk)) {
        uint64_t owner;

        if (!store_key_read_id(walk.key, mailbox_out) || !store_row_read_number(walk.value, &owner))
            status = STORE_CORRUPT;
        else if (!account || owner == account)
            status = STORE_OK;
    }
    ended = rocks_walk_end(&walk);
    return ended == STORE_OK ? status : ended;
}

struct emptying {
    uint64_t mailbox;
    bool done;
};

static enum store_status step(struct rocks_batch *b, void *context)
{
    struct emptying *e = context;
    struct store_key prefix = store_key_id(STORE_TABLE_ENTRY, e->mailbox);
    struct rocks_walk walk;
    uint32_t left = STEP;
    enum store_status status = STORE_OK, ended;

    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &prefix, NULL);
    while (status == STORE_OK && left > 0 && rocks_walk_next(&walk)) {
        struct store_entry entry;
        struct rocks_gone gone = {.mailbox = e->mailbox};

        if (!store_key_read_entry(walk.key, &entry.mailbox, &gone.uid) ||
            !store_row_read_entry(walk.value, &entry)) {
            status = STORE_CORRUPT;
            break;
        }
        gone.message = entry.message;
        status = rocks_delete_note(b, gone) ? STORE_OK : STORE_FAILED;
        if (status == STORE_OK)
            rocks_delete_rows(b, &gone);
        left--;
    }
    ended = rocks_walk_end(&walk);
    e->done = left > 0;
    if (status == STORE_OK && ended == STORE_OK && e->done)
        rocks_gone_forget(b, e->mailbox);
    b->durable = true;
    return status == STORE_OK ? ended : status;
}

enum store_status rocks_gone_step(struct rocks *r, uint64_t mailbox, bool *done_out)
{
    struct emptying e = {.mailbox = mailbox};
    enum store_status status = rocks_apply_one(r, step, &e);

    *done_out = status == STORE_OK && e.done;
    return status;
}
