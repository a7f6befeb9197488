/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_names.h"
#include "dataplane/handoff/directory.h"
#include "proto/address/address.h"

/*
 * What aliases, catch-alls and the roles of a domain lead to, all the way to the accounts. In
 * rounds: an alias is resolved in the first round in which all its members are, so that loops need
 * no search and depth is counted by the way.
 */
enum { ROUNDS = 16, WALK = 100, NOWHERE = -1 };

struct resolver {
    const struct config_names *names;
    struct config *config;
    uint8_t *round;    /* of each alias: in which it was resolved; 0: not yet */
    int64_t **members; /* of each alias: their index among the addresses, or NOWHERE */
    uint32_t *seen;    /* of each account: the alias it was counted for last, from 1 */
};

static void member_error(const struct resolver *r, const struct config_alias *alias,
                         const char *member, bool is_local)
{
    config_error(r->names->errors, r->names->path, alias->line,
                 is_local ? "aliases[].members: expected accounts or aliases; %s is neither"
                          : "aliases[].members: expected addresses in a domain that is listed as "
                            "local; %s is in none",
                 member);
}

/* False: no memory. */
static bool find_members(struct resolver *r)
{
    for (uint32_t i = 0; i < r->config->aliases_count; i++) {
        const struct config_alias *alias = &r->config->aliases[i];

        r->members[i] =
            config_memory_take(r->config->memory, alias->members_count * sizeof(**r->members));
        if (!r->members[i])
            return false;
        for (uint32_t k = 0; k < alias->members_count; k++) {
            bool is_local;
            const struct config_name *name =
                config_names_find(r->names, alias->members[k], &is_local);

            r->members[i][k] = name ? (int64_t)name->index : NOWHERE;
            if (!name)
                member_error(r, alias, alias->members[k], is_local);
        }
    }
    return true;
}

/* The alias that an index stands for; NULL for an account. */
static struct config_alias *alias_at(const struct resolver *r, int64_t index)
{
    return index < r->config->accounts_count
               ? NULL
               : &r->config->aliases[index - r->config->accounts_count];
}

/* The first member that was not resolved before this round; NOWHERE: none. */
static int64_t open_member(const struct resolver *r, uint32_t alias, uint8_t round)
{
    for (uint32_t k = 0; k < r->config->aliases[alias].members_count; k++) {
        const struct config_alias *member = alias_at(r, r->members[alias][k]);
        uint8_t when = member ? r->round[member - r->config->aliases] : 1;

        if (member && (when == 0 || when == round))
            return member - r->config->aliases;
    }
    return NOWHERE;
}

/* What an alias leads to, as it is gathered. */
struct gathered {
    uint32_t alias;
    uint32_t at[DIRECTORY_ACCOUNTS], count;
    struct span elsewhere[DIRECTORY_ACCOUNTS];
    uint32_t elsewhere_count;
    uint32_t entries; /* of the directory: accounts, and all that is forwarded */
};

/* Adds the account unless it is there. False: there are too many. */
static bool add_account(struct resolver *r, struct gathered *g, uint32_t account)
{
    if (r->seen[account] == g->alias + 1)
        return true;
    g->entries += 1 + r->config->accounts[account].forward_count;
    if (g->entries > DIRECTORY_ACCOUNTS)
        return false;
    r->seen[account] = g->alias + 1;
    g->at[g->count++] = account;
    return true;
}

static bool add_elsewhere(struct gathered *g, struct span address)
{
    for (uint32_t i = 0; i < g->elsewhere_count; i++)
        if (span_equal(g->elsewhere[i], address))
            return true;
    if (++g->entries > DIRECTORY_ACCOUNTS)
        return false;
    g->elsewhere[g->elsewhere_count++] = address;
    return true;
}

static bool add_member(struct resolver *r, struct gathered *g, int64_t index)
{
    const struct config_alias *member = alias_at(r, index);
    bool fits = true;

    if (!member)
        return index == NOWHERE || add_account(r, g, (uint32_t)index);
    for (uint32_t i = 0; fits && i < member->accounts.count; i++)
        fits = add_account(r, g, member->accounts.at[i]);
    for (uint32_t i = 0; fits && i < member->accounts.elsewhere_count; i++)
        fits = add_elsewhere(g, member->accounts.elsewhere[i]);
    return fits;
}

/* False: no memory. */
static bool keep_accounts(struct config *config, const uint32_t *set, uint32_t count,
                          struct config_accounts *out)
{
    out->at = config_memory_take(config->memory, count * sizeof(*set));
    out->count = out->at ? count : 0;
    if (out->at && count)
        memcpy(out->at, set, count * sizeof(*set));
    return out->at != NULL;
}

static bool keep_gathered(struct config *config, const struct gathered *g,
                          struct config_alias *alias)
{
    struct config_accounts *out = &alias->accounts;
    size_t size = g->elsewhere_count * sizeof(*out->elsewhere);

