/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

/* ---- mailboxes ---- */

/* {'M', account} or, for all accounts, {'M'}: the names of mailboxes (rocks_names.c). */
static struct store_key mailbox_names(uint64_t account)
{
    struct store_key key = store_key_id((enum store_table)'M', account);

    if (account == 0)
        key.len = 1;
    return key;
}

static enum store_status read_mailbox(struct rocks *r, const struct rocks_walk *walk,
                                      struct store_mailbox *m)
{
    struct store_row_mailbox row;
    struct store_row_state state;
    enum store_status status;

    if (walk->key.len < 9 || !store_key_read_id(span_head(walk->key, 9), &m->account) ||
        !store_row_read_number(walk->value, &m->id))
        return STORE_CORRUPT;
    m->name = span_skip(walk->key, 9);
    status = rocks_value_mailbox(r, m->id, &row);
    if (status == STORE_OK)
        status = rocks_value_state(r, m->id, &state);
    if (status != STORE_OK)
        return rocks_must(status);
    m->place = row.place;
    m->uid_validity = row.uid_validity;
    m->uid_next = state.uid_next;
    m->modseq = state.modseq;
    m->messages = state.messages;
    m->octets = state.octets;
    return STORE_OK;
}

enum store_status rocks_list_mailboxes(struct store *store, uint64_t account,
                                       store_mailbox_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct store_key prefix = mailbox_names(account);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;
    bool more = true;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    rocks_walk_begin(&walk, r, ROCKS_NAMES, &prefix, NULL);
    while (status == STORE_OK && more && rocks_walk_next(&walk)) {
        struct store_mailbox mailbox;

        status = read_mailbox(r, &walk, &mailbox);
        if (status == STORE_OK)
            more = visit(context, &mailbox);
    }
    ended = rocks_walk_end(&walk);
    rocks_db_release(r);
    return status == STORE_OK ? ended : status;
}

/* ---- entries ---- */

/* Whom entries are shown to. */
struct viewer {
    store_entry_visit *visit;
    void *context;
    bool more; /* false: it has seen enough */
};

/* Completes an entry from its row and its flags, and shows it. */
static enum store_status show(struct rocks *r, const rocksdb_readoptions_t *read,
                              struct store_entry *entry, struct span row, struct viewer *viewer)
{
    struct store_key key = store_key_flags(entry->mailbox, entry->uid);
    struct store_row_mailbox mailbox;
    struct rocks_value flags;
    enum store_status status;

    if (!store_row_read_entry(row, entry))
        return STORE_CORRUPT;
    status = rocks_must(rocks_value_mailbox(r, entry->mailbox, &mailbox));
    if (status != STORE_OK)
        return status;
    entry->account = mailbox.account;
    entry->place = mailbox.place;
    status = rocks_must(rocks_value_get(r, read, ROCKS_FLAGS, rocks_key(&key), &flags));
    if (status == STORE_OK && !store_row_read_flags(flags.bytes, entry))
        status = STORE_CORRUPT;
    if (status == STORE_OK)
        viewer->more = viewer->visit(viewer->context, entry);
    rocks_value_free(&flags);
    return status;
}

static enum store_status find(struct rocks *r, uint64_t mailbox, uint32_t uid,
                              struct viewer *viewer)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, mailbox, uid);
    struct store_entry entry = {.mailbox = mailbox, .uid = uid};
    struct rocks_value value;
    enum store_status status = rocks_value_get(r, r->read, ROCKS_INDEX, rocks_key(&key), &value);

    if (status == STORE_OK)
        status = show(r, r->read, &entry, value.bytes, viewer);
    rocks_value_free(&value);
    return status;
}

enum store_status rocks_list_entry(struct store *store, uint64_t mailbox, uint32_t uid,
                                   store_entry_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct viewer viewer = {.visit = visit, .context = context};
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = find(r, mailbox, uid, &viewer);
    rocks_db_release(r);
    return status;
}

