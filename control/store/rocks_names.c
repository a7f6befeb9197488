/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

/*
 * Names. A name row {kind, parent, name} leads to an id and is the only place where the name
 * stands, so that a rename is one row. Ids come from one counter for all kinds, are written with
 * what they name, and never come again.
 */
enum { NAME_KEY = 9 + STORE_NAME };

static bool name_key(struct writer *w, enum rocks_name kind, uint64_t parent, struct span name)
{
    writer_byte(w, (uint8_t)kind);
    writer_uint(w, parent, 8);
    writer_span_put(w, name);
    return !w->full && name.len > 0;
}

enum store_status rocks_names_look(struct rocks *r, enum rocks_name kind, uint64_t parent,
                                   struct span name, uint64_t *id_out)
{
    uint8_t bytes[NAME_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));

    if (!name_key(&key, kind, parent, name))
        return STORE_FAILED;
    return rocks_value_number(r, ROCKS_NAMES, writer_span(&key), id_out);
}

void rocks_names_put(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_name kind,
                     uint64_t parent, struct span name, uint64_t id)
{
    uint8_t bytes[NAME_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));

    name_key(&key, kind, parent, name);
    rocks_value_put_number(r, batch, ROCKS_NAMES, writer_span(&key), id);
}

/* A row of numbers under {table, id}, written by `put`. */
#define PUT_ROW(r, batch, table, id, put, row)                                                     \
    do {                                                                                           \
        uint8_t bytes_[STORE_ROW_SMALL];                                                           \
        struct writer w_ = writer_of(bytes_, sizeof(bytes_));                                      \
        struct store_key key_ = store_key_id(table, id);                                           \
                                                                                                   \
        put(&w_, row);                                                                             \
        rocks_value_put(r, batch, ROCKS_INDEX, rocks_key(&key_), writer_span(&w_));                \
    } while (0)

/* Writes and syncs the batch, and with it where the ids go on. Frees it. */
static enum store_status finish(struct rocks *r, rocksdb_writebatch_t *batch, uint64_t next_id)
{
    enum store_status status;

    rocks_value_put_number(r, batch, ROCKS_META, span_text("next_id"), next_id);
    status = rocks_db_write(r, batch);
    rocksdb_writebatch_destroy(batch);
    /* Whether it is on disk or not, the ids are not used again. */
    r->next_id = next_id;
    if (status != STORE_OK) {
        r->sick = true;
        r->ill = status;
    }
    return status;
}

/* Takes the locks of a change; what begin() answered with STORE_OK, end() ends. */
static enum store_status begin(struct rocks *r)
{
    enum store_status status;

    pthread_mutex_lock(&r->changing);
    status = rocks_heal(r);
    if (status == STORE_OK && !rocks_db_use(r))
        status = STORE_FAILED;
    if (status != STORE_OK)
        pthread_mutex_unlock(&r->changing);
    return status;
}

static enum store_status end(struct rocks *r, enum store_status status)
{
    rocks_db_release(r);
    pthread_mutex_unlock(&r->changing);
    return status;
}

enum store_status rocks_names_tenant(struct store *store, struct span name, uint64_t *tenant_out)
{
    struct rocks *r = (struct rocks *)store;
    rocksdb_writebatch_t *batch;
    enum store_status status = begin(r);

    if (status != STORE_OK)
        return status;
    status = rocks_names_look(r, ROCKS_NAME_TENANT, 0, name, tenant_out);
    if (status != STORE_NONE)
        return end(r, status);
    batch = rocksdb_writebatch_create();
    *tenant_out = r->next_id;
    rocks_names_put(r, batch, ROCKS_NAME_TENANT, 0, name, *tenant_out);
    return end(r, finish(r, batch, r->next_id + 1));
}

enum store_status rocks_names_domain(struct store *store, uint64_t tenant, struct span name,
                                     uint8_t class, uint64_t *domain_out)
{
    struct rocks *r = (struct rocks *)store;
    struct store_row_domain row = {0};
    rocksdb_writebatch_t *batch;
    uint64_t next_id;
    enum store_status status = begin(r);

    if (status != STORE_OK)
        return status;
    next_id = r->next_id;
    status = rocks_names_look(r, ROCKS_NAME_DOMAIN, 0, name, domain_out);
    if (status == STORE_OK)
        status = rocks_value_domain(r, *domain_out, &row);
    else if (status == STORE_NONE)
        *domain_out = next_id++;
    if (status != STORE_OK && next_id == r->next_id)
        return end(r, rocks_must(status));
    if (status == STORE_OK && row.tenant == tenant && row.class == class)
        return end(r, STORE_OK);
    row = (struct store_row_domain){.tenant = tenant, .class = class};
    batch = rocksdb_writebatch_create();
    rocks_names_put(r, batch, ROCKS_NAME_DOMAIN, 0, name, *domain_out);
    PUT_ROW(r, batch, STORE_TABLE_DOMAIN, *domain_out, store_row_put_domain, &row);
    return end(r, finish(r, batch, next_id));
}

/* A mailbox's id is its UIDVALIDITY too: one made again under the same name has a greater one, as
 * RFC 9051 section 2.3.1.1 asks. */
void rocks_names_put_mailbox(struct rocks *r, rocksdb_writebatch_t *batch, uint64_t id,
                             const struct store_row_mailbox *fields, struct span name)
{
    struct store_row_mailbox mailbox = *fields;
    struct store_row_state state = {.uid_next = 1, .modseq = 1};

    mailbox.uid_validity = (uint32_t)id;
    rocks_names_put(r, batch, ROCKS_NAME_MAILBOX, mailbox.account, name, id);
    PUT_ROW(r, batch, STORE_TABLE_MAILBOX, id, store_row_put_mailbox, &mailbox);
    PUT_ROW(r, batch, STORE_TABLE_STATE, id, store_row_put_state, &state);
}

