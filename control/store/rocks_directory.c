/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

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

enum store_status rocks_directory_put(struct store *store, const struct store_directory_row *rows,
                                      uint32_t count)
{
    struct rocks *r = (struct rocks *)store;
    rocksdb_writebatch_t *batch;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    batch = rocksdb_writebatch_create();
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].value.len)
            rocks_value_put(r, batch, ROCKS_DIRECTORY, rows[i].key, rows[i].value);
        else
            rocks_value_delete(r, batch, ROCKS_DIRECTORY, rows[i].key);
    }
    status = rocks_db_write(r, batch);
    rocksdb_writebatch_destroy(batch);
    rocks_db_release(r);
    return status;
}

enum store_status rocks_directory_walk(struct store *store, struct span start,
                                       store_directory_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    rocksdb_iterator_t *it;
    char *error = NULL;
    bool on = true;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    it = rocksdb_create_iterator_cf(r->db, r->read, r->family[ROCKS_DIRECTORY]);
    if (start.len)
        rocksdb_iter_seek(it, (const char *)start.data, start.len);
    else
        rocksdb_iter_seek_to_first(it);
    for (; on && rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        size_t key, value;
        const char *key_bytes = rocksdb_iter_key(it, &key);
        const char *value_bytes = rocksdb_iter_value(it, &value);

        on = visit(context, &(struct store_directory_row){.key = span_of(key_bytes, key),
                                                          .value = span_of(value_bytes, value)});
    }
    rocksdb_iter_get_error(it, &error);
    rocksdb_iter_destroy(it);
    rocks_db_release(r);
    return rocks_db_status(error);
}
