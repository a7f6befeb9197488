/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/config/config_option.h"
#include "control/config/config_settings.h"
#include "proto/address/address.h"

/* What one option alone does not show: names that stand twice, addresses without a domain, options that need each other. */

static uint32_t line_of(const uint32_t *lines, const char *path)
{
    for (uint32_t i = 0; i < config_option_count; i++)
        if (strcmp(config_options[i].path, path) == 0)
            return lines[i];
    return 0;
}

/* A key with what it stands for. */
struct named {
    struct span key;
    uint32_t line;
    uint32_t index;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = n ? memcmp(x->key.data, y->key.data, n) : 0;

    if (order)
        return order;
    if (x->key.len != y->key.len)
        return x->key.len < y->key.len ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* Sorts; what stands twice is refused where it stands again. */
static void refuse_twins(struct named *names, uint32_t n, const char *option, const char *path,
                         struct config_errors *errors)
{
    if (n)
        qsort(names, n, sizeof(*names), compare_named);
    for (uint32_t i = 1; i < n; i++)
        if (span_equal(names[i].key, names[i - 1].key))
            config_error(errors, path, names[i].line, "%s: expected each once; %.*s stands in line %u already",
                         option, (int)names[i].key.len, (const char *)names[i].key.data,
                         names[i - 1].line);
}

static bool take_key(struct config_memory *memory, const char *text,
                     bool (*key)(struct writer *w, struct span text), struct span *key_out)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    uint8_t *copy;

    if (!key(&w, span_text(text)))
        return false;
    copy = config_memory_take(memory, w.len);
    if (!copy)
        return false;
    memcpy(copy, bytes, w.len);
    *key_out = span_of(copy, w.len);
    return true;
}

static void check_engine(const struct config *config, const char *path, const uint32_t *lines,
                         struct config_errors *errors)
{
    bool eal = config->engine.pmd == CONFIG_PMD_EAL;
    uint32_t line = line_of(lines, "engine.pmd");

    if (!line)
        line = line_of(lines, "engine");
    if (eal && !config->engine.device[0])
        config_error(errors, path, line, "engine.device: expected a device as DPDK names it, since pmd is eal; it is missing");
    if (!eal && !config->engine.interface[0])
        config_error(errors, path, line, "engine.interface: expected the name of a kernel interface; it is missing");
}

