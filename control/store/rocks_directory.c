/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

enum store_status rocks_directory_find(struct store *store, struct span key,
                                       struct writer *value_out)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_value value = {.slice = NULL};
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = rocks_value_get(r, r->read, ROCKS_DIRECTORY, key, &value);
    if (status == STORE_OK) {
        writer_span_put(value_out, value.bytes);
        status = value_out->full ? STORE_FAILED : STORE_OK;
    }
    rocks_value_free(&value);
    rocks_db_release(r);
    return status;
}

/* A rocks_db_fill of struct store_directory_row. */
static void fill(struct rocks *r, rocksdb_writebatch_t *batch, const void *rows, uint32_t count)
{
    const struct store_directory_row *row = rows;

    for (uint32_t i = 0; i < count; i++) {
        if (row[i].value.len)
            rocks_value_put(r, batch, ROCKS_DIRECTORY, row[i].key, row[i].value);
        else
            rocks_value_delete(r, batch, ROCKS_DIRECTORY, row[i].key);
    }
}

struct putting {
    const struct store_directory_row *rows;
    const struct store_audit *audit;
    uint32_t count, audits;
};

static enum store_status put_audited(struct rocks_batch *b, void *context)
{
    const struct putting *p = context;
    enum store_status status = rocks_audit_begin(b);

    if (status != STORE_OK)
        return status;
    fill(b->r, b->rows, p->rows, p->count);
    for (uint32_t i = 0; i < p->audits; i++)
        rocks_audit_put(b, &p->audit[i]);
    return STORE_OK;
}

enum store_status rocks_directory_put(struct store *store, const struct store_directory_row *rows,
                                      uint32_t count, const struct store_audit *audit,
                                      uint32_t audits)
{
    struct rocks *r = (struct rocks *)store;
    struct putting p = {.rows = rows, .audit = audit, .count = count, .audits = audits};

    return audits ? rocks_apply_one(r, put_audited, &p) : rocks_db_put(r, fill, rows, count);
}

struct walk {
    store_directory_visit *visit;
    void *context;
};

static bool show(void *context, struct span key, struct span value)
{
    const struct walk *w = context;

    return w->visit(w->context, &(struct store_directory_row){.key = key, .value = value});
}

enum store_status rocks_directory_walk(struct store *store, struct span start,
                                       store_directory_visit *visit, void *context)
{
    struct walk w = {visit, context};

    return rocks_db_walk((struct rocks *)store, ROCKS_DIRECTORY, start, show, &w);
}
