/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/directory_resolve.h"

#include "control/service/account_table.h"
#include "proto/address/address.h"

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

enum directory_result directory_resolve(struct directory_chain *chain, struct store *store,
                                        uint64_t quota_default, struct directory_member *m)
{
    const struct account_table *table = table_of(chain);

    if (m->elsewhere && (!table || !account_table_member(table, m->key, m)))
        return DIRECTORY_NOBODY;
    if (!m->policy.known && (!table || !account_table_policy(table, domain_of(m->key), &m->policy)))
        return DIRECTORY_NOBODY;
    if (!m->mailbox.len)
        m->mailbox = m->key;
    if (!m->id)
        m->id = put(store, m, m->quota == DIRECTORY_QUOTA_DEFAULT ? quota_default : m->quota);
    return m->id ? DIRECTORY_FOUND : DIRECTORY_UNAVAILABLE;
}