static enum store_status make_account(struct rocks *r, const struct store_account *account,
                                      uint64_t *account_out)
{
    uint64_t id = r->next_id;
    struct store_row_account row = {.domain = account->domain,
                                    .inbox = id + 1,
                                    .quarantine = id + 2,
                                    .quota_octets = account->quota_octets};
    struct store_row_usage usage = {0};
    struct store_row_mailbox mailbox = {.account = id};
    rocksdb_writebatch_t *batch;

    /* UIDVALIDITY has 32 bits. */
    if (id + 2 > UINT32_MAX)
        return STORE_FAILED;
    batch = rocksdb_writebatch_create();
    rocks_names_put(r, batch, ROCKS_NAME_ACCOUNT, 0, account->key, id);
    PUT_ROW(r, batch, STORE_TABLE_ACCOUNT, id, store_row_put_account, &row);
    PUT_ROW(r, batch, STORE_TABLE_USAGE, id, store_row_put_usage, &usage);
    mailbox.place = MESSAGE_INBOX;
    rocks_names_put_mailbox(r, batch, row.inbox, &mailbox, span_text(STORE_INBOX));
    mailbox.place = MESSAGE_QUARANTINE;
    rocks_names_put_mailbox(r, batch, row.quarantine, &mailbox, span_text("Quarantine"));
    *account_out = id;
    return finish(r, batch, id + 3);
}

static bool has_grown(uint64_t quota, uint64_t before)
{
    return before != 0 && (quota == 0 || quota > before);
}

/* `full`: its usage when it is full, else NULL. */
static enum store_status update_account(struct rocks *r, const struct store_account *account,
                                        uint64_t id, struct store_row_account *row,
                                        struct store_row_usage *full)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();

    if (full && has_grown(account->quota_octets, row->quota_octets)) {
        full->full_ms = 0;
        PUT_ROW(r, batch, STORE_TABLE_USAGE, id, store_row_put_usage, full);
    }
    row->domain = account->domain;
    row->quota_octets = account->quota_octets;
    PUT_ROW(r, batch, STORE_TABLE_ACCOUNT, id, store_row_put_account, row);
    return finish(r, batch, r->next_id);
}

enum store_status rocks_names_account(struct store *store, const struct store_account *account,
                                      uint64_t *account_out)
{
    struct rocks *r = (struct rocks *)store;
    struct store_row_account row;
    struct store_row_usage usage;
    bool was_full;
    enum store_status status = begin(r);

    if (status != STORE_OK)
        return status;
    status = rocks_names_look(r, ROCKS_NAME_ACCOUNT, 0, account->key, account_out);
    if (status == STORE_NONE)
        return end(r, make_account(r, account, account_out));
    if (status == STORE_OK)
        status = rocks_value_account(r, *account_out, &row);
    if (status != STORE_OK)
        return end(r, rocks_must(status));
    was_full = rocks_value_usage(r, *account_out, &usage) == STORE_OK && usage.full_ms;
    if (row.domain != account->domain || row.quota_octets != account->quota_octets)
        status = update_account(r, account, *account_out, &row, was_full ? &usage : NULL);
    if (status == STORE_OK && was_full)
        rocks_full_say(r, *account_out, &row, &usage);
    return end(r, status);
}

enum store_status rocks_names_rename(struct store *store, uint64_t account, struct span from,
                                     struct span to)
{
    struct rocks *r = (struct rocks *)store;
    rocksdb_writebatch_t *batch;
    uint64_t id = 0, other;
    enum store_status status = begin(r), taken;

    if (status != STORE_OK)
        return status;
    status = rocks_names_look(r, ROCKS_NAME_ACCOUNT, 0, from, &id);
    taken = rocks_names_look(r, ROCKS_NAME_ACCOUNT, 0, to, &other);
    if (status == STORE_OK && id != account)
        status = STORE_NONE;
    if (status != STORE_OK || taken != STORE_NONE)
        return end(r, status == STORE_OK ? STORE_FAILED : status);
    batch = rocksdb_writebatch_create();
    rocks_names_drop(r, batch, ROCKS_NAME_ACCOUNT, 0, from);
    rocks_names_put(r, batch, ROCKS_NAME_ACCOUNT, 0, to, account);
    return end(r, finish(r, batch, r->next_id));
}

enum store_status rocks_names_find(struct store *store, struct span key, uint64_t *account_out)
{
    struct rocks *r = (struct rocks *)store;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = rocks_names_look(r, ROCKS_NAME_ACCOUNT, 0, key, account_out);
    rocks_db_release(r);
    return status;
}

void rocks_names_drop(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_name kind,
                      uint64_t parent, struct span name)
{
    uint8_t bytes[NAME_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));

    name_key(&key, kind, parent, name);
    rocks_value_delete(r, batch, ROCKS_NAMES, writer_span(&key));
}

enum store_status rocks_names_drop_all(struct rocks *r, rocksdb_writebatch_t *batch,
                                       enum rocks_name kind, uint64_t account)
{
    struct rocks_walk walk;

    rocks_names_walk(&walk, r, kind, account);
    while (rocks_walk_next(&walk))
        rocks_value_delete(r, batch, ROCKS_NAMES, walk.key);
    return rocks_walk_end(&walk);
}

void rocks_names_walk(struct rocks_walk *walk, struct rocks *r, enum rocks_name kind,
                      uint64_t parent)
{
    struct store_key prefix = store_key_id((enum store_table)kind, parent);

    rocks_walk_begin(walk, r, ROCKS_NAMES, &prefix, NULL);
}

struct span rocks_names_of(const struct rocks_walk *walk)
{
    return span_skip(walk->key, 9);
}
