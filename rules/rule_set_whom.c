/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "proto/address/address.h"
#include "rules/rule_set_inside.h"

/* Whom rules are for: the domains and tenants that they name. */

static int compare_names(const void *left, const void *right)
{
    return rule_plan_compare(*(const struct span *)left, *(const struct span *)right);
}

static int compare_ids(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

bool rule_domain_key(struct span domain, struct writer *key)
{
    struct address a;
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer whole = writer_of(text, sizeof text);

    if (address_domain(domain, ADDRESS_ALLOW_UTF8, &a) != ADDRESS_OK)
        return false;
    a.local = span_of(NULL, 0);
    if (!address_key(&whole, &a, true))
        return false;
    /* Without the "@" in front. */
    writer_span_put(key, span_skip(writer_span(&whole), 1));
    return !key->full;
}

static bool tenant_key(struct span tenant, struct writer *key)
{
    writer_span_put(key, tenant);
    return !key->full;
}

/* What a list of one kind is made from. */
struct listing {
    struct rule_set_names *names;
    bool (*key)(struct span name, struct writer *key);
    bool tenants;
};

static const struct span *named(const struct listing *l, const struct rule *rule, size_t *count_out)
{
    *count_out = l->tenants ? rule->tenant_count : rule->domain_count;
    return l->tenants ? rule->tenants : rule->domains;
}

static bool add(const struct listing *l, struct span name)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer key = writer_of(text, sizeof text);
    uint8_t *kept = l->key(name, &key) ? malloc(key.len + 1) : NULL;

    if (!kept)
        return false;
    memcpy(kept, text, key.len);
    l->names->names[l->names->count++] = span_of(kept, key.len);
    return true;
}

static void sort(struct rule_set_names *n)
{
    size_t kept = 0;

    qsort(n->names, n->count, sizeof *n->names, compare_names);
    for (size_t i = 0; i < n->count; i++) {
        if (kept && span_equal(n->names[kept - 1], n->names[i]))
            free((void *)n->names[i].data);
        else
            n->names[kept++] = n->names[i];
    }
    n->count = kept;
}

static uint32_t find(const struct listing *l, struct span name)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer writer = writer_of(text, sizeof text);
    const struct rule_set_names *n = l->names;
    const struct span *found;
    struct span key;

    if (n->count == 0 || !l->key(name, &writer))
        return RULE_DOMAIN_OTHER;
    key = writer_span(&writer);
    found = bsearch(&key, n->names, n->count, sizeof key, compare_names);
    return found ? (uint32_t)(found - n->names) + 1 : RULE_DOMAIN_OTHER;
}

/* All names that rules have, each once. False: no memory. */
static bool list(const struct listing *l, const struct rule_set_source *source)
{
    size_t all = 0, count;

    for (size_t r = 0; r < source->count; r++) {
        named(l, &source->rules[r], &count);
        all += count;
    }
    l->names->names = calloc(all + 1, sizeof *l->names->names);
    l->names->ids = calloc(all + 1, sizeof *l->names->ids);
    if (!l->names->names || !l->names->ids)
        return false;
    for (size_t r = 0; r < source->count; r++) {
        const struct span *names = named(l, &source->rules[r], &count);

        for (size_t i = 0; i < count; i++)
            if (!add(l, names[i]))
                return false;
    }
    sort(l->names);
    return true;
}

/* The ids of a rule's names go behind those of the rules before it. */
static struct rule_set_whom whom_of(const struct listing *l, const struct rule *rule,
                                    uint32_t *first)
{
    size_t count;
    const struct span *names = named(l, rule, &count);
    struct rule_set_whom whom = {.first = *first, .count = (uint16_t)count};

    for (size_t i = 0; i < count; i++)
        l->names->ids[(*first)++] = find(l, names[i]);
    qsort(l->names->ids + whom.first, count, sizeof *l->names->ids, compare_ids);
    return whom;
}

bool rule_set_whom(struct rule_set *set, const struct rule_set_source *source)
{
    struct listing domains = {.names = &set->domains, .key = rule_domain_key};
    struct listing tenants = {.names = &set->tenants, .key = tenant_key, .tenants = true};
    uint32_t first = 0, first_tenant = 0;

    if (!list(&domains, source) || !list(&tenants, source))
        return false;
    for (size_t r = 0; r < source->count; r++) {
        struct rule_set_slot *slot = &set->slots[r];

        slot->domains = whom_of(&domains, &source->rules[r], &first);
        slot->domains.except = source->rules[r].except;
        slot->tenants = whom_of(&tenants, &source->rules[r], &first_tenant);
        slot->tenants.except = source->rules[r].except_tenants;
    }
    return true;
}

static void free_names(struct rule_set_names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free((void *)n->names[i].data);
    free(n->names);
    free(n->ids);
}

void rule_set_whom_free(struct rule_set *set)
{
    free_names(&set->domains);
    free_names(&set->tenants);
    free_names(&set->tags);
}

uint32_t rule_set_domain(const struct rule_set *set, struct span domain)
{
    struct rule_set_names names = set->domains;

    return find(&(struct listing){.names = &names, .key = rule_domain_key}, domain);
}

uint32_t rule_set_tenant(const struct rule_set *set, struct span tenant)
{
    struct rule_set_names names = set->tenants;

    return find(&(struct listing){.names = &names, .key = tenant_key}, tenant);
}
