/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include <stdlib.h>

static enum store_status get_message(struct rocks *r, enum store_table table,
                                     const struct id128 *message, struct rocks_value *value_out)
{
    struct store_key key = store_key_message(table, message);

    return rocks_must(rocks_value_get(r, r->read, ROCKS_INDEX, rocks_key(&key), value_out));
}

static enum store_status show(struct rocks *r, struct store_message *m, store_message_visit *visit,
                              void *context)
{
    struct rocks_value envelope, tree = {.slice = NULL};
    enum store_status status = get_message(r, STORE_TABLE_ENVELOPE, &m->id, &envelope);

    if (status == STORE_OK && !store_row_read_envelope(envelope.bytes, m))
        status = STORE_CORRUPT;
    if (status == STORE_OK)
        status = get_message(r, STORE_TABLE_TREE, &m->id, &tree);
    if (status == STORE_OK && !store_row_read_content(tree.bytes, &m->tree))
        status = STORE_CORRUPT;
    if (status == STORE_OK)
        visit(context, m);
    rocks_value_free(&envelope);
    rocks_value_free(&tree);
    return status;
}

enum store_status rocks_show_message(struct store *store, const struct id128 *message,
                                     store_message_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct store_row_body body;
    struct store_message *m;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = rocks_value_body(r, message, &body);
    m = status == STORE_OK ? calloc(1, sizeof(*m)) : NULL;
    if (m) {
        m->id = *message;
        m->size = body.size;
        m->rows = body.rows;
        m->received_ms = body.received_ms;
        status = show(r, m, visit, context);
        free(m);
    } else if (status == STORE_OK) {
        status = STORE_FAILED;
    }
    rocks_db_release(r);
    return status;
}

/* ---- bytes ---- */

/* What bytes are read from, and whom they are shown to. */
struct showing {
    struct rocks *r;
    const rocksdb_readoptions_t *read;
    store_bytes_visit *visit;
    void *context;
    bool more; /* false: enough was seen */
};

/* Shows the content of a row, which must be `len` bytes long. */
static enum store_status show_row(struct showing *s, enum rocks_family family,
                                  const struct store_key *key, size_t len)
{
    struct rocks_value value;
    struct span content;
    enum store_status status =
        rocks_must(rocks_value_get(s->r, s->read, family, rocks_key(key), &value));

    if (status == STORE_OK &&
        (!store_row_read_content(value.bytes, &content) || content.len != len))
        status = STORE_CORRUPT;
    if (status == STORE_OK && content.len > 0)
        s->more = s->visit(s->context, content);
    rocks_value_free(&value);
    return status;
}

static enum store_status show_bytes(struct showing *s, uint64_t mailbox, uint32_t uid)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, mailbox, uid);
    struct store_entry entry;
    struct rocks_value value;
    uint64_t left;
    enum store_status status = rocks_value_get(s->r, s->read, ROCKS_INDEX, rocks_key(&key), &value);

    if (status == STORE_OK && !store_row_read_entry(value.bytes, &entry))
        status = STORE_CORRUPT;
    rocks_value_free(&value);
    if (status != STORE_OK)
        return status;
    key = store_key_entry(STORE_TABLE_PREFIX, mailbox, uid);
    status = show_row(s, ROCKS_INDEX, &key, entry.prefix_len);
    left = entry.size - entry.prefix_len;
    for (uint32_t row = 0; status == STORE_OK && s->more && left > 0; row++) {
        size_t len = left < CHUNK_LARGE_DATA ? (size_t)left : CHUNK_LARGE_DATA;

        key = store_key_row(entry.incarnation, &entry.message, row);
        status = show_row(s, ROCKS_BODY, &key, len);
        left -= len;
    }
    return status;
}

enum store_status rocks_show_bytes(struct store *store, uint64_t mailbox, uint32_t uid,
                                   store_bytes_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct showing s = {.r = r, .visit = visit, .context = context, .more = true};
    rocksdb_readoptions_t *read;
    const rocksdb_snapshot_t *snapshot;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    read = rocksdb_readoptions_create();
    snapshot = rocksdb_create_snapshot(r->db);
    rocksdb_readoptions_set_snapshot(read, snapshot);
    s.read = read;
    status = show_bytes(&s, mailbox, uid);
    rocksdb_readoptions_destroy(read);
    rocksdb_release_snapshot(r->db, snapshot);
    rocks_db_release(r);
    return status;
}
