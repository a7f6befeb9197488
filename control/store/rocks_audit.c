/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

/* Where the log goes on: a row of META, so that numbers do not come again when rows have gone. */
static struct span next_key(void)
{
    return span_text("audit");
}

static enum store_status read_next(struct rocks *r, uint64_t *next_out)
{
    enum store_status status = rocks_value_number(r, ROCKS_META, next_key(), next_out);

    if (status == STORE_NONE) {
        *next_out = 1;
        status = STORE_OK;
    }
    return status;
}

enum store_status rocks_audit_begin(struct rocks_batch *b)
{
    return b->audit_next ? STORE_OK : read_next(b->r, &b->audit_next);
}

void rocks_audit_put(struct rocks_batch *b, const struct store_audit *row)
{
    struct store_key key = store_key_id(STORE_TABLE_AUDIT, b->audit_next++);
    struct store_audit stamped = *row;
    uint8_t bytes[STORE_AUDIT_ROW];
    struct writer w = writer_of(bytes, sizeof(bytes));

    stamped.when_ms = b->now_ms;
    store_audit_put(&w, &stamped);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    b->durable = true;
}

void rocks_audit_end(struct rocks_batch *b)
{
    if (b->audit_next)
        rocks_value_put_number(b->r, b->rows, ROCKS_META, next_key(), b->audit_next);
}

static bool read_row(const struct rocks_walk *walk, struct store_audit *row)
{
    return store_key_read_id(walk->key, &row->sequence) && store_audit_read(walk->value, row);
}

enum store_status rocks_audit(struct store *store, uint64_t since, store_audit_visit *visit,
                              void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct store_key prefix = store_key_table(STORE_TABLE_AUDIT);
    struct store_key start = store_key_id(STORE_TABLE_AUDIT, since + 1);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;
    bool more = true;

    if (since == UINT64_MAX)
        return STORE_OK;
    if (!rocks_db_use(r))
        return STORE_FAILED;
    rocks_walk_begin(&walk, r, ROCKS_INDEX, &prefix, &start);
    while (status == STORE_OK && more && rocks_walk_next(&walk)) {
        struct store_audit row;

        if (read_row(&walk, &row))
            more = visit(context, &row);
        else
            status = STORE_CORRUPT;
    }
    ended = rocks_walk_end(&walk);
    rocks_db_release(r);
    return status == STORE_OK ? ended : status;
}

enum store_status rocks_audit_last(struct store *store, uint64_t *sequence_out)
{
    struct rocks *r = (struct rocks *)store;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = read_next(r, sequence_out);
    rocks_db_release(r);
    --*sequence_out;
    return status;
}

struct trim {
    uint64_t before_ms;
    uint32_t limit, removed;
};

static enum store_status trim(struct rocks_batch *b, void *context)
{
    struct store_key prefix = store_key_table(STORE_TABLE_AUDIT);
    struct trim *t = context;
    struct rocks_walk walk;
    struct store_audit row;

    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &prefix, NULL);
    while (t->removed < t->limit && rocks_walk_next(&walk)) {
        if (!read_row(&walk, &row) || row.when_ms >= t->before_ms)
            break;
        rocks_value_delete(b->r, b->rows, ROCKS_INDEX, walk.key);
        b->durable = true;
        t->removed++;
    }
    return rocks_walk_end(&walk);
}

enum store_status rocks_audit_trim(struct store *store, uint64_t before_ms, uint32_t limit,
                                   uint32_t *removed_out)
{
    struct trim t = {.before_ms = before_ms, .limit = limit};
    enum store_status status = rocks_apply_one((struct rocks *)store, trim, &t);

    *removed_out = status == STORE_OK ? t.removed : 0;
    return status;
}
