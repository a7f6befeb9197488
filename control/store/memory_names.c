/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"
#include "proto/base/writer.h"

#include <stdlib.h>
#include <urcu-qsbr.h>

/* Names as in rocks_names.c: a key {kind, name} leads to an id, for a domain also to its tenant and
 * class. */
enum kind { KIND_TENANT = 'T', KIND_DOMAIN = 'D', KIND_ACCOUNT = 'A' };

enum { NAME_KEY = 1 + STORE_NAME, VALUE_ID = 0, VALUE_TENANT, VALUE_CLASS };

/* ---- ids ---- */

enum { LEAF_BITS = 12, LEAF = 1 << LEAF_BITS, LEAVES = 1 << (32 - LEAF_BITS) };

struct memory_ids_leaf {
    struct memory_account *accounts[LEAF];
};

struct memory_account *memory_names_account(const struct memory *m, uint64_t id)
{
    struct memory_ids_leaf *leaf;

    if (id > UINT32_MAX)
        return NULL;
    leaf = rcu_dereference(m->accounts[id >> LEAF_BITS]);
    return leaf ? rcu_dereference(leaf->accounts[id % LEAF]) : NULL;
}

bool memory_names_set(struct memory *m, uint64_t id, struct memory_account *account)
{
    struct memory_ids_leaf *leaf = m->accounts[id >> LEAF_BITS];

    if (!leaf && account) {
        leaf = calloc(1, sizeof(*leaf));
        if (!leaf)
            return false;
        rcu_assign_pointer(m->accounts[id >> LEAF_BITS], leaf);
    }
    if (leaf)
        rcu_assign_pointer(leaf->accounts[id % LEAF], account);
    return true;
}

struct memory_mailbox *memory_names_mailbox(const struct memory *m, uint64_t id)
{
    struct memory_account *account = memory_names_account(m, id);

    for (int place = 0; account && place < 2; place++)
        if (account->mailboxes[place].id == id)
            return &account->mailboxes[place];
    return account ? memory_tree_folder(account, id) : NULL;
}

/* ---- names ---- */

static bool name_key(struct writer *w, enum kind kind, struct span name)
{
    writer_byte(w, (uint8_t)kind);
    writer_span_put(w, name);
    return !w->full && name.len > 0;
}

/* NONE: there is none, and nothing was made. With `make`: it is, with the next id. */
static enum store_status find(struct memory *m, enum kind kind, struct span name, bool make,
                              struct memory_map_row **row_out)
{
    uint8_t bytes[NAME_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));

    if (!name_key(&key, kind, name))
        return STORE_FAILED;
    *row_out = memory_map_find(&m->names, writer_span(&key));
    if (*row_out || !make)
        return *row_out ? STORE_OK : STORE_NONE;
    *row_out = memory_map_put(&m->names, writer_span(&key));
    if (!*row_out)
        return STORE_FAILED;
    (*row_out)->values[VALUE_ID] = m->next_id++;
    return STORE_OK;
}

/* The id of what has the name; `make`: it is made where there is none. */
static enum store_status id_of(struct store *store, enum kind kind, struct span name, bool make,
                               uint64_t *id_out)
{
    struct memory *m = memory_of(store);
    struct memory_map_row *row;
    enum store_status status;

    memory_lock(m);
    status = find(m, kind, name, make, &row);
    if (status == STORE_OK)
        *id_out = row->values[VALUE_ID];
    memory_unlock(m);
    return status;
}

enum store_status memory_names_tenant(struct store *store, struct span name, uint64_t *tenant_out)
{
    return id_of(store, KIND_TENANT, name, true, tenant_out);
}

enum store_status memory_names_domain(struct store *store, uint64_t tenant, struct span name,
                                      uint8_t class, uint64_t *domain_out)
{
    struct memory *m = memory_of(store);
    struct memory_map_row *row;
    enum store_status status;

    memory_lock(m);
    status = find(m, KIND_DOMAIN, name, true, &row);
    if (status == STORE_OK) {
        row->values[VALUE_TENANT] = tenant;
        row->values[VALUE_CLASS] = class;
        *domain_out = row->values[VALUE_ID];
    }
    memory_unlock(m);
    return status;
}

/* ---- accounts ---- */

/* A mailbox's id is its UIDVALIDITY too, as in rocks_names.c. */
void memory_names_init_mailbox(struct memory_mailbox *box, struct memory_account *account,
                               uint64_t id, uint8_t place)
{
    box->account = account;
    box->id = id;
    box->place = place;
    box->uid_next = 1;
    box->modseq = 1;
    atomic_store(&box->pushed, UINT64_C(1) << 32);
}

static bool enter(struct memory *m, struct memory_account *account)
{
    if (m->count == m->cap) {
        uint32_t cap = m->cap ? 2 * m->cap : 64;
        struct memory_account **grown = realloc(m->all, cap * sizeof(*grown));

        if (!grown)
            return false;
        m->all = grown;
        m->cap = cap;
    }
    for (uint64_t id = account->id; id < account->id + 3; id++)
        if (!memory_names_set(m, id, account))
            return false;
    m->all[m->count++] = account;
    return true;
}

static void leave(struct memory *m, const struct memory_account *account)
{
    for (uint64_t id = account->id; id < account->id + 3; id++)
        memory_names_set(m, id, NULL);
}

static struct memory_account *new_account(uint64_t id)
{
    struct memory_account *account = aligned_alloc(64, sizeof(*account));

    if (!account)
        return NULL;
    memset(account, 0, sizeof(*account));
    account->id = id;
    for (uint8_t place = 0; place < 2; place++)
        memory_names_init_mailbox(&account->mailboxes[place], account, id + 1 + place, place);
    return account;
}

