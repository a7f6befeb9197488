/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"
#include "proto/base/writer.h"

#include <stdlib.h>

/* A key {account, name} in m->mailboxes or m->subscriptions. */
enum { KEY_ACCOUNT = 8, KEY = KEY_ACCOUNT + STORE_NAME };

struct tree_key {
    uint8_t bytes[KEY + 1]; /* one more: what lies behind a key is sought too */
    struct writer w;
};

static struct span key_of(struct tree_key *key, uint64_t account, struct span name)
{
    key->w = writer_of(key->bytes, sizeof(key->bytes));
    writer_uint(&key->w, account, KEY_ACCOUNT);
    writer_span_put(&key->w, name);
    return writer_span(&key->w);
}

static struct span name_of(const struct memory_map_row *row)
{
    return span_skip(row->key, KEY_ACCOUNT);
}

/* The first of the account's rows whose key is `from` or behind it; NULL: none is. */
static struct memory_map_row *row_from(const struct memory_map *map, uint64_t account,
                                       struct span from)
{
    struct memory_map_row *row = memory_map_from(map, from);
    struct tree_key key;
    struct span prefix = key_of(&key, account, span_of(NULL, 0));

    return row && row->key.len > prefix.len && memcmp(row->key.data, prefix.data, prefix.len) == 0
               ? row
               : NULL;
}

/* The next one behind where the key is, which is moved there: rows may come and go meanwhile. */
static struct memory_map_row *row_next(const struct memory_map *map, uint64_t account,
                                       struct tree_key *at)
{
    struct memory_map_row *row = row_from(map, account, writer_span(&at->w));

    if (row) {
        key_of(at, account, name_of(row));
        writer_byte(&at->w, 0);
    }
    return row;
}

static bool put(struct memory_map *map, uint64_t account, struct span name, uint64_t value)
{
    struct tree_key key;
    struct memory_map_row *row = memory_map_put(map, key_of(&key, account, name));

    if (row)
        row->values[0] = value;
    return row != NULL;
}

static struct memory_map_row *find(const struct memory_map *map, uint64_t account, struct span name)
{
    struct tree_key key;

    return memory_map_find(map, key_of(&key, account, name));
}

static void remove_name(struct memory_map *map, uint64_t account, struct span name)
{
    struct tree_key key;

    memory_map_remove(map, key_of(&key, account, name));
}

bool memory_tree_init(struct memory *m, struct memory_account *account)
{
    return put(&m->mailboxes, account->id, span_text(STORE_INBOX),
               account->mailboxes[MESSAGE_INBOX].id) &&
           put(&m->mailboxes, account->id, span_text("Quarantine"),
               account->mailboxes[MESSAGE_QUARANTINE].id);
}

static void drop_all(struct memory_map *map, uint64_t account)
{
    struct memory_map_row *row;
    struct tree_key key;
    struct span all = key_of(&key, account, span_of(NULL, 0));

    while ((row = row_from(map, account, all)) != NULL)
        memory_map_remove(map, row->key);
}

void memory_tree_drop(struct memory *m, struct memory_account *account)
{
    drop_all(&m->mailboxes, account->id);
    drop_all(&m->subscriptions, account->id);
    for (uint32_t i = 0; i < account->folder_count; i++)
        memory_names_set(m, account->folders[i]->id, NULL);
}