static enum store_status walk_entries(struct rocks *r, uint64_t mailbox,
                                      const rocksdb_snapshot_t *snapshot, struct viewer *viewer)
{
    struct store_key prefix = store_key_id(STORE_TABLE_ENTRY, mailbox);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    rocks_walk_begin_at(&walk, r, ROCKS_INDEX, &prefix, snapshot);
    while (status == STORE_OK && viewer->more && rocks_walk_next(&walk)) {
        struct store_entry entry = {0};

        if (store_key_read_entry(walk.key, &entry.mailbox, &entry.uid))
            status = show(r, walk.read, &entry, walk.value, viewer);
        else
            status = STORE_CORRUPT;
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

enum store_status rocks_list_entries(struct store *store, uint64_t mailbox,
                                     store_entry_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct viewer viewer = {.visit = visit, .context = context, .more = true};
    struct store_row_mailbox row;
    const rocksdb_snapshot_t *snapshot;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = rocks_value_mailbox(r, mailbox, &row);
    if (status == STORE_OK) {
        snapshot = rocksdb_create_snapshot(r->db);
        status = walk_entries(r, mailbox, snapshot, &viewer);
        rocksdb_release_snapshot(r->db, snapshot);
    }
    rocks_db_release(r);
    return status;
}

enum store_status rocks_list_places(struct store *store, const struct id128 *message,
                                    store_entry_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct store_key prefix = store_key_message(STORE_TABLE_REFERENCE, message);
    struct viewer viewer = {.visit = visit, .context = context, .more = true};
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;
    bool any = false;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    rocks_walk_begin(&walk, r, ROCKS_INDEX, &prefix, NULL);
    while (status == STORE_OK && viewer.more && rocks_walk_next(&walk)) {
        struct id128 id;
        uint64_t mailbox;
        uint32_t uid;

        any = true;
        if (!store_key_read_reference(walk.key, &id, &mailbox, &uid)) {
            status = STORE_CORRUPT;
            break;
        }
        status = find(r, mailbox, uid, &viewer);
        /* Deleted since the walk began. */
        if (status == STORE_NONE)
            status = STORE_OK;
    }
    ended = rocks_walk_end(&walk);
    rocks_db_release(r);
    if (status == STORE_OK)
        status = ended;
    return status == STORE_OK && !any ? STORE_NONE : status;
}

enum store_status rocks_list_tombstones(struct store *store, uint64_t mailbox, uint64_t since,
                                        store_entry_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct store_key prefix = store_key_id(STORE_TABLE_TOMBSTONE, mailbox);
    struct store_key start = store_key_tombstone(mailbox, since, 0);
    struct store_key floor_key = store_key_id(STORE_TABLE_FLOOR, mailbox);
    uint64_t floor = 0;
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;
    bool more = true;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    /* The walk sees one moment; what is collected after it began is in it. */
    rocks_walk_begin(&walk, r, ROCKS_INDEX, &prefix, &start);
    status = rocks_value_number(r, ROCKS_INDEX, rocks_key(&floor_key), &floor);
    if (status == STORE_NONE || (status == STORE_OK && since > floor))
        status = STORE_OK;
    else if (status == STORE_OK)
        status = STORE_TOO_OLD;
    while (status == STORE_OK && more && rocks_walk_next(&walk)) {
        struct store_entry entry = {.mailbox = mailbox};
        struct store_row_tombstone row;

        if (!store_key_read_tombstone(walk.key, &entry.modseq, &entry.uid) ||
            !store_row_read_tombstone(walk.value, &row)) {
            status = STORE_CORRUPT;
            break;
        }
        entry.message = row.message;
        entry.saved_ms = row.deleted_ms;
        more = visit(context, &entry);
    }
    ended = rocks_walk_end(&walk);
    rocks_db_release(r);
    return status == STORE_OK ? ended : status;
}
