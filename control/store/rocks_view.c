/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include <stdlib.h>

static void view_free(struct rocks_view *v)
{
    free(v->uidls);
    rocksdb_readoptions_destroy(v->read);
    free(v->entries);
    free(v->origins);
    free(v);
}

/* Enters the view in the table, unless the account has one. */
static bool lock_account(struct rocks *r, struct rocks_view *v)
{
    struct rocks_view **bucket = &r->views[v->account % ROCKS_VIEW_BUCKETS];
    struct rocks_view *other;

    pthread_mutex_lock(&r->views_lock);
    for (other = *bucket; other && other->account != v->account;)
        other = other->next;
    if (!other) {
        v->next = *bucket;
        *bucket = v;
    }
    pthread_mutex_unlock(&r->views_lock);
    return !other;
}

static void unlock_account(struct rocks *r, struct rocks_view *v)
{
    struct rocks_view **at = &r->views[v->account % ROCKS_VIEW_BUCKETS];

    pthread_mutex_lock(&r->views_lock);
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    pthread_mutex_unlock(&r->views_lock);
}

static bool grow_entries(struct rocks_view *v)
{
    uint32_t cap = v->cap ? 2 * v->cap : 64;
    struct pop3_entry *entries = realloc(v->entries, cap * sizeof(*entries));
    struct rocks_origin *origins;

    if (!entries)
        return false;
    v->entries = entries;
    origins = realloc(v->origins, cap * sizeof(*origins));
    if (!origins)
        return false;
    v->origins = origins;
    v->cap = cap;
    return true;
}

static bool add_uidl(struct rocks_view *v, struct rocks_origin *origin, struct span uidl)
{
    if (v->uidls_len + uidl.len > v->uidls_cap) {
        size_t cap = 2 * v->uidls_cap + 4096;
        uint8_t *grown = realloc(v->uidls, cap);

        if (!grown)
            return false;
        v->uidls = grown;
        v->uidls_cap = cap;
    }
    origin->uidl_at = v->uidls_len;
    origin->uidl_len = (uint32_t)uidl.len;
    if (uidl.len)
        memcpy(v->uidls + v->uidls_len, uidl.data, uidl.len);
    v->uidls_len += uidl.len;
    return true;
}

static bool add_entry(struct rocks_view *v, const struct store_entry *entry)
{
    struct rocks_origin *origin;

    if (v->view.count == v->cap && !grow_entries(v))
        return false;
    origin = &v->origins[v->view.count];
    *origin = (struct rocks_origin){.message = entry->message,
                                    .incarnation = entry->incarnation,
                                    .prefix_len = entry->prefix_len};
    if (entry->uidl.len && !add_uidl(v, origin, entry->uidl))
        return false;
    v->entries[v->view.count++] =
        (struct pop3_entry){.size = entry->size, .uid = entry->uid, .form = entry->form};
    v->view.octets += entry->size;
    return true;
}

/* Once the texts don't move any more. */
static void place_uidls(struct rocks_view *v)
{
    v->view.entries = v->entries;
    for (uint32_t i = 0; i < v->view.count; i++)
        if (v->origins[i].uidl_len)
            v->entries[i].uidl = span_of(v->uidls + v->origins[i].uidl_at, v->origins[i].uidl_len);
}

static enum store_status read_entries(struct rocks *r, struct rocks_view *v)
{
    struct store_key prefix = store_key_id(STORE_TABLE_ENTRY, v->mailbox);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    rocks_walk_begin_at(&walk, r, ROCKS_INDEX, &prefix, v->snapshot);
    while (status == STORE_OK && rocks_walk_next(&walk)) {
        struct store_entry entry;
        uint64_t mailbox;

        if (!store_row_read_entry(walk.value, &entry) ||
            !store_key_read_entry(walk.key, &mailbox, &entry.uid))
            status = STORE_CORRUPT;
        else if (v->view.count == POP3_MESSAGES_MAX)
            status = STORE_FULL;
        else if (!add_entry(v, &entry))
            status = STORE_FAILED;
    }
    ended = rocks_walk_end(&walk);
    place_uidls(v);
    return status == STORE_OK ? ended : status;
}

static enum store_status fill(struct rocks *r, struct rocks_view *v)
{
    struct store_row_account account;
    struct store_row_mailbox mailbox;
    enum store_status status = rocks_value_account(r, v->account, &account);

