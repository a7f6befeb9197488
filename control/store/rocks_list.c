/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

/* ---- mailboxes ---- */

/* {'M', account} or, for all accounts, {'M'}: the names of mailboxes (rocks_names.c). */
static struct store_key mailbox_names(uint64_t account)
{
    struct store_key key = store_key_id((enum store_table)ROCKS_NAME_MAILBOX, account);

    if (account == 0)
        key.len = 1;
    return key;
}

static enum store_status read_keywords(struct rocks *r, uint64_t mailbox, struct rocks_value *value,
                                       struct span *keywords_out)
{
    struct store_key key = store_key_id(STORE_TABLE_KEYWORDS, mailbox);
    enum store_status status = rocks_value_get(r, r->read, ROCKS_INDEX, rocks_key(&key), value);

    *keywords_out = span_of(NULL, 0);
    if (status == STORE_NONE)
        return STORE_OK;
    if (status == STORE_OK && !store_row_read_keywords(value->bytes, keywords_out))
        return STORE_CORRUPT;
    return status;
}

enum store_status rocks_list_show(struct rocks *r, struct store_mailbox *m,
                                  store_mailbox_visit *visit, void *context, bool *more_out)
{
    struct store_key floor_key = store_key_id(STORE_TABLE_FLOOR, m->id);
    struct store_row_mailbox row;
    struct store_row_state state;
    struct rocks_value keywords = {.slice = NULL};
    enum store_status status = rocks_value_mailbox(r, m->id, &row);

    if (status != STORE_OK || row.place == STORE_ROW_GONE)
        return status == STORE_OK ? STORE_NONE : status;
    status = rocks_value_state(r, m->id, &state);
    if (status != STORE_OK)
        return rocks_must(status);
    m->account = row.account;
    m->place = row.place;
    m->uses = row.uses;
    m->uid_validity = row.uid_validity;
    m->uid_next = state.uid_next;
    m->modseq = state.modseq;
    m->messages = state.messages;
    m->octets = state.octets;
    m->floor = 0;
    status = rocks_value_number(r, ROCKS_INDEX, rocks_key(&floor_key), &m->floor);
    if (status == STORE_OK || status == STORE_NONE)
        status = read_keywords(r, m->id, &keywords, &m->keywords);
    if (status == STORE_OK)
        *more_out = visit(context, m);
    rocks_value_free(&keywords);
    return status;
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
        struct store_mailbox mailbox = {.name = rocks_names_of(&walk)};

        if (!store_row_read_number(walk.value, &mailbox.id))
            status = STORE_CORRUPT;
        else
            status = rocks_list_show(r, &mailbox, visit, context, &more);
        /* Deleted since the walk began. */
        if (status == STORE_NONE)
            status = STORE_OK;
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
static enum store_status show(struct store_entry *entry, const struct store_row_mailbox *mailbox,
                              struct span row, struct span flags, struct viewer *viewer)
{
    if (!store_row_read_entry(row, entry) || !store_row_read_flags(flags, entry))
        return STORE_CORRUPT;
    entry->account = mailbox->account;
    entry->place = mailbox->place;
    viewer->more = viewer->visit(viewer->context, entry);
    return STORE_OK;
}

/* NONE also when it was deleted, and is only not empty yet. */
static enum store_status read_place(struct rocks *r, uint64_t mailbox,
                                    struct store_row_mailbox *row_out)
{
    enum store_status status = rocks_value_mailbox(r, mailbox, row_out);

    return status == STORE_OK && row_out->place == STORE_ROW_GONE ? STORE_NONE : status;
}

static enum store_status find(struct rocks *r, uint64_t mailbox, uint32_t uid,
                              struct viewer *viewer)
{
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, mailbox, uid);
    struct store_key flags_key = store_key_flags(mailbox, uid);
    struct store_entry entry = {.mailbox = mailbox, .uid = uid};
    struct store_row_mailbox row;
    struct rocks_value value = {.slice = NULL}, flags = {.slice = NULL};
    enum store_status status = rocks_value_get(r, r->read, ROCKS_INDEX, rocks_key(&key), &value);

    if (status == STORE_OK)
        status = read_place(r, mailbox, &row);
    if (status == STORE_OK)
        status =
            rocks_must(rocks_value_get(r, r->read, ROCKS_FLAGS, rocks_key(&flags_key), &flags));
    if (status == STORE_OK)
        status = show(&entry, &row, value.bytes, flags.bytes, viewer);
    rocks_value_free(&flags);
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

/* Entries and flags of a mailbox: two walks side by side, since both lie in the order of UIDs. */
struct pair {
    struct rocks_walk entries, flags;
    struct store_row_mailbox mailbox;
    uint32_t flags_uid; /* where the walk over them is */
};

static enum store_status step(struct pair *p, struct viewer *viewer)
{
    struct store_entry entry = {0};
    uint64_t mailbox;

    if (!store_key_read_entry(p->entries.key, &entry.mailbox, &entry.uid))
        return STORE_CORRUPT;
    while (p->flags_uid < entry.uid)
        if (!rocks_walk_next(&p->flags) ||
            !store_key_read_flags(p->flags.key, &mailbox, &p->flags_uid))
            return STORE_CORRUPT;
    if (p->flags_uid != entry.uid)
        return STORE_CORRUPT;
    return show(&entry, &p->mailbox, p->entries.value, p->flags.value, viewer);
}

static enum store_status walk_entries(struct rocks *r, struct pair *p, uint64_t mailbox,
                                      uint32_t uid, struct viewer *viewer)
{
    const rocksdb_snapshot_t *snapshot = rocksdb_create_snapshot(r->db);
    struct store_key prefix = store_key_id(STORE_TABLE_ENTRY, mailbox);
    struct store_key start = store_key_entry(STORE_TABLE_ENTRY, mailbox, uid);
    struct store_key flags = store_key_flags(mailbox, uid), of_mailbox = flags;
    enum store_status status = STORE_OK, ended, flags_ended;

    of_mailbox.len = sizeof(uint64_t);
    rocks_walk_begin_from(&p->entries, r, ROCKS_INDEX, &prefix, &start, snapshot);
    rocks_walk_begin_from(&p->flags, r, ROCKS_FLAGS, &of_mailbox, &flags, snapshot);
    while (status == STORE_OK && viewer->more && rocks_walk_next(&p->entries))
        status = step(p, viewer);
    flags_ended = rocks_walk_end(&p->flags);
    ended = rocks_walk_end(&p->entries);
    rocksdb_release_snapshot(r->db, snapshot);
    if (status == STORE_OK)
        status = ended;
    return status == STORE_OK ? flags_ended : status;
}

enum store_status rocks_list_entries(struct store *store, uint64_t mailbox, uint32_t uid,
                                     store_entry_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct viewer viewer = {.visit = visit, .context = context, .more = true};
    struct pair pair = {.flags_uid = 0};
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = read_place(r, mailbox, &pair.mailbox);
    if (status == STORE_OK)
        status = walk_entries(r, &pair, mailbox, uid, &viewer);
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
