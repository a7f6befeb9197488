/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

#include <stdlib.h>

enum { FLAGS_ROW = STORE_ROW_SMALL + STORE_ROW_KEYWORDS };

void rocks_entry_free(struct rocks_entry *e)
{
    rocks_value_free(&e->row);
    rocks_value_free(&e->flags);
    rocks_value_free(&e->prefix_row);
}

enum store_status rocks_entry_read(struct rocks_batch *b, uint64_t mailbox, uint32_t uid,
                                   struct rocks_entry *e)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, mailbox, uid);
    enum store_status status;

    *e = (struct rocks_entry){.entry = {.mailbox = mailbox, .uid = uid}};
    if (rocks_delete_noted(b, mailbox, uid))
        return STORE_NONE;
    status = rocks_value_get(b->r, b->r->read, ROCKS_INDEX, rocks_key(&key), &e->row);
    if (status == STORE_OK && !store_row_read_entry(e->row.bytes, &e->entry))
        status = STORE_CORRUPT;
    return status;
}

enum store_status rocks_entry_read_flags(struct rocks_batch *b, struct rocks_entry *e)
{
    struct store_key key = store_key_flags(e->entry.mailbox, e->entry.uid);
    enum store_status status =
        rocks_value_get(b->r, b->r->read, ROCKS_FLAGS, rocks_key(&key), &e->flags);

    if (status == STORE_OK && !store_row_read_flags(e->flags.bytes, &e->entry))
        return STORE_CORRUPT;
    return rocks_must(status);
}

enum store_status rocks_entry_read_prefix(struct rocks_batch *b, struct rocks_entry *e)
{
    struct store_key key = store_key_entry(STORE_TABLE_PREFIX, e->entry.mailbox, e->entry.uid);
    enum store_status status =
        rocks_value_get(b->r, b->r->read, ROCKS_INDEX, rocks_key(&key), &e->prefix_row);

    return rocks_must(status);
}

bool rocks_entry_put_flags(struct rocks_batch *b, const struct store_entry *e)
{
    struct store_key key = store_key_flags(e->mailbox, e->uid);
    size_t size = STORE_ROW_SMALL + e->keywords.len;
    uint8_t small[2 * STORE_ROW_SMALL], *bytes = size <= sizeof(small) ? small : malloc(size);
    struct writer w;

    if (!bytes)
        return false;
    w = writer_of(bytes, size);
    store_row_put_flags(&w, e);
    rocks_value_put(b->r, b->rows, ROCKS_FLAGS, rocks_key(&key), writer_span(&w));
    if (bytes != small)
        free(bytes);
    return true;
}

bool rocks_entry_put(struct rocks_batch *b, const struct store_entry *e, struct span prefix)
{
    uint8_t bytes[STORE_ROW_ENTRY];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, e->mailbox, e->uid);

    store_row_put_entry(&w, e);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    key = store_key_entry(STORE_TABLE_PREFIX, e->mailbox, e->uid);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), prefix);
    key = store_key_reference(&e->message, e->mailbox, e->uid);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), span_of("\1", 1));
    return rocks_entry_put_flags(b, e);
}

/* ---- keywords ---- */

void rocks_keywords_free(struct rocks_batch *b)
{
    while (b->keywords) {
        struct rocks_keywords *next = b->keywords->next;

        store_keywords_fini(&b->keywords->all);
        free(b->keywords);
        b->keywords = next;
    }
}

static enum store_status load(struct rocks_batch *b, struct rocks_keywords *k)
{
    struct store_key key = store_key_id(STORE_TABLE_KEYWORDS, k->mailbox);
    struct rocks_value value;
    struct span keywords;
    enum store_status status =
        rocks_value_get(b->r, b->r->read, ROCKS_INDEX, rocks_key(&key), &value);

    if (status == STORE_OK && !store_row_read_keywords(value.bytes, &keywords))
        status = STORE_CORRUPT;
    if (status == STORE_OK)
        status = store_keywords_add(&k->all, keywords);
    k->written = k->all.len;
    rocks_value_free(&value);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status rocks_keywords_of(struct rocks_batch *b, uint64_t mailbox,
                                    struct store_keywords **keywords_out)
{
    struct rocks_keywords *k = b->keywords;
    enum store_status status;

    while (k && k->mailbox != mailbox)
        k = k->next;
    if (!k) {
        k = calloc(1, sizeof(*k));
        if (!k)
            return STORE_FAILED;
        k->mailbox = mailbox;
        status = load(b, k);
        if (status != STORE_OK) {
            store_keywords_fini(&k->all);
            free(k);
            return status;
        }
        k->next = b->keywords;
        b->keywords = k;
    }
    *keywords_out = &k->all;
    return STORE_OK;
}

enum store_status rocks_keywords_add(struct rocks_batch *b, uint64_t mailbox, struct span keywords)
{
    struct store_keywords *all;
    enum store_status status;

    if (keywords.len == 0)
        return STORE_OK;
    status = rocks_keywords_of(b, mailbox, &all);
    return status == STORE_OK ? store_keywords_add(all, keywords) : status;
}

void rocks_keywords_put(struct rocks_batch *b)
{
    for (struct rocks_keywords *k = b->keywords; k; k = k->next) {
        struct store_key key = store_key_id(STORE_TABLE_KEYWORDS, k->mailbox);
        uint8_t bytes[STORE_ROW_KEYWORDS];
        struct writer w = writer_of(bytes, sizeof(bytes));

        if (k->all.len == k->written)
            continue;
        /* Rare, and what comes later counts on it. */
        b->durable = true;
        store_row_put_keywords(&w, store_keywords_span(&k->all));
        rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    }
}

/* ---- going back ---- */

struct rocks_point rocks_batch_point(struct rocks_batch *b, const struct rocks_box *first,
                                     const struct rocks_box *second)
{
    struct rocks_point p = {.boxes = {*first, *second},
                            .states = {*first->state, *second->state},
                            .changed = {*first->changed, *second->changed},
                            .usage = first->account->usage,
                            .usage_changed = first->account->usage_changed,
                            .gone_count = b->gone_count,
                            .message_count = b->message_count,
                            .ahead_len = b->ahead_len,
                            .durable = b->durable,
                            .lazy = b->lazy};

    rocksdb_writebatch_set_save_point(b->rows);
    return p;
}

enum store_status rocks_batch_settle(struct rocks_batch *b, const struct rocks_point *p,
                                     enum store_status status)
{
    char *error = NULL;

    if (status == STORE_OK) {
        rocksdb_writebatch_pop_save_point(b->rows, &error);
        return rocks_db_status(error);
    }
    rocksdb_writebatch_rollback_to_save_point(b->rows, &error);
    for (int i = 0; i < 2; i++) {
        *p->boxes[i].state = p->states[i];
        *p->boxes[i].changed = p->changed[i];
    }
    p->boxes[0].account->usage = p->usage;
    p->boxes[0].account->usage_changed = p->usage_changed;
    b->gone_count = p->gone_count;
    b->message_count = p->message_count;
    b->ahead_len = p->ahead_len;
    b->durable = p->durable;
    b->lazy = p->lazy;
    rocks_db_status(error);
    return status;
}