    if (status != STORE_OK)
        return status;
    v->mailbox = account.inbox;
    status = rocks_value_mailbox(r, v->mailbox, &mailbox);
    if (status != STORE_OK)
        return rocks_must(status);
    v->view.uid_validity = mailbox.uid_validity;
    v->snapshot = rocksdb_create_snapshot(r->db);
    rocksdb_readoptions_set_snapshot(v->read, v->snapshot);
    return read_entries(r, v);
}

static void unfix(struct rocks *r, struct rocks_view *v)
{
    if (v->snapshot)
        rocksdb_release_snapshot(r->db, v->snapshot);
    v->snapshot = NULL;
    rocksdb_readoptions_set_snapshot(v->read, NULL);
}

enum store_status rocks_view_open(struct store *store, uint64_t account,
                                  const struct pop3_mailbox **view_out)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_view *v = calloc(1, sizeof(*v));
    enum store_status status;

    if (!v)
        return STORE_FAILED;
    v->account = account;
    v->read = rocksdb_readoptions_create();
    if (!rocks_db_use(r)) {
        view_free(v);
        return STORE_FAILED;
    }
    if (!lock_account(r, v)) {
        rocks_db_release(r);
        view_free(v);
        return STORE_BUSY;
    }
    status = fill(r, v);
    if (status != STORE_OK) {
        unfix(r, v);
        unlock_account(r, v);
        view_free(v);
    } else {
        *view_out = &v->view;
    }
    rocks_db_release(r);
    return status;
}

enum store_status rocks_view_body(struct rocks *r, const rocksdb_readoptions_t *read,
                                  const struct rocks_body *body, uint64_t offset,
                                  struct rocks_value *value, struct span *out)
{
    uint64_t left = body->size - offset;
    struct store_key key =
        store_key_row(body->incarnation, &body->message, (uint32_t)(offset / CHUNK_LARGE_DATA));
    size_t skip = offset % CHUNK_LARGE_DATA;
    enum store_status status = rocks_value_get(r, read, ROCKS_BODY, rocks_key(&key), value);

    if (status != STORE_OK)
        return rocks_must(status);
    if (!store_row_read_content(value->bytes, out))
        return STORE_CORRUPT;
    *out = span_skip(*out, skip);
    if (out->len != (left < CHUNK_LARGE_DATA - skip ? left : CHUNK_LARGE_DATA - skip))
        return STORE_CORRUPT;
    return STORE_OK;
}

static enum store_status read_body(struct rocks *r, const struct rocks_view *v, uint32_t index,
                                   uint64_t offset, struct rocks_value *value, struct span *out)
{
    const struct rocks_origin *origin = &v->origins[index];
    const struct rocks_body body = {.message = origin->message,
                                    .incarnation = origin->incarnation,
                                    .size = v->entries[index].size - origin->prefix_len};

    return rocks_view_body(r, v->read, &body, offset, value, out);
}

static enum store_status read_prefix(struct rocks *r, const struct rocks_view *v, uint32_t index,
                                     uint64_t offset, struct rocks_value *value, struct span *out)
{
    struct store_key key = store_key_entry(STORE_TABLE_PREFIX, v->mailbox, v->entries[index].uid);
    enum store_status status = rocks_value_get(r, v->read, ROCKS_INDEX, rocks_key(&key), value);

    if (status != STORE_OK)
        return rocks_must(status);
    if (!store_row_read_content(value->bytes, out) || out->len != v->origins[index].prefix_len)
        return STORE_CORRUPT;
    *out = span_skip(*out, (size_t)offset);
    return STORE_OK;
}

void rocks_view_pin(struct rocks *r, enum store_status status, struct rocks_value *value,
                    struct span *bytes_out, void **pin_out)
{
    if (status == STORE_OK) {
        atomic_fetch_add(&r->pins, 1);
        *pin_out = value->slice;
    } else {
        *bytes_out = span_of(NULL, 0);
        rocks_value_free(value);
    }
}

