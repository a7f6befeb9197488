/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

#include <stdlib.h>

/* Few are looked for one by one. */
enum { FEW = 16 };

static uint32_t slot_of(const struct rocks_batch *b, uint64_t mailbox, uint32_t uid)
{
    uint64_t hash = (mailbox << 32 ^ mailbox >> 32 ^ uid) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(hash >> 32) & b->gone_mask;
}

static void enter(struct rocks_batch *b, uint32_t i)
{
    uint32_t slot = slot_of(b, b->gone[i].mailbox, b->gone[i].uid);

    while (b->gone_slots[slot])
        slot = (slot + 1) & b->gone_mask;
    b->gone_slots[slot] = i + 1;
}

/* Twice as many slots as there is room for records, so that a search ends soon. What was taken back
 * is left in its slots until they are made anew. */
static bool make_slots(struct rocks_batch *b)
{
    uint32_t count = 2 * b->gone_cap, *slots = calloc(count, sizeof(*slots));

    if (!slots)
        return false;
    free(b->gone_slots);
    b->gone_slots = slots;
    b->gone_mask = count - 1;
    b->gone_used = b->gone_count;
    for (uint32_t i = 0; i < b->gone_count; i++)
        enter(b, i);
    return true;
}

bool rocks_delete_note(struct rocks_batch *b, struct rocks_gone gone)
{
    if (b->gone_count == b->gone_cap) {
        uint32_t cap = b->gone_cap ? 2 * b->gone_cap : 64;
        struct rocks_gone *grown = realloc(b->gone, cap * sizeof(*grown));

        if (!grown)
            return false;
        b->gone = grown;
        b->gone_cap = cap;
    }
    if (b->gone_used == b->gone_mask / 2 + (b->gone_mask > 0) && b->gone_count >= FEW &&
        !make_slots(b))
        return false;
    b->gone[b->gone_count++] = gone;
    if (b->gone_mask == 0)
        return true;
    enter(b, b->gone_count - 1);
    b->gone_used++;
    return true;
}

bool rocks_delete_noted(const struct rocks_batch *b, uint64_t mailbox, uint32_t uid)
{
    if (b->gone_mask == 0) {
        for (uint32_t i = 0; i < b->gone_count; i++)
            if (b->gone[i].mailbox == mailbox && b->gone[i].uid == uid)
                return true;
        return false;
    }
    for (uint32_t slot = slot_of(b, mailbox, uid), i; (i = b->gone_slots[slot]) != 0;
         slot = (slot + 1) & b->gone_mask)
        if (i <= b->gone_count && b->gone[i - 1].mailbox == mailbox && b->gone[i - 1].uid == uid)
            return true;
    return false;
}

void rocks_delete_rows(struct rocks_batch *b, const struct rocks_gone *gone)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, gone->mailbox, gone->uid);

    rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
    key = store_key_entry(STORE_TABLE_PREFIX, gone->mailbox, gone->uid);
    rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
    key = store_key_flags(gone->mailbox, gone->uid);
    rocks_value_delete(b->r, b->rows, ROCKS_FLAGS, rocks_key(&key));
    key = store_key_reference(&gone->message, gone->mailbox, gone->uid);
    rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
    b->durable = true;
}

void rocks_delete_entry(struct rocks_batch *b, const struct rocks_box *box,
                        const struct rocks_gone *gone, uint64_t size)
{
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_key key;

    rocks_delete_rows(b, gone);
    key = store_key_tombstone(gone->mailbox, ++box->state->modseq, gone->uid);
    store_row_put_tombstone(
        &w, &(struct store_row_tombstone){.message = gone->message, .deleted_ms = b->now_ms});
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    rocks_batch_uncount(box, size);
}

/* What the entry row says of its message and size; NONE when it is gone. */
static enum store_status read_entry(struct rocks_batch *b, uint64_t mailbox, uint32_t uid,
                                    struct id128 *message_out, uint64_t *size_out)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, mailbox, uid);
    struct store_entry entry = {0};
    struct rocks_value value;
    enum store_status status =
        rocks_value_get(b->r, b->r->read, ROCKS_INDEX, rocks_key(&key), &value);

    if (status == STORE_OK && !store_row_read_entry(value.bytes, &entry))
        status = STORE_CORRUPT;
    *message_out = entry.message;
    *size_out = entry.size;
    rocks_value_free(&value);
    return status;
}

