/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"
#include "control/store/store_mailbox.h"

#include <stdlib.h>

struct rocks_reading {
    struct store_reading shown;       /* first: what the caller sees */
    struct rocks_reading *next, **at; /* in r->readings */
    rocksdb_readoptions_t *read;      /* as of the opening; see struct rocks_view */
    const rocksdb_snapshot_t *snapshot;
    struct rocks_body body;
    struct rocks_value prefix, tree; /* copied at once, so that they pin nothing */
    uint8_t *bytes;                  /* both */
};

static struct rocks_reading *reading_of(const struct store_reading *reading)
{
    return (struct rocks_reading *)(uintptr_t)reading;
}

static void enlist(struct rocks *r, struct rocks_reading *x)
{
    pthread_mutex_lock(&r->views_lock);
    x->next = r->readings;
    x->at = &r->readings;
    if (x->next)
        x->next->at = &x->next;
    r->readings = x;
    pthread_mutex_unlock(&r->views_lock);
}

static void delist(struct rocks *r, struct rocks_reading *x)
{
    pthread_mutex_lock(&r->views_lock);
    *x->at = x->next;
    if (x->next)
        x->next->at = x->at;
    pthread_mutex_unlock(&r->views_lock);
}

static void unfix(struct rocks *r, struct rocks_reading *x)
{
    if (x->snapshot)
        rocksdb_release_snapshot(r->db, x->snapshot);
    x->snapshot = NULL;
    rocksdb_readoptions_set_snapshot(x->read, NULL);
}

void rocks_reading_unfix(struct rocks *r)
{
    for (struct rocks_reading *x = r->readings; x; x = x->next)
        unfix(r, x);
}

static enum store_status read_entry(struct rocks *r, struct rocks_reading *x)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, x->shown.mailbox, x->shown.uid);
    struct store_row_mailbox mailbox;
    struct store_entry entry = {0};
    struct rocks_value value;
    enum store_status status = rocks_value_mailbox(r, x->shown.mailbox, &mailbox);

    if (status != STORE_OK || mailbox.place == STORE_ROW_GONE)
        return status == STORE_OK ? STORE_NONE : status;
    status = rocks_value_get(r, x->read, ROCKS_INDEX, rocks_key(&key), &value);
    if (status == STORE_OK && !store_row_read_entry(value.bytes, &entry))
        status = STORE_CORRUPT;
    rocks_value_free(&value);
    x->shown.message = x->body.message = entry.message;
    x->shown.size = entry.size;
    x->shown.prefix.len = entry.prefix_len;
    x->body.size = entry.size - entry.prefix_len;
    x->body.incarnation = entry.incarnation;
    return status;
}

static enum store_status content(struct rocks *r, struct rocks_reading *x,
                                 const struct store_key *key, struct rocks_value *value,
                                 struct span *out)
{
    enum store_status status = rocks_value_get(r, x->read, ROCKS_INDEX, rocks_key(key), value);

    if (status == STORE_OK && !store_row_read_content(value->bytes, out))
        return STORE_CORRUPT;
    return rocks_must(status);
}

static enum store_status copy(struct rocks_reading *x, struct span prefix, struct span tree)
{
    struct writer w;

    if (prefix.len != x->shown.prefix.len)
        return STORE_CORRUPT;
    x->bytes = malloc(prefix.len + tree.len + 1);
    if (!x->bytes)
        return STORE_FAILED;
    w = writer_of(x->bytes, prefix.len + tree.len);
    writer_span_put(&w, prefix);
    writer_span_put(&w, tree);
    x->shown.prefix = span_of(x->bytes, prefix.len);
    x->shown.tree = span_of(x->bytes + prefix.len, tree.len);
    return STORE_OK;
}

static enum store_status fill(struct rocks *r, struct rocks_reading *x)
{
    struct store_key key = store_key_entry(STORE_TABLE_PREFIX, x->shown.mailbox, x->shown.uid);
    struct span prefix, tree;
    enum store_status status = read_entry(r, x);

    if (status != STORE_OK)
        return status;
    status = content(r, x, &key, &x->prefix, &prefix);
    key = store_key_message(STORE_TABLE_TREE, &x->shown.message);
    if (status == STORE_OK)
        status = content(r, x, &key, &x->tree, &tree);
    if (status == STORE_OK)
        status = copy(x, prefix, tree);
    rocks_value_free(&x->prefix);
    rocks_value_free(&x->tree);
    return status;
}

static void reading_free(struct rocks_reading *x)
{
    rocksdb_readoptions_destroy(x->read);
    free(x->bytes);
    free(x);
}

enum store_status rocks_reading_open(struct store *store, uint64_t mailbox, uint32_t uid,
                                     const struct store_reading **reading_out)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_reading *x = calloc(1, sizeof(*x));
    enum store_status status;

    if (!x)
        return STORE_FAILED;
    x->shown.mailbox = mailbox;
    x->shown.uid = uid;
    x->read = rocksdb_readoptions_create();
    if (!rocks_db_use(r)) {
        reading_free(x);
        return STORE_FAILED;
    }
    x->snapshot = rocksdb_create_snapshot(r->db);
    rocksdb_readoptions_set_snapshot(x->read, x->snapshot);
    status = fill(r, x);
    if (status == STORE_OK) {
        enlist(r, x);
        *reading_out = &x->shown;
    } else {
        unfix(r, x);
        reading_free(x);
    }
    rocks_db_release(r);
    return status;
}

/* From the row, which stays when the reading ends. */
static enum store_status read_prefix(struct rocks *r, const struct rocks_reading *x,
                                     uint64_t offset, struct rocks_value *value, struct span *out)
{
    struct store_key key = store_key_entry(STORE_TABLE_PREFIX, x->shown.mailbox, x->shown.uid);
    enum store_status status = rocks_value_get(r, x->read, ROCKS_INDEX, rocks_key(&key), value);

    if (status != STORE_OK)
        return status;
    if (!store_row_read_content(value->bytes, out) || out->len != x->shown.prefix.len)
        return STORE_CORRUPT;
    *out = span_skip(*out, (size_t)offset);
    return STORE_OK;
}

enum store_status rocks_reading_read(struct store *store, const struct store_reading *reading,
                                     uint64_t offset, struct span *bytes_out, void **pin_out)
{
    struct rocks *r = (struct rocks *)store;
    const struct rocks_reading *x = reading_of(reading);
    struct rocks_value value = {.slice = NULL};
    enum store_status status;

    *pin_out = NULL;
    *bytes_out = span_of(NULL, 0);
    if (offset >= reading->size)
        return STORE_OK;
    if (!rocks_db_use(r))
        return STORE_FAILED;
    if (offset < reading->prefix.len)
        status = read_prefix(r, x, offset, &value, bytes_out);
    else
        status =
            rocks_view_body(r, x->read, &x->body, offset - reading->prefix.len, &value, bytes_out);
    rocks_view_pin(r, status, &value, bytes_out, pin_out);
    rocks_db_release(r);
    return status;
}

void rocks_reading_close(struct store *store, const struct store_reading *reading)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_reading *x = reading_of(reading);

    if (rocks_db_use(r)) {
        unfix(r, x);
        rocks_db_release(r);
    }
    delist(r, x);
    reading_free(x);
}
