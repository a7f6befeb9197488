/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/base/clock.h"
#include "control/store/rocks.h"
#include "control/store/store_keywords.h"

enum { MIGRATE_ROWS = 4096 }; /* in one batch */

/* 1 to 2: tombstones say when, so that they can be forgotten. When it was is not known: now. */
static enum store_status date_tombstones(struct rocks *r, rocksdb_writebatch_t *batch)
{
    struct store_key table = store_key_table(STORE_TABLE_TOMBSTONE);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;
    uint64_t now = clock_wall_ms();

    rocks_walk_begin(&walk, r, ROCKS_INDEX, &table, NULL);
    while (status == STORE_OK && rocks_walk_next(&walk)) {
        uint8_t bytes[STORE_ROW_SMALL];
        struct writer w = writer_of(bytes, sizeof(bytes));
        struct store_row_tombstone row;

        if (store_row_read_tombstone(walk.value, &row))
            continue;
        if (!store_row_read_tombstone_1(walk.value, &row.message)) {
            status = STORE_CORRUPT;
            break;
        }
        row.deleted_ms = now;
        store_row_put_tombstone(&w, &row);
        rocks_value_put(r, batch, ROCKS_INDEX, walk.key, writer_span(&w));
        if (rocksdb_writebatch_count(batch) >= MIGRATE_ROWS)
            status = rocks_db_write_out(r, batch);
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

static void put_keywords(struct rocks *r, rocksdb_writebatch_t *batch, uint64_t mailbox,
                         struct store_keywords *keywords)
{
    struct store_key key = store_key_id(STORE_TABLE_KEYWORDS, mailbox);
    uint8_t bytes[STORE_ROW_KEYWORDS];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (keywords->len > 0) {
        store_row_put_keywords(&w, store_keywords_span(keywords));
        rocks_value_put(r, batch, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    }
    keywords->len = 0;
    keywords->count = 0;
}

/* 2 to 3: a mailbox knows all keywords in it, as far as there is room. Older programs would take
 * what is in other mailboxes than the two they know for damage. */
static enum store_status list_keywords(struct rocks *r, rocksdb_writebatch_t *batch)
{
    struct store_key all = {.len = 0};
    struct store_keywords keywords = {.bytes = NULL};
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;
    uint64_t last = 0, mailbox;

    rocks_walk_begin(&walk, r, ROCKS_FLAGS, &all, NULL);
    while (status == STORE_OK && rocks_walk_next(&walk)) {
        struct store_entry entry;

        if (!store_key_read_flags(walk.key, &mailbox, &entry.uid) ||
            !store_row_read_flags(walk.value, &entry))
            continue;
        if (mailbox != last)
            put_keywords(r, batch, last, &keywords);
        last = mailbox;
        if (entry.keywords.len && store_keywords_add(&keywords, entry.keywords) == STORE_FAILED)
            status = STORE_FAILED;
        if (status == STORE_OK && rocksdb_writebatch_count(batch) >= MIGRATE_ROWS)
            status = rocks_db_write_out(r, batch);
    }
    put_keywords(r, batch, last, &keywords);
    if (status == STORE_OK)
        status = rocks_db_write_out(r, batch);
    store_keywords_fini(&keywords);
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

/* By the version that they start from. Each may find its work done in part. */
static enum store_status (*const steps[ROCKS_SCHEMA])(struct rocks *, rocksdb_writebatch_t *) = {
    [1] = date_tombstones,
    [2] = list_keywords,
};

enum store_status rocks_migrate(struct rocks *r, uint64_t schema)
{
    rocksdb_writebatch_t *batch;
    uint64_t from = schema;
    enum store_status status = rocks_value_number(r, ROCKS_META, span_text("migrating"), &from);

    if (status != STORE_OK && status != STORE_NONE)
        return status;
    if (status == STORE_NONE && schema == ROCKS_SCHEMA)
        return STORE_OK;
    if (from == 0 || from >= ROCKS_SCHEMA)
        return STORE_CORRUPT;
    batch = rocksdb_writebatch_create();
    rocks_value_put_number(r, batch, ROCKS_META, span_text("schema"), ROCKS_SCHEMA);
    rocks_value_put_number(r, batch, ROCKS_META, span_text("migrating"), from);
    status = rocks_db_write_out(r, batch);
    for (uint64_t version = from; status == STORE_OK && version < ROCKS_SCHEMA; version++)
        status = steps[version](r, batch);
    if (status == STORE_OK) {
        rocks_value_delete(r, batch, ROCKS_META, span_text("migrating"));
        status = rocks_db_write_out(r, batch);
    }
    rocksdb_writebatch_destroy(batch);
    return status;
}