enum store_status rocks_view_read(struct store *store, const struct pop3_mailbox *view,
                                  uint32_t index, uint64_t offset, struct span *bytes_out,
                                  void **pin_out)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_view *v = rocks_view_of(view);
    struct rocks_value value = {.slice = NULL};
    uint32_t prefix_len;
    enum store_status status = STORE_OK;

    *pin_out = NULL;
    *bytes_out = span_of(NULL, 0);
    if (index >= view->count)
        return STORE_NONE;
    prefix_len = v->origins[index].prefix_len;
    if (offset >= v->entries[index].size)
        return STORE_OK;
    if (!rocks_db_use(r))
        return STORE_FAILED;
    if (offset < prefix_len)
        status = read_prefix(r, v, index, offset, &value, bytes_out);
    else
        status = read_body(r, v, index, offset - prefix_len, &value, bytes_out);
    rocks_view_pin(r, status, &value, bytes_out, pin_out);
    rocks_db_release(r);
    return status;
}

/* The prefix of that message, which stands ahead on the walk. */
static enum store_status put_prefix(struct rocks_walk *prefixes, const struct rocks_view *v,
                                    uint32_t index, struct writer *out)
{
    uint32_t uid = 0;
    uint64_t mailbox;
    struct span content;

    while (uid < v->entries[index].uid)
        if (!rocks_walk_next(prefixes) || !store_key_read_entry(prefixes->key, &mailbox, &uid))
            return STORE_CORRUPT;
    if (uid != v->entries[index].uid || !store_row_read_content(prefixes->value, &content) ||
        content.len != v->origins[index].prefix_len)
        return STORE_CORRUPT;
    writer_span_put(out, content);
    return STORE_OK;
}

static enum store_status put_body(struct rocks *r, const struct rocks_view *v, uint32_t index,
                                  struct writer *out)
{
    uint64_t size = v->entries[index].size - v->origins[index].prefix_len;
    enum store_status status = STORE_OK;

    for (uint64_t at = 0; at < size && status == STORE_OK; at += CHUNK_LARGE_DATA) {
        struct rocks_value value = {.slice = NULL};
        struct span bytes;

        status = read_body(r, v, index, at, &value, &bytes);
        if (status == STORE_OK)
            writer_span_put(out, bytes);
        rocks_value_free(&value);
    }
    return status;
}

/* Prefixes of neighbours lie beside each other and are walked over; bodies are looked up. */
enum store_status rocks_view_gather(struct store *store, const struct pop3_mailbox *view,
                                    uint32_t index, uint32_t count, struct writer *out)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_view *v = rocks_view_of(view);
    struct store_key mailbox = store_key_id(STORE_TABLE_PREFIX, v->mailbox);
    struct store_key start = store_key_entry(STORE_TABLE_PREFIX, v->mailbox, v->entries[index].uid);
    struct rocks_walk prefixes;
    enum store_status status = STORE_OK, ended;
    size_t whole = out->len;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    rocks_walk_begin_from(&prefixes, r, ROCKS_INDEX, &mailbox, &start, v->snapshot);
    for (uint32_t i = index; i < index + count && status == STORE_OK; i++) {
        whole = out->len;
        status = put_prefix(&prefixes, v, i, out);
        if (status == STORE_OK)
            status = put_body(r, v, i, out);
    }
    if (status != STORE_OK)
        out->len = whole;
    ended = rocks_walk_end(&prefixes);
    rocks_db_release(r);
    return ended == STORE_OK ? status : ended;
}

void rocks_view_unpin(struct store *store, void **pins, uint32_t count)
{
    struct rocks *r = (struct rocks *)store;

    for (uint32_t i = 0; i < count; i++) {
        if (!pins[i])
            continue;
        rocksdb_pinnableslice_destroy(pins[i]);
        atomic_fetch_sub(&r->pins, 1);
    }
}

void rocks_view_close(struct store *store, const struct pop3_mailbox *view)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_view *v = rocks_view_of(view);

    if (rocks_db_use(r)) {
        unfix(r, v);
        rocks_db_release(r);
    }
    unlock_account(r, v);
    view_free(v);
}

void rocks_view_unfix(struct rocks *r)
{
    pthread_mutex_lock(&r->views_lock);
    for (int i = 0; i < ROCKS_VIEW_BUCKETS; i++)
        for (struct rocks_view *v = r->views[i]; v; v = v->next)
            unfix(r, v);
    rocks_reading_unfix(r);
    pthread_mutex_unlock(&r->views_lock);
}