enum store_status rocks_delete_marked(struct rocks_batch *b, const struct rocks_view *view,
                                      const uint8_t *marked)
{
    uint32_t first = b->gone_count;
    struct rocks_account *account;
    struct rocks_box box;
    uint64_t size;
    enum store_status status = rocks_batch_account(b, view->account, MESSAGE_INBOX, &account);

    for (uint32_t i = 0; status == STORE_OK && i < view->view.count; i++) {
        struct rocks_gone gone = {.mailbox = view->mailbox, .uid = view->entries[i].uid};

        /* IMAP may have taken it out in the same batch. */
        if (!(marked[i / 8] & 1u << i % 8) || rocks_delete_noted(b, gone.mailbox, gone.uid))
            continue;
        status = read_entry(b, gone.mailbox, gone.uid, &gone.message, &size);
        if (status == STORE_NONE)
            status = STORE_OK;
        else if (status == STORE_OK && !rocks_delete_note(b, gone))
            status = STORE_FAILED;
    }
    if (status != STORE_OK) {
        b->gone_count = first;
        return rocks_must(status);
    }
    box = rocks_batch_fixed(account, MESSAGE_INBOX);
    for (uint32_t i = first; i < b->gone_count; i++) {
        struct rocks_gone *gone = &b->gone[i];

        if (read_entry(b, gone->mailbox, gone->uid, &gone->message, &size) == STORE_OK)
            rocks_delete_entry(b, &box, gone, size);
    }
    return STORE_OK;
}

static enum store_status delete_reference(struct rocks_batch *b, struct rocks_gone gone)
{
    struct rocks_box box;
    uint64_t size = 0;
    enum store_status status = read_entry(b, gone.mailbox, gone.uid, &gone.message, &size), boxed;

    if (status == STORE_NONE || rocks_delete_noted(b, gone.mailbox, gone.uid))
        return STORE_OK;
    if (status != STORE_OK)
        return status;
    boxed = rocks_batch_box(b, gone.mailbox, &box);
    if (boxed != STORE_OK && boxed != STORE_NONE)
        return boxed;
    if (!rocks_delete_note(b, gone))
        return STORE_FAILED;
    if (boxed == STORE_OK)
        rocks_delete_entry(b, &box, &gone, size);
    else
        rocks_delete_rows(b, &gone);
    return STORE_OK;
}

enum store_status rocks_delete_message(struct rocks_batch *b, const struct id128 *message)
{
    struct store_key prefix = store_key_message(STORE_TABLE_REFERENCE, message);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &prefix, NULL);
    while (status == STORE_OK && rocks_walk_next(&walk)) {
        struct rocks_gone gone = {.moved = false};

        if (store_key_read_reference(walk.key, &gone.message, &gone.mailbox, &gone.uid))
            status = delete_reference(b, gone);
        else
            status = STORE_CORRUPT;
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

void rocks_delete_pending(struct rocks_batch *b, const struct id128 *message)
{
    struct store_key key = store_key_pending(b->r->incarnation, message);
    uint64_t rows = 0;

    if (rocks_value_number(b->r, ROCKS_INDEX, rocks_key(&key), &rows) != STORE_OK ||
        rows > UINT32_MAX)
        return;
    rocks_value_delete_body(b->r, b->rows, b->r->incarnation, message, (uint32_t)rows);
    rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
}

static int compare_gone(const void *a, const void *b)
{
    const struct rocks_gone *x = a, *y = b;

    return memcmp(&x->message, &y->message, sizeof(x->message));
}

static enum store_status count_references(struct rocks_batch *b, const struct id128 *message,
                                          uint32_t *count_out)
{
    struct store_key prefix = store_key_message(STORE_TABLE_REFERENCE, message);
    struct rocks_walk walk;

    *count_out = 0;
    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &prefix, NULL);
    while (rocks_walk_next(&walk))
        ++*count_out;
    return rocks_walk_end(&walk);
}

enum store_status rocks_delete_lost(struct rocks_batch *b, const struct id128 *message,
                                    uint64_t mailbox, uint32_t uid)
{
    struct store_key key = store_key_reference(message, mailbox, uid);

    if (!rocks_delete_note(
            b, (struct rocks_gone){.message = *message, .mailbox = mailbox, .uid = uid}))
        return STORE_FAILED;
    rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
    rocks_delete_bodies(b);
    return STORE_OK;
}

void rocks_delete_body(struct rocks_batch *b, const struct id128 *message)
{
    static const enum store_table tables[] = {STORE_TABLE_BODY, STORE_TABLE_ENVELOPE,
                                              STORE_TABLE_TREE};
    struct store_row_body body;

    if (rocks_value_body(b->r, message, &body) != STORE_OK)
        return;
    rocks_value_delete_body(b->r, b->rows, body.incarnation, message, body.rows);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct store_key key = store_key_message(tables[i], message);

        rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
    }
}

/*
 * The database does not see this batch yet: a body is garbage when as many references are there as
 * the batch removes. The batch makes new references to messages that are new themselves, and to
 * those it moves, which says so.
 */
void rocks_delete_bodies(struct rocks_batch *b)
{
    if (b->gone_count > 0)
        qsort(b->gone, b->gone_count, sizeof(*b->gone), compare_gone);
    for (uint32_t i = 0, end; i < b->gone_count; i = end) {
        bool moved = b->gone[i].moved;
        uint32_t references;

        for (end = i + 1; end < b->gone_count && compare_gone(&b->gone[i], &b->gone[end]) == 0;)
            moved |= b->gone[end++].moved;
        if (!moved && count_references(b, &b->gone[i].message, &references) == STORE_OK &&
            references == end - i)
            rocks_delete_body(b, &b->gone[i].message);
    }
}
