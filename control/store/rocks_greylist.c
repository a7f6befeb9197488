/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include "proto/base/cursor.h"

enum { VERSION = 1, ROW = 21 };

/* {version, first, last, passes} */
static struct span encode(const struct store_greylist_row *row, uint8_t bytes[ROW])
{
    struct writer w = writer_of(bytes, ROW);

    writer_byte(&w, VERSION);
    writer_uint(&w, row->first_ms, 8);
    writer_uint(&w, row->last_ms, 8);
    writer_uint(&w, row->passes, 4);
    return writer_span(&w);
}

static bool decode(struct span value, struct store_greylist_row *row_out)
{
    struct cursor c = cursor_of(value);

    if (value.len != ROW || cursor_uint(&c, 1) != VERSION)
        return false;
    row_out->first_ms = cursor_uint(&c, 8);
    row_out->last_ms = cursor_uint(&c, 8);
    row_out->passes = (uint32_t)cursor_uint(&c, 4);
    return true;
}

enum store_status rocks_greylist_find(struct store *store, struct span key,
                                      struct store_greylist_row *row_out)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_value value;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = rocks_value_get(r, r->read, ROCKS_GREYLIST, key, &value);
    if (status == STORE_OK && !decode(value.bytes, row_out))
        status = STORE_CORRUPT;
    rocks_value_free(&value);
    rocks_db_release(r);
    return status;
}

static void fill(struct rocks *r, rocksdb_writebatch_t *batch, const void *rows, uint32_t count)
{
    const struct store_greylist_row *row = rows;
    uint8_t bytes[ROW];

    for (uint32_t i = 0; i < count; i++) {
        if (row[i].last_ms)
            rocks_value_put(r, batch, ROCKS_GREYLIST, row[i].key, encode(&row[i], bytes));
        else
            rocks_value_delete(r, batch, ROCKS_GREYLIST, row[i].key);
    }
}

enum store_status rocks_greylist_put(struct store *store, const struct store_greylist_row *rows,
                                     uint32_t count)
{
    return rocks_db_put((struct rocks *)store, fill, rows, count);
}

struct walk {
    store_greylist_visit *visit;
    void *context;
};

/* A row that cannot be read is passed over: it is worth no more than a new one. */
static bool show(void *context, struct span key, struct span value)
{
    const struct walk *w = context;
    struct store_greylist_row row = {.key = key};

    return key.len > STORE_GREYLIST_KEY || !decode(value, &row) || w->visit(w->context, &row);
}

enum store_status rocks_greylist_walk(struct store *store, struct span start,
                                      store_greylist_visit *visit, void *context)
{
    struct walk w = {visit, context};

    return rocks_db_walk((struct rocks *)store, ROCKS_GREYLIST, start, show, &w);
}
