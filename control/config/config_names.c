/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/config/config_names.h"
#include "control/config/config_settings.h"
#include "proto/address/address.h"

static int compare_named(const void *a, const void *b)
{
    const struct config_name *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = n ? memcmp(x->key.data, y->key.data, n) : 0;

    if (order)
        return order;
    if (x->key.len != y->key.len)
        return x->key.len < y->key.len ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* By name; the names are sorted. */
static const struct config_name *find_named(const struct config_name *names, uint32_t n,
                                            struct span key)
{
    uint32_t low = 0;

    while (low < n) {
        uint32_t middle = low + (n - low) / 2;
        struct config_name probe = {.key = key, .line = names[middle].line};
        int order = compare_named(&probe, &names[middle]);

        if (order == 0)
            return &names[middle];
        if (order < 0)
            n = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static struct span keep(struct config *config, struct span bytes)
{
    uint8_t *copy = config_memory_take(config->memory, bytes.len);

    if (!copy)
        return span_of(NULL, 0);
    memcpy(copy, bytes.data, bytes.len);
    return span_of(copy, bytes.len);
}

static bool is_local(const struct config_names *names, const struct config_name *domain)
{
    return domain && names->config->domains[domain->index].class == DIRECTORY_LOCAL;
}

/*
 * The key of an address into `text_out`, folded as its domain says; a postmaster is one in every
 * spelling. *domain_out: NULL where the domain is not listed.
 */
static struct span key_of(const struct config_names *names, const char *address,
                          uint8_t text_out[ADDRESS_KEY_MAX], const struct config_name **domain_out)
{
    struct writer w = writer_of(text_out, ADDRESS_KEY_MAX);
    const struct config *config = names->config;
    struct span user;

    *domain_out = NULL;
    if (!config_address_key(&w, span_text(address), false))
        return span_of(NULL, 0);
    /* The last one: a quoted local part may have an "@" too. */
    user = span_between(text_out, (const uint8_t *)memrchr(text_out, '@', w.len));
    *domain_out =
        find_named(names->domains, config->domains_count, span_skip(writer_span(&w), user.len + 1));
    if (!*domain_out || !config->domains[(*domain_out)->index].case_sensitive || address_role(user))
        for (size_t i = 0; i < user.len; i++)
            text_out[i] = ascii_lower(text_out[i]);
    return writer_span(&w);
}

const struct config_name *config_names_find(const struct config_names *names, const char *address,
                                            bool *local_out)
{
    uint8_t text[ADDRESS_KEY_MAX];
    const struct config_name *domain;
    struct span key = key_of(names, address, text, &domain);

    *local_out = is_local(names, domain);
    return find_named(names->addresses, names->addresses_count, key);
}

const struct config_name *config_names_find_key(const struct config_names *names, struct span key)
{
    return find_named(names->addresses, names->addresses_count, key);
}

bool config_names_lists(const struct config_names *names, struct span domain)
{
    return find_named(names->domains, names->config->domains_count, domain) != NULL;
}

static void check_domain(const struct config_names *names, const struct config_domain *domain)
{
    if (domain->quarantine_score > domain->reject_score &&
        domain->reject_score != CONFIG_SCORE_OFF && domain->quarantine_score != CONFIG_SCORE_OFF)
        config_error(names->errors, names->path, domain->line,
                     "domains[].quarantine_score: expected at most the reject_score");
    if (domain->detail_separator[0] && !strchr("+-_.=#~", domain->detail_separator[0]))
        config_error(names->errors, names->path, domain->line,
                     "domains[].detail_separator: expected one of + - _ . = # ~ or nothing");
}

/* Sorts; what stands twice is refused where it stands again. */
static void sort_domains(const struct config_names *names)
{
    struct config_name *domains = names->domains;

    qsort(domains, names->config->domains_count, sizeof(*domains), compare_named);
    for (uint32_t i = 1; i < names->config->domains_count; i++)
        if (span_equal(domains[i].key, domains[i - 1].key))
            config_error(names->errors, names->path, domains[i].line,
                         "domains[].name: expected each once; %.*s stands in line %u already",
                         (int)domains[i].key.len, (const char *)domains[i].key.data,
                         domains[i - 1].line);
}

static bool name_domains(struct config_names *names)
{
    struct config *config = names->config;

    names->domains =
        config_memory_take(config->memory, config->domains_count * sizeof(*names->domains));
    for (uint32_t i = 0; names->domains && i < config->domains_count; i++) {
        struct config_domain *domain = &config->domains[i];
        uint8_t text[ADDRESS_KEY_MAX];
        struct writer w = writer_of(text, sizeof(text));

        if (config_domain_key(&w, span_text(domain->name)))
            domain->key = keep(config, writer_span(&w));
        if (!domain->key.data)
            return false;
        names->domains[i] =
            (struct config_name){.key = domain->key, .line = domain->line, .index = i};
        check_domain(names, domain);
    }
    if (names->domains && config->domains_count)
        sort_domains(names);
    return names->domains != NULL;
}

static int compare_spans(const void *a, const void *b)
{
    const struct config_name x = {.key = *(const struct span *)a};
    const struct config_name y = {.key = *(const struct span *)b};

    return compare_named(&x, &y);
}

/* The domains' keys side by side. False: no memory. */
static bool list_domains(struct config *config)
{
    config->domain_keys = config_memory_take(config->memory, (config->domains_count + 1) *
                                                                 sizeof(*config->domain_keys));
    for (uint32_t i = 0; config->domain_keys && i < config->domains_count; i++)
        config->domain_keys[i] = config->domains[i].key;
    return config->domain_keys != NULL;
}

/* Each tenant once, sorted. False: no memory. */
static bool name_tenants(struct config *config)
{
    config->tenants =
        config_memory_take(config->memory, (config->domains_count + 1) * sizeof(*config->tenants));
    if (!config->tenants)
        return false;
    for (uint32_t i = 0; i < config->domains_count; i++)
        config->tenants[i] = span_text(config->domains[i].tenant);
    qsort(config->tenants, config->domains_count, sizeof(*config->tenants), compare_spans);
    for (uint32_t i = 0; i < config->domains_count; i++)
        if (config->tenants_count == 0 ||
            !span_equal(config->tenants[config->tenants_count - 1], config->tenants[i]))
            config->tenants[config->tenants_count++] = config->tenants[i];
    return true;
}

/* Adds an address to the names. False: no memory. */
static bool name_address(struct config_names *names, const char *option, const char *address,
                         struct config_name *named, uint32_t *domain_out)
{
    uint8_t text[ADDRESS_KEY_MAX];
    const struct config_name *domain;
    struct span key = key_of(names, address, text, &domain), wanted;

    named->key = keep(names->config, key);
    if (!named->key.data)
        return false;
    wanted =
        span_skip(key, (size_t)((const uint8_t *)memrchr(key.data, '@', key.len) - key.data) + 1);
    if (!is_local(names, domain))
        config_error(names->errors, names->path, named->line,
                     "%s: expected a domain that is listed as local; %.*s is not", option,
                     (int)wanted.len, (const char *)wanted.data);
    else
        *domain_out = domain->index;
    return true;
}

/* The address that Delivered-To names. */
static struct span mailbox_of(struct config *config, const char *address, uint32_t domain,
                              struct span key)
{
    uint8_t text[2 * ADDRESS_KEY_MAX];
    struct writer w = writer_of(text, sizeof(text));

    if (!config->domains_count)
        return key;
    writer_span_put(&w, span_of(address, (size_t)(strrchr(address, '@') + 1 - address)));
    writer_span_put(&w, config->domains[domain].key);
    return keep(config, writer_span(&w));
}

static void sort_addresses(const struct config_names *names)
{
    struct config_name *all = names->addresses;

    qsort(all, names->addresses_count, sizeof(*all), compare_named);
    for (uint32_t i = 1; i < names->addresses_count; i++)
        if (span_equal(all[i].key, all[i - 1].key))
            config_error(names->errors, names->path, all[i].line,
                         "%s[].address: expected each once; %.*s stands in line %u already",
                         all[i].index < names->config->accounts_count ? "accounts" : "aliases",
                         (int)all[i].key.len, (const char *)all[i].key.data, all[i - 1].line);
}

static bool name_addresses(struct config_names *names)
{
    struct config *config = names->config;
    struct config_name *named;

    names->addresses_count = config->accounts_count + config->aliases_count;
    named = names->addresses =
        config_memory_take(config->memory, names->addresses_count * sizeof(*named));
    if (!named)
        return false;
    for (uint32_t i = 0; i < config->accounts_count; i++, named++) {
        struct config_account *account = &config->accounts[i];

        *named = (struct config_name){.line = account->line, .index = i};
        if (!name_address(names, "accounts[].address", account->address, named, &account->domain))
            return false;
        account->key = named->key;
        account->mailbox = mailbox_of(config, account->address, account->domain, account->key);
    }
    for (uint32_t i = 0; i < config->aliases_count; i++, named++) {
        struct config_alias *alias = &config->aliases[i];

        *named = (struct config_name){.line = alias->line, .index = config->accounts_count + i};
        if (!name_address(names, "aliases[].address", alias->address, named, &alias->domain))
            return false;
        alias->key = named->key;
        alias->mailbox = mailbox_of(config, alias->address, alias->domain, alias->key);
    }
    if (names->addresses_count)
        sort_addresses(names);
    return true;
}

bool config_names_make(struct config_names *names)
{
    return name_domains(names) && list_domains(names->config) && name_tenants(names->config) &&
           name_addresses(names);
}
