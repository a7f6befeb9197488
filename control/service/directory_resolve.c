/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/directory_resolve.h"

#include <pthread.h>

#include "control/directory/directory_row.h"
#include "control/log/log.h"
#include "control/service/account_table.h"
#include "control/store/store_directory.h"
#include "proto/address/address.h"

enum { UNIQUE_ROW = 1 + 8 + 4 + ADDRESS_KEY_MAX };

static struct span domain_of(struct span key)
{
    size_t at = key.len;

    while (at > 0 && key.data[at - 1] != '@')
        at--;
    return span_skip(key, at);
}

static const struct account_table *table_of(const struct directory_chain *chain)
{
    int place = directory_chain_find(chain, "yaml");

    return place < 0 ? NULL
                     : (const struct account_table *)directory_chain_at(chain, (uint32_t)place);
}

static uint64_t put(struct store *store, const struct directory_member *m, uint64_t quota)
{
    struct store_account account = {.key = m->key, .quota_octets = quota};
    uint64_t tenant, id = 0;

    if (store_tenant_put(store, m->policy.tenant, &tenant) != STORE_OK ||
        store_domain_put(store, tenant, domain_of(m->key), m->policy.class, &account.domain) !=
            STORE_OK)
        return 0;
    return store_account_put(store, &account, &id) == STORE_OK ? id : 0;
}

/* ---- accounts whose address changes ---- */

/* One at a time: each step is for itself on the disk, and the next one looks at what is there. */
static pthread_mutex_t renaming = PTHREAD_MUTEX_INITIALIZER;

struct unique_row {
    uint8_t key_bytes[1 + DIRECTORY_UNIQUE], bytes[UNIQUE_ROW];
    struct span key;
    struct directory_row_unique row; /* its id is 0 where there was none; borrows from `bytes` */
};

/* False: the store failed. One that is damaged is made anew. */
static bool find_unique(struct store *store, const struct directory_member *m, struct unique_row *u)
{
    struct writer key = writer_of(u->key_bytes, sizeof(u->key_bytes)),
                  value = writer_of(u->bytes, sizeof(u->bytes));
    enum store_status status;

    writer_byte(&key, DIRECTORY_ROW_UNIQUE);
    writer_span_put(&key, m->unique);
    u->key = writer_span(&key);
    status = store_directory_find(store, u->key, &value);
    if (status != STORE_OK || !directory_row_read_unique(writer_span(&value), &u->row))
        u->row = (struct directory_row_unique){.id = 0};
    return status == STORE_OK || status == STORE_NONE;
}

static bool put_unique(struct store *store, const struct unique_row *u, struct span key,
                       uint64_t id)
{
    uint8_t bytes[UNIQUE_ROW];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (id == u->row.id && span_equal(key, u->row.key))
        return true;
    directory_row_put_unique(&w, &(struct directory_row_unique){.id = id, .key = key});
    return !w.full &&
           store_directory_put(
               store, &(struct store_directory_row){.key = u->key, .value = writer_span(&w)}, 1,
               NULL, 0) == STORE_OK;
}

/* What an account is called whose address is somebody else's now: its mailbox is nobody's until the
 * directory gives it another address, and can be erased by that name. */
static struct span former(struct writer *w, uint64_t id, struct span key)
{
    w->len = 0;
    writer_printf(w, "former-account-%llu@", (unsigned long long)id);
    writer_span_put(w, domain_of(key));
    return writer_span(w);
}

static bool is_known_by(struct store *store, uint64_t id, struct span name)
{
    uint64_t found;

    return store_account_find(store, name, &found) == STORE_OK && found == id;
}

/* Takes an address from the account that has it, if one does. False: the store failed. */
static bool vacate(struct store *store, struct span key)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct span name;
    uint64_t id;
    enum store_status status = store_account_find(store, key, &id);

    if (status != STORE_OK)
        return status == STORE_NONE;
    name = former(&w, id, key);
    if (store_account_rename(store, id, key, name) != STORE_OK)
        return false;
    LOG(WARNING, "%.*s is somebody else's address now; the account that had it is %.*s",
        (int)key.len, key.data, (int)name.len, name.data);
    return true;
}

/* Makes `key` the address of the account `id`, which was known by `before`; one that is not there
 * any more has none. False: the store failed. */
static bool move(struct store *store, struct span key, uint64_t id, struct span before)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (!is_known_by(store, id, before))
        before = former(&w, id, before);
    if (!is_known_by(store, id, before))
        return true;
    if (!vacate(store, key) || store_account_rename(store, id, before, key) != STORE_OK)
        return false;
    LOG(INFO, "the account %.*s is %.*s now", (int)before.len, before.data, (int)key.len, key.data);
    return true;
}

/* The account that the member's entry led to before, under its address of now. An entry that is
 * seen for the first time has the account of its address, and so have two that both name it. */
static uint64_t put_moved(struct store *store, const struct directory_member *m, uint64_t quota)
{
    struct unique_row u;
    uint64_t id = 0;

    pthread_mutex_lock(&renaming);
    if (find_unique(store, m, &u) &&
        (!u.row.id || span_equal(u.row.key, m->key) || is_known_by(store, u.row.id, m->key) ||
         move(store, m->key, u.row.id, u.row.key)))
        id = put(store, m, quota);
    if (id && !put_unique(store, &u, m->key, id))
        id = 0;
    pthread_mutex_unlock(&renaming);
    return id;
}

enum directory_result directory_resolve(struct directory_chain *chain, struct store *store,
                                        uint64_t quota_default, struct directory_member *m)
{
    const struct account_table *table = table_of(chain);

    if (!m->policy.known && (!table || !account_table_policy(table, domain_of(m->key), &m->policy)))
        return DIRECTORY_NOBODY;
    if (!m->mailbox.len)
        m->mailbox = m->key;
    if (!m->id) {
        uint64_t quota = m->quota == DIRECTORY_QUOTA_DEFAULT ? quota_default : m->quota;

        m->id = m->unique.len ? put_moved(store, m, quota) : put(store, m, quota);
    }
    return m->id ? DIRECTORY_FOUND : DIRECTORY_UNAVAILABLE;
}

/* ---- accounts that are erased ---- */

enum { FORGET = 16 };

struct forgetting {
    uint64_t account;
    uint32_t count;
    uint8_t keys[FORGET][1 + DIRECTORY_UNIQUE];
    struct store_directory_row rows[FORGET]; /* to be removed */
};

static bool note(void *context, const struct store_directory_row *row)
{
    struct forgetting *f = context;
    struct directory_row_unique u;

    if (row->key.data[0] != DIRECTORY_ROW_UNIQUE)
        return false;
    if (row->key.len != sizeof(f->keys[0]) || !directory_row_read_unique(row->value, &u) ||
        u.id != f->account)
        return true;
    memcpy(f->keys[f->count], row->key.data, row->key.len);
    f->rows[f->count].key = span_of(f->keys[f->count], row->key.len);
    f->count++;
    return f->count < FORGET;
}

enum store_status directory_resolve_forget(struct store *store, uint64_t account)
{
    static const uint8_t first = DIRECTORY_ROW_UNIQUE;
    enum store_status status = STORE_OK;
    struct forgetting f;

    pthread_mutex_lock(&renaming);
    do {
        f = (struct forgetting){.account = account};
        status = store_directory_walk(store, span_of(&first, 1), note, &f);
        if (status == STORE_OK && f.count)
            status = store_directory_put(store, f.rows, f.count, NULL, 0);
    } while (status == STORE_OK && f.count == FORGET);
    pthread_mutex_unlock(&renaming);
    return status;
}
