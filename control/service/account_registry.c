/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/account_registry.h"

#include <stdlib.h>

#include "control/config/config_settings.h"
#include "proto/address/address.h"

struct registered_tenant {
    uint64_t id;
    struct span name; /* the configuration's */
};

struct registered_domain {
    uint64_t id;
    size_t len;
    uint8_t key[ADDRESS_DOMAIN_MAX];
};

struct account_registry {
    struct store *store;
    uint64_t quota;
    struct registered_tenant *tenants; /* in the configuration's order, which is ascending */
    size_t tenant_count;
    size_t count;
    struct registered_domain domains[]; /* ascending, for bsearch() */
};

static int compare(const void *a_, const void *b_)
{
    const struct registered_domain *a = a_, *b = b_;
    int order = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);

    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_tenants(const void *a_, const void *b_)
{
    const struct span a = ((const struct registered_tenant *)a_)->name;
    const struct span b = ((const struct registered_tenant *)b_)->name;
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

uint64_t account_registry_tenant(void *registry, struct span name)
{
    const struct account_registry *r = registry;
    const struct registered_tenant wanted = {.name = name}, *found;

    found = bsearch(&wanted, r->tenants, r->tenant_count, sizeof(wanted), compare_tenants);
    return found ? found->id : 0;
}

static bool put_tenants(struct account_registry *r, const struct config *config)
{
    r->tenants = calloc(config->tenants_count + 1, sizeof(*r->tenants));
    if (!r->tenants)
        return false;
    for (uint32_t i = 0; i < config->tenants_count; i++) {
        struct registered_tenant *t = &r->tenants[r->tenant_count++];

        t->name = config->tenants[i];
        if (store_tenant_put(r->store, t->name, &t->id) != STORE_OK)
            return false;
    }
    return true;
}

static bool put_domain(struct account_registry *r, const struct config_domain *domain)
{
    uint64_t tenant = account_registry_tenant(r, span_text(domain->tenant));
    struct registered_domain *d = &r->domains[r->count++];
    struct writer key = writer_of(d->key, sizeof(d->key));

    if (!config_domain_key(&key, span_text(domain->name)))
        return false;
    d->len = key.len;
    return store_domain_put(r->store, tenant, writer_span(&key), (uint8_t)domain->class, &d->id) ==
           STORE_OK;
}

struct account_registry *account_registry_new(struct store *store, const struct config *config)
{
    struct account_registry *r =
        calloc(1, sizeof(*r) + config->domains_count * sizeof(r->domains[0]));
    bool ok;

    if (!r)
        return NULL;
    r->store = store;
    r->quota = (uint64_t)config->store.quota;
    ok = put_tenants(r, config);
    for (uint32_t i = 0; i < config->domains_count && ok; i++)
        ok = put_domain(r, &config->domains[i]);
    if (!ok) {
        account_registry_free(r);
        return NULL;
    }
    qsort(r->domains, r->count, sizeof(r->domains[0]), compare);
    return r;
}

void account_registry_free(struct account_registry *registry)
{
    if (registry)
        free(registry->tenants);
    free(registry);
}

static const struct registered_domain *domain_of(const struct account_registry *r, struct span key)
{
    struct registered_domain wanted = {0};
    size_t at = key.len;

    while (at > 0 && key.data[at - 1] != '@')
        at--;
    if (at == 0 || key.len - at > sizeof(wanted.key))
        return NULL;
    wanted.len = key.len - at;
    memcpy(wanted.key, key.data + at, wanted.len);
    return bsearch(&wanted, r->domains, r->count, sizeof(r->domains[0]), compare);
}

uint64_t account_registry_id(void *registry, struct span key)
{
    struct account_registry *r = registry;
    const struct registered_domain *domain = domain_of(r, key);
    struct store_account account = {.key = key, .quota_octets = r->quota};
    uint64_t id = 0;

    if (!domain)
        return 0;
    account.domain = domain->id;
    return store_account_put(r->store, &account, &id) == STORE_OK ? id : 0;
}

/* In a tenant and a domain of its own: no name of the configuration has brackets. */
uint64_t account_registry_queue(struct account_registry *registry)
{
    struct span name = span_text(STORE_QUEUE);
    struct store_account account = {.key = name};
    uint64_t tenant, id = 0;

    if (store_tenant_put(registry->store, name, &tenant) != STORE_OK ||
        store_domain_put(registry->store, tenant, name, DIRECTORY_LOCAL, &account.domain) !=
            STORE_OK)
        return 0;
    return store_account_put(registry->store, &account, &id) == STORE_OK ? id : 0;
}