    out->elsewhere = config_memory_take(config->memory, size);
    if (!out->elsewhere || !keep_accounts(config, g->at, g->count, out))
        return false;
    out->elsewhere_count = g->elsewhere_count;
    out->forwarder = alias->mailbox;
    if (size)
        memcpy(out->elsewhere, g->elsewhere, size);
    return true;
}

/* All its members are resolved. False: no memory. */
static bool resolve(struct resolver *r, uint32_t i)
{
    struct config_alias *alias = &r->config->aliases[i];
    struct gathered g = {.alias = i};
    bool fits = true;

    for (uint32_t k = 0; fits && k < alias->members_count; k++)
        fits = add_member(r, &g, r->members[i][k]);
    for (uint32_t k = 0; fits && k < alias->forward_count; k++)
        fits = add_elsewhere(&g, alias->elsewhere[k]);
    if (!fits)
        config_error(r->names->errors, r->names->path, alias->line,
                     "aliases[].members: expected at most %d accounts in the end; %s leads to more",
                     DIRECTORY_ACCOUNTS, alias->address);
    return keep_gathered(r->config, &g, alias);
}

/* Why it was not resolved: following what is open leads back to it, or too far. */
static void unresolved(const struct resolver *r, uint32_t alias)
{
    int64_t at = alias;

    for (int step = 0; step < WALK && at != NOWHERE; step++) {
        at = open_member(r, (uint32_t)at, 0);
        if (at == alias)
            break;
    }
    config_error(r->names->errors, r->names->path, r->config->aliases[alias].line,
                 at == alias
                     ? "aliases[].members: expected accounts in the end; %s leads back to itself"
                     : "aliases[].members: expected accounts in the end; %s leads through more "
                       "than 16 aliases",
                 r->config->aliases[alias].address);
}

static bool resolve_aliases(struct resolver *r)
{
    uint32_t n = r->config->aliases_count;

    for (uint8_t round = 1; round <= ROUNDS; round++)
        for (uint32_t i = 0; i < n; i++) {
            if (r->round[i] || open_member(r, i, round) != NOWHERE)
                continue;
            if (!resolve(r, i))
                return false;
            r->round[i] = round;
        }
    for (uint32_t i = 0; i < n; i++)
        if (!r->round[i])
            unresolved(r, i);
    return true;
}

/* What an account or alias leads to. */
static bool accounts_of(const struct resolver *r, const struct config_name *name,
                        struct config_accounts *out)
{
    const struct config_alias *alias = alias_at(r, name->index);

    if (!alias)
        return keep_accounts(r->config, &name->index, 1, out);
    *out = alias->accounts;
    return true;
}

static bool find_catch_all(const struct resolver *r, struct config_domain *domain)
{
    const struct config_name *name;
    bool is_local;

    if (!domain->catch_all[0])
        return true;
    name = config_names_find(r->names, domain->catch_all, &is_local);
    if (name)
        return accounts_of(r, name, &domain->caught);
    config_error(r->names->errors, r->names->path, domain->line,
                 "domains[].catch_all: expected an account or an alias; %s is neither",
                 domain->catch_all);
    return true;
}

/* Who hears at this name of each local domain (RFC 5321 section 4.5.1, RFC 2142 section 4). False:
 * no memory. */
static bool find_role(const struct resolver *r, const struct config_domain *domain,
                      const char *role, struct config_accounts *out)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer w = writer_of(text, sizeof(text));
    const struct config_name *name;

    writer_printf(&w, "%s@", role);
    writer_span_put(&w, domain->key);
    name = config_names_find_key(r->names, writer_span(&w));
    if (name)
        return accounts_of(r, name, out);
    *out = domain->caught;
    if (!domain->catch_all[0])
        config_error(
            r->names->errors, r->names->path, domain->line,
            "domains[].name: expected an account, an alias or a catch_all for %.*s; there is none",
            (int)w.len, (const char *)text);
    return true;
}

static bool check_domain(const struct resolver *r, struct config_domain *domain)
{
    if (!find_catch_all(r, domain))
        return false;
    return domain->class != DIRECTORY_LOCAL ||
           (find_role(r, domain, "postmaster", &domain->postmaster) &&
            find_role(r, domain, "abuse", &domain->abuse));
}

bool config_check_addresses(struct config *config, const char *path, struct config_errors *errors)
{
    struct config_names names = {.config = config, .path = path, .errors = errors};
    struct resolver r = {.names = &names, .config = config};

    r.round = config_memory_take(config->memory, config->aliases_count);
    r.members = config_memory_take(config->memory, config->aliases_count * sizeof(*r.members));
    r.seen = config_memory_take(config->memory, config->accounts_count * sizeof(*r.seen));
    if (!r.round || !r.members || !r.seen || !config_names_make(&names) ||
        !config_forwards_make(&names) || !find_members(&r) || !resolve_aliases(&r))
        return false;
    for (uint32_t i = 0; i < config->domains_count; i++)
        if (!check_domain(&r, &config->domains[i]))
            return false;
    return true;
}