bool config_network_contains(const struct config_network *network, const struct ip_address *a)
{
    bool v4 = ip_address_is_v4(&network->address);
    unsigned bits = network->prefix + (v4 ? 96U : 0U);

    if (v4 != ip_address_is_v4(a))
        return false;
    for (unsigned i = 0; i < bits; i++)
        if ((network->address.bytes[i / 8] ^ a->bytes[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

/* An address that a host may have: no group, not unspecified, not of the loopback. */
static bool host_address(const struct ip_address *a)
{
    static const uint8_t none[16], loopback[16] = {[15] = 1};

    if (ip_address_is_v4(a))
        return a->bytes[12] != 0 && a->bytes[12] != 127 && a->bytes[12] < 224;
    return a->bytes[0] != 0xff && memcmp(a->bytes, none, 16) != 0 && memcmp(a->bytes, loopback, 16) != 0;
}

static const char *address_text(const struct ip_address *a, char text_out[IP_ADDRESS_TEXT + 1])
{
    struct writer w = writer_of(text_out, IP_ADDRESS_TEXT);

    ip_address_put(&w, a);
    text_out[w.len] = 0;
    return text_out;
}

static void check_network(const struct config *config, const char *path, const uint32_t *lines,
                          struct config_errors *errors)
{
    const struct config_ports *ports = &config->network;
    uint32_t line = line_of(lines, "network.addresses");
    char text[IP_ADDRESS_TEXT + 1];

    for (uint32_t i = 0; i < ports->addresses_count; i++) {
        const struct ip_address *a = &ports->addresses[i].address;

        if (!host_address(a))
            config_error(errors, path, line, "network.addresses: expected addresses that a host may have; found %s", address_text(a, text));
        for (uint32_t j = 0; j < i; j++)
            if (ip_address_equal(a, &ports->addresses[j].address))
                config_error(errors, path, line, "network.addresses: expected each once; %s stands twice", address_text(a, text));
    }
    for (uint32_t i = 0; i < ports->gateways_count; i++) {
        bool inside = false;

        for (uint32_t j = 0; j < ports->addresses_count; j++)
            inside |= config_network_contains(&ports->addresses[j], &ports->gateways[i]) &&
                      !ip_address_equal(&ports->addresses[j].address, &ports->gateways[i]);
        if (!inside)
            config_error(errors, path, line_of(lines, "network.gateways"),
                         "network.gateways: expected a neighbour inside the prefix of one of our addresses; found %s",
                         address_text(&ports->gateways[i], text));
    }
}

static void check_listeners(const struct config *config, const char *path, struct config_errors *errors)
{
    for (uint32_t i = 0; i < config->listeners_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (config->listeners[i].port == config->listeners[j].port)
                config_error(errors, path, config->listeners[i].line,
                             "listeners[].port: expected each once; %u stands in line %u already",
                             config->listeners[i].port, config->listeners[j].line);
}

static struct named *named_domains(struct config *config, const char *path, struct config_errors *errors)
{
    struct named *names = config_memory_take(config->memory, config->domains_count * sizeof(*names));

    for (uint32_t i = 0; names && i < config->domains_count; i++) {
        const struct config_domain *domain = &config->domains[i];

        if (!take_key(config->memory, domain->name, config_domain_key, &names[i].key))
            return NULL;
        names[i].line = domain->line;
        names[i].index = i;
        if (domain->quarantine_score > domain->reject_score && domain->reject_score != CONFIG_SCORE_OFF &&
            domain->quarantine_score != CONFIG_SCORE_OFF)
            config_error(errors, path, domain->line,
                         "domains[].quarantine_score: expected at most the reject_score");
    }
    return names;
}

/* Behind the last "@" of a key; a local part may have one too. */
static struct span key_domain(struct span key)
{
    const uint8_t *at = memrchr(key.data, '@', key.len);

    return at ? span_between(at + 1, key.data + key.len) : span_of(NULL, 0);
}

/* By name; the names are sorted. */
static const struct named *find_named(const struct named *names, uint32_t n, struct span key)
{
    uint32_t low = 0;

    while (low < n) {
        uint32_t middle = low + (n - low) / 2;
        struct named probe = {.key = key, .line = names[middle].line};
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

static bool check_accounts(struct config *config, const struct named *domains, const char *path,
                           struct config_errors *errors)
{
    struct named *names = config_memory_take(config->memory, config->accounts_count * sizeof(*names));

    for (uint32_t i = 0; names && i < config->accounts_count; i++) {
        struct config_account *account = &config->accounts[i];
        const struct named *domain;
        struct span wanted;

        if (!take_key(config->memory, account->address, config_address_key, &names[i].key))
            return false;
        names[i].line = account->line;
        wanted = key_domain(names[i].key);
        domain = find_named(domains, config->domains_count, wanted);
        if (!domain || config->domains[domain->index].class != DIRECTORY_LOCAL)
            config_error(errors, path, account->line,
                         "accounts[].address: expected a domain that is listed as local; %.*s is not",
                         (int)wanted.len, (const char *)wanted.data);
        else
            account->domain = domain->index;
    }
    if (names)
        refuse_twins(names, config->accounts_count, "accounts[].address", path, errors);
    return names != NULL;
}

bool config_check(struct config *config, const char *path, const uint32_t *lines, struct config_errors *errors)
{
    uint64_t entries = (uint64_t)config->domains_count + config->accounts_count;
    struct named *domains;

    check_engine(config, path, lines, errors);
    check_network(config, path, lines, errors);
    check_listeners(config, path, errors);
    if (entries > (uint64_t)config->engine.directory)
        config_error(errors, path, line_of(lines, "engine.directory"),
                     "engine.directory: expected room for all domains and accounts, %llu in all",
                     (unsigned long long)entries);
    domains = named_domains(config, path, errors);
    if (domains)
        refuse_twins(domains, config->domains_count, "domains[].name", path, errors);
    if (!domains || !check_accounts(config, domains, path, errors)) {
        config_error(errors, path, 0, "out of memory");
        return false;
    }
    return true;
}