/* Index of the first folder whose id is `id` or greater. */
static uint32_t seek(const struct memory_account *account, uint64_t id)
{
    uint32_t low = 0, high = account->folder_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (account->folders[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct memory_mailbox *memory_tree_folder(const struct memory_account *account, uint64_t id)
{
    uint32_t i = seek(account, id);

    return i < account->folder_count && account->folders[i]->id == id ? account->folders[i] : NULL;
}

/* NULL: there is none, or it is being erased. */
static struct memory_account *account_of(struct memory *m, uint64_t id)
{
    struct memory_account *account = memory_names_account(m, id);

    return account && account->id == id ? account : NULL;
}

/* ---- looking ---- */

enum store_status memory_tree_find(struct store *store, uint64_t account, struct span name,
                                   uint64_t *mailbox_out)
{
    struct memory *m = memory_of(store);
    const struct memory_map_row *row;

    memory_lock(m);
    row = find(&m->mailboxes, account, name);
    if (row)
        *mailbox_out = row->values[0];
    memory_unlock(m);
    return row ? STORE_OK : STORE_NONE;
}

enum store_status memory_tree_show(struct store *store, uint64_t mailbox,
                                   store_mailbox_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    struct memory_mailbox *box;
    enum store_status status = STORE_NONE;
    bool more;

    memory_lock(m);
    box = memory_names_mailbox(m, mailbox);
    if (box)
        status = memory_list_show(m, box, span_of(NULL, 0), visit, context, &more);
    memory_unlock(m);
    return status;
}

static enum store_status list_account(struct memory *m, uint64_t account,
                                      store_mailbox_visit *visit, void *context, bool *more)
{
    enum store_status status = STORE_OK;
    struct memory_map_row *row;
    struct tree_key at;

    key_of(&at, account, span_of(NULL, 0));
    while (*more && status == STORE_OK && (row = row_next(&m->mailboxes, account, &at)) != NULL) {
        struct span name = span_of(at.bytes + KEY_ACCOUNT, at.w.len - KEY_ACCOUNT - 1);
        struct memory_mailbox *box = memory_names_mailbox(m, row->values[0]);

        if (box)
            status = memory_list_show(m, box, name, visit, context, more);
    }
    return status;
}

enum store_status memory_tree_list(struct store *store, uint64_t id, store_mailbox_visit *visit,
                                   void *context)
{
    struct memory *m = memory_of(store);
    enum store_status status = STORE_OK;
    uint64_t next = id;
    bool more = true;

    /* One account after the other: who is shown them may take long. */
    while (more && status == STORE_OK) {
        struct memory_account *account;

        memory_lock(m);
        account = memory_names_next(m, next);
        if (!account || (id && account->id != id))
            more = false;
        else
            status = list_account(m, account->id, visit, context, &more);
        next = account ? account->id + 1 : 0;
        memory_unlock(m);
    }
    return status;
}

enum store_status memory_tree_subscriptions(struct store *store, uint64_t account,
                                            store_name_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    struct tree_key at;
    bool more = true;

    memory_lock(m);
    key_of(&at, account, span_of(NULL, 0));
    while (more && row_next(&m->subscriptions, account, &at))
        more = visit(context, span_of(at.bytes + KEY_ACCOUNT, at.w.len - KEY_ACCOUNT - 1));
    memory_unlock(m);
    return STORE_OK;
}

enum store_status memory_tree_quota(struct store *store, uint64_t id, struct store_quota *quota_out)
{
    struct memory *m = memory_of(store);
    struct memory_account *account;
    enum store_status status = STORE_NONE;

    memory_lock(m);
    account = account_of(m, id);
    if (account) {
        struct memory_mailbox *inbox = &account->mailboxes[MESSAGE_INBOX];

        status = memory_mailbox_take(m, inbox);
        *quota_out = (struct store_quota){.octets_max = atomic_load(&account->quota),
                                          .octets = inbox->size,
                                          .messages = inbox->messages};
        for (uint32_t i = 0; i < account->folder_count; i++) {
            quota_out->octets += account->folders[i]->size;
            quota_out->messages += account->folders[i]->messages;
        }
    }
    memory_unlock(m);
    return status;
}

/* ---- changing ---- */

/* LIMIT: there are as many as there may be. */
static enum store_status check_count(const struct memory_map *map, uint64_t account)
{
    struct tree_key key;
    struct memory_map_row *row = row_from(map, account, key_of(&key, account, span_of(NULL, 0)));
    uint32_t count = 0;

    for (; row && count < STORE_MAILBOXES; row = row->next[0], count++)
        if (memcmp(row->key.data, key.bytes, KEY_ACCOUNT) != 0)
            return STORE_OK;
    return count == STORE_MAILBOXES ? STORE_LIMIT : STORE_OK;
}

static bool folder_room(struct memory_account *account)
{
    uint32_t cap = account->folder_cap ? 2 * account->folder_cap : 8;
    struct memory_mailbox **grown;

    if (account->folder_count < account->folder_cap)
        return true;
    grown = realloc(account->folders, cap * sizeof(*grown));
    if (!grown)
        return false;
    account->folders = grown;
    account->folder_cap = cap;
    return true;
}

static enum store_status create(struct memory *m, struct memory_account *account, struct span name,
                                uint16_t uses, uint64_t *mailbox_out)
{
    struct memory_mailbox *box;
    uint64_t id = m->next_id;
    enum store_status status = check_count(&m->mailboxes, account->id);

    if (find(&m->mailboxes, account->id, name))
        return STORE_EXISTS;
    /* UIDVALIDITY has 32 bits. */
    if (status != STORE_OK || id > UINT32_MAX)
        return status == STORE_OK ? STORE_FAILED : status;
    box = aligned_alloc(64, sizeof(*box));
    if (!box || !folder_room(account) || !memory_names_set(m, id, account) ||
        !put(&m->mailboxes, account->id, name, id)) {
        free(box);
        return STORE_FAILED;
    }
    memset(box, 0, sizeof(*box));
    memory_names_init_mailbox(box, account, id, STORE_FOLDER);
    box->uses = uses;
    account->folders[account->folder_count++] = box;
    m->next_id++;
    *mailbox_out = id;
    return STORE_OK;
}

enum store_status memory_tree_create(struct store *store, uint64_t account, struct span name,
                                     uint16_t uses, uint64_t *mailbox_out)
{
    struct memory *m = memory_of(store);
    struct memory_account *owner;
    enum store_status status = STORE_NONE;

    memory_lock(m);
    owner = account_of(m, account);
    if (owner)
        status = create(m, owner, name, uses, mailbox_out);
    memory_unlock(m);
    return status;
}

/* Its row in m->mailboxes: the name stands in one place alone. */
static struct memory_map_row *row_of(const struct memory *m, const struct memory_mailbox *box)
{
    struct tree_key key;
    uint64_t account = box->account->id;
    struct memory_map_row *row =
        row_from(&m->mailboxes, account, key_of(&key, account, span_of(NULL, 0)));

    while (row && row->values[0] != box->id)
        row = row->next[0];
    return row;
}

static void delete (struct memory *m, struct memory_mailbox *box)
{
    struct memory_account *account = box->account;
    uint32_t i = seek(account, box->id);
    struct memory_entry *entry;

    memory_map_remove(&m->mailboxes, row_of(m, box)->key);
    while ((entry = memory_mailbox_from(m, box, 0)) != NULL)
        memory_mailbox_delete(m, entry, false);
    memory_full_freed(m, account);
    store_watched_tell(&m->store, box->id);
    memory_names_set(m, box->id, NULL);
    memmove(account->folders + i, account->folders + i + 1,
            (account->folder_count - i - 1) * sizeof(struct memory_mailbox *));
    account->folder_count--;
    memory_mailbox_fini(box);
    free(box);
}

/* A folder by its id. NONE, or FAILED when it is one of the fixed ones. */
static enum store_status folder_of(struct memory *m, uint64_t id, struct memory_mailbox **box_out)
{
    *box_out = memory_names_mailbox(m, id);
    if (!*box_out || (*box_out)->account->erasure)
        return STORE_NONE;
    return (*box_out)->place == STORE_FOLDER ? STORE_OK : STORE_FAILED;
}

enum store_status memory_tree_delete(struct store *store, uint64_t mailbox)
{
    struct memory *m = memory_of(store);
    struct memory_mailbox *box;
    enum store_status status;

    memory_lock(m);
    status = folder_of(m, mailbox, &box);
    if (status == STORE_OK)
        delete (m, box);
    memory_unlock(m);
    return status;
}

static bool is_below(struct span name, struct span parent)
{
    return name.len > parent.len && name.data[parent.len] == STORE_SEPARATOR &&
           memcmp(name.data, parent.data, parent.len) == 0;
}

/* What is being renamed: a mailbox and all below it. */
struct renaming {
    struct memory *m;
    uint64_t account;
    uint8_t bytes[STORE_NAME];
    struct span old, name; /* the first in `bytes` */
};

static bool is_moved(const struct renaming *x, struct span name)
{
    return span_equal(name, x->old) || is_below(name, x->old);
}

/* The new name of one of them; false: too long. */
static bool renamed(const struct renaming *x, struct span name, struct writer *out)
{
    writer_span_put(out, x->name);
    writer_span_put(out, span_skip(name, x->old.len));
    return !out->full;
}

static enum store_status check_names(const struct renaming *x, uint32_t *count_out)
{
    struct memory_map_row *row;
    struct tree_key at;

    *count_out = 0;
    key_of(&at, x->account, span_of(NULL, 0));
    while ((row = row_next(&x->m->mailboxes, x->account, &at)) != NULL) {
        uint8_t bytes[STORE_NAME];
        struct writer w = writer_of(bytes, sizeof(bytes));

        if (!is_moved(x, name_of(row)))
            continue;
        ++*count_out;
        if (!renamed(x, name_of(row), &w))
            return STORE_FAILED;
        if (!is_moved(x, writer_span(&w)) && find(&x->m->mailboxes, x->account, writer_span(&w)))
            return STORE_EXISTS;
    }
    return STORE_OK;
}

/* A name that is on its way. */
struct moved {
    uint64_t id;
    uint8_t name[STORE_NAME];
    size_t len;
};

/* Old names go out first: the new one of one mailbox may be the old one of another. */
static enum store_status rename_all(const struct renaming *x, uint32_t count)
{
    struct moved *moved = calloc(count + 1, sizeof(*moved));
    struct memory_map_row *row;
    struct tree_key at;
    uint32_t n = 0;
    bool ok = moved != NULL;

    key_of(&at, x->account, span_of(NULL, 0));
    while (ok && (row = row_next(&x->m->mailboxes, x->account, &at)) != NULL) {
        struct writer w;

        if (!is_moved(x, name_of(row)))
            continue;
        w = writer_of(moved[n].name, STORE_NAME);
        renamed(x, name_of(row), &w);
        moved[n].id = row->values[0];
        moved[n++].len = w.len;
        memory_map_remove(&x->m->mailboxes, row->key);
    }
    for (uint32_t i = 0; i < n; i++)
        ok &= put(&x->m->mailboxes, x->account, span_of(moved[i].name, moved[i].len), moved[i].id);
    free(moved);
    return ok ? STORE_OK : STORE_FAILED;
}

static enum store_status rename_mailbox(struct memory *m, const struct memory_mailbox *box,
                                        struct span name)
{
    struct renaming x = {.m = m, .account = box->account->id, .name = name};
    struct span old = name_of(row_of(m, box));
    uint32_t count;
    enum store_status status;

    memcpy(x.bytes, old.data, old.len);
    x.old = span_of(x.bytes, old.len);
    if (span_equal(name, x.old))
        return STORE_EXISTS;
    if (is_below(name, x.old))
        return STORE_FAILED;
    status = check_names(&x, &count);
    return status == STORE_OK ? rename_all(&x, count) : status;
}

enum store_status memory_tree_rename(struct store *store, uint64_t mailbox, struct span name)
{
    struct memory *m = memory_of(store);
    struct memory_mailbox *box;
    enum store_status status;

    memory_lock(m);
    status = folder_of(m, mailbox, &box);
    if (status == STORE_OK)
        status = rename_mailbox(m, box, name);
    memory_unlock(m);
    return status;
}

enum store_status memory_tree_use(struct store *store, uint64_t mailbox, uint16_t uses)
{
    struct memory *m = memory_of(store);
    struct memory_mailbox *box;

    memory_lock(m);
    box = memory_names_mailbox(m, mailbox);
    if (box)
        box->uses = uses;
    memory_unlock(m);
    return box ? STORE_OK : STORE_NONE;
}

enum store_status memory_tree_subscribe(struct store *store, uint64_t account, struct span name,
                                        bool subscribed)
{
    struct memory *m = memory_of(store);
    enum store_status status = STORE_OK;

    memory_lock(m);
    if (!account_of(m, account))
        status = STORE_NONE;
    else if (!subscribed)
        remove_name(&m->subscriptions, account, name);
    else if (!find(&m->subscriptions, account, name))
        status = check_count(&m->subscriptions, account);
    if (status == STORE_OK && subscribed && !put(&m->subscriptions, account, name, 1))
        status = STORE_FAILED;
    memory_unlock(m);
    return status;
}
