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

enum store_status rocks_greylist_put(struct store *store, const struct store_greylist_row *rows,
                                     uint32_t count)
{
    struct rocks *r = (struct rocks *)store;
    rocksdb_writebatch_t *batch;
    uint8_t bytes[ROW];
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    batch = rocksdb_writebatch_create();
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].last_ms)
            rocks_value_put(r, batch, ROCKS_GREYLIST, rows[i].key, encode(&rows[i], bytes));
        else
            rocks_value_delete(r, batch, ROCKS_GREYLIST, rows[i].key);
    }
    status = rocks_db_write(r, batch);
    rocksdb_writebatch_destroy(batch);
    rocks_db_release(r);
    return status;
}

enum store_status rocks_greylist_walk(struct store *store, struct span start,
                                      store_greylist_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    rocksdb_iterator_t *it;
    char *error = NULL;
    bool on = true;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    it = rocksdb_create_iterator_cf(r->db, r->read, r->family[ROCKS_GREYLIST]);
    if (start.len)
        rocksdb_iter_seek(it, (const char *)start.data, start.len);
    else
        rocksdb_iter_seek_to_first(it);
    for (; on && rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        struct store_greylist_row row = {.first_ms = 0};
        size_t key, value;
        const char *key_bytes = rocksdb_iter_key(it, &key);
        const char *value_bytes = rocksdb_iter_value(it, &value);

        row.key = span_of(key_bytes, key);
        /* A row that cannot be read is passed over: it is worth no more than a new one. */
        on = key > STORE_GREYLIST_KEY || !decode(span_of(value_bytes, value), &row) ||
             visit(context, &row);
    }
    rocksdb_iter_get_error(it, &error);
    rocksdb_iter_destroy(it);
    rocks_db_release(r);
    return rocks_db_status(error);
}
