/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

enum store_status rocks_value_get(struct rocks *r, const rocksdb_readoptions_t *read,
                                  enum rocks_family family, struct span key,
                                  struct rocks_value *value_out)
{
    char *error = NULL;
    const char *bytes;
    size_t len;

    *value_out = (struct rocks_value){.slice = NULL};
    value_out->slice = rocksdb_get_pinned_cf(r->db, read, r->family[family], (const char *)key.data,
                                             key.len, &error);
    if (error)
        return rocks_db_status(error);
    if (!value_out->slice)
        return STORE_NONE;
    bytes = rocksdb_pinnableslice_value(value_out->slice, &len);
    value_out->bytes = span_of(bytes, len);
    return STORE_OK;
}

void rocks_value_free(struct rocks_value *value)
{
    if (value->slice)
        rocksdb_pinnableslice_destroy(value->slice);
    value->slice = NULL;
}

enum store_status rocks_value_number(struct rocks *r, enum rocks_family family, struct span key,
                                     uint64_t *number_out)
{
    struct rocks_value value;
    enum store_status status = rocks_value_get(r, r->read, family, key, &value);

    if (status == STORE_OK && !store_row_read_number(value.bytes, number_out))
        status = STORE_CORRUPT;
    rocks_value_free(&value);
    return status;
}

/* The readers of rows of numbers differ in nothing but the row: rocks_value_<row>(r, id, row_out).
 */
#define READ_BY_ID(row, table)                                                                     \
    enum store_status rocks_value_##row(struct rocks *r, uint64_t id,                              \
                                        struct store_row_##row *row_out)                           \
    {                                                                                              \
        struct store_key key = store_key_id(table, id);                                            \
        struct rocks_value value;                                                                  \
        enum store_status status =                                                                 \
            rocks_value_get(r, r->read, ROCKS_INDEX, rocks_key(&key), &value);                     \
                                                                                                   \
        if (status == STORE_OK && !store_row_read_##row(value.bytes, row_out))                     \
            status = STORE_CORRUPT;                                                                \
        rocks_value_free(&value);                                                                  \
        return status;                                                                             \
    }

READ_BY_ID(domain, STORE_TABLE_DOMAIN)
READ_BY_ID(account, STORE_TABLE_ACCOUNT)
READ_BY_ID(usage, STORE_TABLE_USAGE)
READ_BY_ID(mailbox, STORE_TABLE_MAILBOX)

enum store_status rocks_value_state(struct rocks *r, uint64_t id, struct store_row_state *row_out)
{
    struct store_key key = store_key_id(STORE_TABLE_STATE, id);
    struct rocks_value value;
    enum store_status status = rocks_value_get(r, r->read, ROCKS_INDEX, rocks_key(&key), &value);

    if (status == STORE_OK && !store_row_read_state(value.bytes, row_out))
        status = STORE_CORRUPT;
    /* What was given to changes that a power loss took is not given again. */
    if (status == STORE_OK && row_out->modseq < r->modseq_floor)
        row_out->modseq = r->modseq_floor;
    rocks_value_free(&value);
    return status;
}

enum store_status rocks_value_body(struct rocks *r, const struct id128 *id,
                                   struct store_row_body *row_out)
{
    struct store_key key = store_key_message(STORE_TABLE_BODY, id);
    struct rocks_value value;
    enum store_status status = rocks_value_get(r, r->read, ROCKS_INDEX, rocks_key(&key), &value);

    if (status == STORE_OK && !store_row_read_body(value.bytes, row_out))
        status = STORE_CORRUPT;
    rocks_value_free(&value);
    return status;
}

void rocks_value_put(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_family family,
                     struct span key, struct span value)
{
    rocksdb_writebatch_put_cf(batch, r->family[family], (const char *)key.data, key.len,
                              (const char *)value.data, value.len);
}

void rocks_value_put_number(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_family family,
                            struct span key, uint64_t n)
{
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));

    store_row_put_number(&w, n);
    rocks_value_put(r, batch, family, key, writer_span(&w));
}

void rocks_value_delete(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_family family,
                        struct span key)
{
    rocksdb_writebatch_delete_cf(batch, r->family[family], (const char *)key.data, key.len);
}

void rocks_value_delete_range(struct rocks *r, rocksdb_writebatch_t *batch, enum store_table table,
                              uint64_t id)
{
    struct store_key from = store_key_id(table, id), to = store_key_id(table, id + 1);

    rocksdb_writebatch_delete_range_cf(batch, r->family[ROCKS_INDEX], (const char *)from.bytes,
                                       from.len, (const char *)to.bytes, to.len);
}

/* A range deletion costs every later read of the table a look-up, so that few rows go one by one.
 */
enum { ROWS_ONE_BY_ONE = 16 };

void rocks_value_delete_body(struct rocks *r, rocksdb_writebatch_t *batch, uint64_t incarnation,
                             const struct id128 *message, uint32_t rows)
{
    struct store_key from = store_key_row(incarnation, message, 0);
    struct store_key to = store_key_row(incarnation, message, rows);

    if (rows > ROWS_ONE_BY_ONE) {
        rocksdb_writebatch_delete_range_cf(batch, r->family[ROCKS_BODY], (const char *)from.bytes,
                                           from.len, (const char *)to.bytes, to.len);
        return;
    }
    for (uint32_t row = 0; row < rows; row++) {
        from = store_key_row(incarnation, message, row);
        rocks_value_delete(r, batch, ROCKS_BODY, rocks_key(&from));
    }
}