static enum store_status make_account(struct memory *m, const struct store_account *fields,
                                      uint64_t *account_out)
{
    struct memory_map_row *row;
    struct memory_account *account;
    enum store_status status = STORE_OK;

    /* UIDVALIDITY has 32 bits. */
    if (m->next_id + 2 > UINT32_MAX)
        return STORE_FAILED;
    account = new_account(m->next_id);
    if (!account)
        return STORE_FAILED;
    account->domain = fields->domain;
    atomic_store(&account->quota, fields->quota_octets);
    if (!enter(m, account))
        status = STORE_FAILED;
    else if (!memory_tree_init(m, account) ||
             (status = find(m, KIND_ACCOUNT, fields->key, true, &row)) != STORE_OK) {
        m->count--;
        memory_tree_drop(m, account);
        status = STORE_FAILED;
    }
    if (status != STORE_OK) {
        leave(m, account);
        free(account);
        return status;
    }
    m->next_id = account->id + 3;
    *account_out = account->id;
    return STORE_OK;
}

static void update_account(struct memory *m, struct memory_account *account,
                           const struct store_account *fields)
{
    uint64_t before = atomic_exchange(&account->quota, fields->quota_octets);
    bool was_full = atomic_load(&account->full_ms) != 0;

    account->domain = fields->domain;
    if (was_full && before != 0 && (fields->quota_octets == 0 || fields->quota_octets > before))
        atomic_store(&account->full_ms, 0);
    if (was_full)
        memory_full_say(m, account);
}

enum store_status memory_names_put(struct store *store, const struct store_account *account,
                                   uint64_t *account_out)
{
    struct memory *m = memory_of(store);
    struct memory_map_row *row;
    enum store_status status;

    memory_lock(m);
    status = find(m, KIND_ACCOUNT, account->key, false, &row);
    if (status == STORE_NONE) {
        status = make_account(m, account, account_out);
    } else if (status == STORE_OK) {
        *account_out = row->values[VALUE_ID];
        update_account(m, memory_names_account(m, *account_out), account);
    }
    memory_unlock(m);
    return status;
}

/* Under the lock. */
static enum store_status rename_account(struct memory *m, uint64_t account, struct span from,
                                        struct span to)
{
    uint8_t bytes[NAME_KEY], other_bytes[NAME_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes)),
                  other = writer_of(other_bytes, sizeof(other_bytes));
    struct memory_map_row *row;

    if (!name_key(&key, KIND_ACCOUNT, from) || !name_key(&other, KIND_ACCOUNT, to))
        return STORE_FAILED;
    row = memory_map_find(&m->names, writer_span(&key));
    if (!row || row->values[VALUE_ID] != account)
        return STORE_NONE;
    if (memory_map_find(&m->names, writer_span(&other)))
        return STORE_FAILED;
    row = memory_map_put(&m->names, writer_span(&other));
    if (!row)
        return STORE_FAILED;
    row->values[VALUE_ID] = account;
    memory_map_remove(&m->names, writer_span(&key));
    return STORE_OK;
}

enum store_status memory_names_rename(struct store *store, uint64_t account, struct span from,
                                      struct span to)
{
    struct memory *m = memory_of(store);
    enum store_status status;

    memory_lock(m);
    status = rename_account(m, account, from, to);
    memory_unlock(m);
    return status;
}

enum store_status memory_names_find(struct store *store, struct span key, uint64_t *account_out)
{
    return id_of(store, KIND_ACCOUNT, key, false, account_out);
}

void memory_names_hide(struct memory *m, struct memory_account *account, struct span key)
{
    uint8_t bytes[NAME_KEY];
    struct writer name = writer_of(bytes, sizeof(bytes));

    name_key(&name, KIND_ACCOUNT, key);
    memory_map_remove(&m->names, writer_span(&name));
    memory_names_set(m, account->id, NULL);
}

void memory_names_free(struct memory_account *account)
{
    memory_mailbox_fini(&account->mailboxes[MESSAGE_INBOX]);
    memory_mailbox_fini(&account->mailboxes[MESSAGE_QUARANTINE]);
    for (uint32_t i = 0; i < account->folder_count; i++) {
        memory_mailbox_fini(account->folders[i]);
        free(account->folders[i]);
    }
    free(account->folders);
    free(account->erasure);
    free(account);
}

/* The first in m->all whose id is `id` or greater; m->count: none. */
static uint32_t seek(const struct memory *m, uint64_t id)
{
    uint32_t low = 0, high = m->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (m->all[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void memory_names_drop(struct memory *m, struct memory_account *account)
{
    uint32_t i = seek(m, account->id);

    memmove(m->all + i, m->all + i + 1, (m->count - i - 1) * sizeof(m->all[0]));
    m->count--;
    leave(m, account);
    memory_tree_drop(m, account);
    if (account->view)
        account->gone = true;
    else
        memory_names_free(account);
}

struct memory_account *memory_names_next(const struct memory *m, uint64_t id)
{
    uint32_t i = seek(m, id);

    return i < m->count ? m->all[i] : NULL;
}

bool memory_names_init(struct memory *m)
{
    m->accounts = calloc(LEAVES, sizeof(m->accounts[0]));
    m->next_id = 1;
    return m->accounts != NULL;
}

void memory_names_fini(struct memory *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        memory_names_free(m->all[i]);
    for (uint64_t id = 0; m->accounts && id < m->next_id; id += LEAF)
        free(m->accounts[id >> LEAF_BITS]);
    free(m->all);
    free(m->accounts);
    memory_map_fini(&m->names);
    memory_map_fini(&m->imported);
    memory_map_fini(&m->mailboxes);
    memory_map_fini(&m->subscriptions);
}
