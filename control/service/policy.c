/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/policy.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <urcu-qsbr.h>

#include "control/config/config_settings.h"
#include "control/rulefile/rule_loader.h"
#include "control/service/account_registry.h"
#include "control/service/account_service.h"
#include "control/service/greylist_service.h"
#include "control/service/tls_service.h"
#include "control/tls/tls_contexts.h"
#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/known_table.h"
#include "dataplane/handoff/mailbox_table.h"
#include "dataplane/handoff/window_table.h"
#include "control/store/store_quarantine.h"

struct policy {
    struct policy_options options;
    struct rule_loader *loader;
    struct directory *directory;
    struct account_service *accounts;
    struct gauge_table *gauges; /* what limits are counted with, for as long as workers run */
    struct window_table *windows;
    struct mailbox_table *mailboxes; /* that are full, as the store says */
    struct known_table *known;       /* of greylisting */
    struct greylist_service *greylist;
    struct tls_service *tls;
    pthread_mutex_t lock;        /* of the next, for other threads */
    const struct config *config; /* in force */
    struct account_ids *served;  /* the accounts of it; like the next published by RCU */
    struct account_ids *coming;  /* those of one that is being put into force; or NULL */
    struct settings *settings;   /* published */
    uint64_t version;            /* the last that was tried */
};

static void put_full(void *context, const struct store_full *full)
{
    const struct mailbox_full entry = {.since_ms = full->since_ms, .room = full->room};

    /* Without a place there the commit refuses. */
    (void)mailbox_table_put(context, full->account, &entry);
}

struct policy *policy_new(const struct policy_options *options)
{
    struct policy *p = calloc(1, sizeof(*p));
    uint8_t secret[16];

    if (!p)
        return NULL;
    p->options = *options;
    pthread_mutex_init(&p->lock, NULL);
    p->loader = rule_loader_new();
    p->directory = directory_new(options->addresses_max);
    if (getrandom(secret, sizeof(secret), 0) == sizeof(secret))
        p->windows = window_table_new(options->counters, secret);
    p->gauges = gauge_table_new(2 * options->connections);
    p->mailboxes = mailbox_table_new(options->addresses_max);
    p->known = known_table_new(options->known);
    if (!p->loader || !p->directory || !p->windows || !p->gauges || !p->mailboxes || !p->known) {
        policy_free(p);
        return NULL;
    }
    store_full_watch(options->store, put_full, p->mailboxes);
    return p;
}

void policy_rule_options(const struct config *config, struct rule_loader_options *options_out)
{
    *options_out =
        (struct rule_loader_options){.files = (const char *const *)config->rules.files,
                                     .file_count = config->rules.files_count,
                                     .tenants = {config->tenants, config->tenants_count},
                                     .domains = {config->domain_keys, config->domains_count},
                                     .cache = config->rules.cache,
                                     .scan_ns = (uint64_t)config->rules.scan_time,
                                     .workers = (uint32_t)config->engine.workers,
                                     .streams = (uint32_t)config->rules.streams};
}

bool policy_check_rules(const struct config *config, struct writer *why)
{
    struct rule_loader_options options;

    policy_rule_options(config, &options);
    return rule_loader_check(&options, why);
}

/* Takes `ids`: workers may see these accounts from now on. */
static bool expect_accounts(struct policy *p, struct account_ids *ids)
{
    struct account_ids *before;

    pthread_mutex_lock(&p->lock);
    before = rcu_xchg_pointer(&p->coming, ids);
    pthread_mutex_unlock(&p->lock);
    if (before)
        synchronize_rcu();
    free(before);
    return ids != NULL;
}

static void set_secret(struct policy *p, struct account_table *accounts)
{
    uint8_t secret[STORE_SECRET];

    store_secret(p->options.store, secret);
    account_table_set_secret(accounts, secret);
    explicit_bzero(secret, sizeof(secret));
}

/* Settings and accounts of a configuration, both or none. Its addresses go into the directory. */
static bool make(struct policy *p, const struct config *config, struct rule_generation *rules,
                 struct settings **settings_out, struct account_table **accounts_out)
{
    struct account_registry *registry = account_registry_new(p->options.store, config);
    struct config_settings_source source = {.config = config,
                                            .version = ++p->version,
                                            .profile = p->options.profile,
                                            .directory = p->directory,
                                            .rules = rules,
                                            .gauges = p->gauges,
                                            .windows = p->windows,
                                            .mailboxes = p->mailboxes,
                                            .known = p->known,
                                            .account_id = account_registry_id,
                                            .tenant_id = account_registry_tenant,
                                            .context = registry};
    uint64_t queue;

    if (!registry)
        return false;
    queue = source.queue = account_registry_queue(registry);
    if (!queue) {
        account_registry_free(registry);
        return false;
    }
    *accounts_out = account_table_new(config, account_registry_id, registry);
    if (*accounts_out)
        set_secret(p, *accounts_out);
    *settings_out = *accounts_out && expect_accounts(p, account_table_ids(*accounts_out, queue))
                        ? config_settings(&source)
                        : NULL;
    account_registry_free(registry);
    if (*settings_out)
        return true;
    account_table_free(*accounts_out);
    return false;
}

/* Takes back what a configuration that cannot be put into force has already put into the directory.
 */
static void restore_directory(struct policy *p)
{
    struct settings *settings;
    struct account_table *accounts;

    if (!p->config || !make(p, p->config, p->settings->rules, &settings, &accounts))
        return;
    directory_sweep(p->directory, settings->version);
    free(settings);
    account_table_free(accounts);
}

static bool take_accounts(struct policy *p, struct account_table *accounts, struct writer *why)
{
    if (p->accounts) {
        account_service_swap(p->accounts, accounts);
        return true;
    }
    p->accounts = account_service_start(p->options.handoff, accounts);
    if (p->accounts)
        return true;
    writer_printf(why, "account service: %s\n", strerror(errno));
    account_table_free(accounts);
    return false;
}

static bool take_greylist(struct policy *p, const struct config *config, struct writer *why)
{
    struct greylist_service_options options = {.handoff = p->options.handoff,
                                               .store = p->options.store,
                                               .known = p->known,
                                               .names = p->windows};

    if (p->greylist)
        greylist_service_set(p->greylist, &config->greylist);
    else
        p->greylist = greylist_service_start(&options, &config->greylist);
    if (!p->greylist)
        writer_printf(why, "greylist service: %s\n", strerror(errno));
    return p->greylist != NULL;
}

/* What handshakes need of the configuration, not yet in force. NULL: lines in `why`. */
static struct tls_contexts *read_tls(struct policy *p, const struct config *config,
                                     struct writer *why)
{
    if (!p->tls)
        p->tls = tls_service_start(p->options.handoff, (uint32_t)config->tls.threads);
    if (!p->tls)
        writer_printf(why, "crypto service: %s\n", strerror(errno));
    return p->tls ? tls_service_read(p->tls, config, why) : NULL;
}

static void publish(struct policy *p, const struct config *config, struct settings *settings)
{
    struct settings *old = settings_publish(p->options.handoff, settings);
    struct account_ids *before = p->served;

    directory_sweep(p->directory, settings->version);
    if (old)
        rule_loader_retire(p->loader, old->rules);
    free(old);
    p->settings = settings;
    store_quarantine_limit(p->options.store, &(struct store_quarantine_limits){
                                                 .quota_octets = (uint64_t)config->quarantine.quota,
                                                 .full = (uint8_t)config->quarantine.full});
    pthread_mutex_lock(&p->lock);
    p->config = config;
    /* In this order: whoever finds none coming finds them served. */
    rcu_assign_pointer(p->served, p->coming);
    rcu_assign_pointer(p->coming, NULL);
    pthread_mutex_unlock(&p->lock);
    if (before)
        synchronize_rcu();
    free(before);
}

bool policy_apply(struct policy *p, const struct config *config, struct writer *why)
{
    struct rule_loader_options options;
    struct rule_generation *rules;
    struct account_table *accounts;
    struct settings *settings;
    struct tls_contexts *tls = read_tls(p, config, why);

    policy_rule_options(config, &options);
    if (!tls || !rule_loader_load(p->loader, &options, why, &rules)) {
        tls_contexts_free(tls);
        return false;
    }
    if (!make(p, config, rules, &settings, &accounts)) {
        writer_printf(why,
                      "domains and accounts cannot be set up: the store failed, or "
                      "engine.directory (%lld) is too small\n",
                      (long long)config->engine.directory);
        restore_directory(p);
        expect_accounts(p, NULL);
        rule_loader_retire(p->loader, rules);
        tls_contexts_free(tls);
        return false;
    }
    if (!take_accounts(p, accounts, why) || !take_greylist(p, config, why)) {
        expect_accounts(p, NULL);
        free(settings);
        rule_loader_retire(p->loader, rules);
        tls_contexts_free(tls);
        return false;
    }
    tls_service_swap(p->tls, tls);
    publish(p, config, settings);
    return true;
}

uint64_t policy_version(const struct policy *p)
{
    return p->settings ? p->settings->version : 0;
}

struct policy_values policy_values(struct policy *p)
{
    struct policy_values r = {0};

    pthread_mutex_lock(&p->lock);
    if (p->config) {
        r.quarantine_ms = (uint64_t)p->config->quarantine.expiry / 1000;
        r.audit_ms = (uint64_t)p->config->audit_retention / 1000;
        r.tombstone_ms = (uint64_t)p->config->store.tombstone_age / 1000;
        r.tombstones = (uint32_t)p->config->store.tombstones;
        r.message_size = (uint64_t)p->config->smtp.message_size;
        r.node = (uint16_t)p->config->engine.node;
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

char policy_detail_separator(struct policy *p, struct span key)
{
    char separator = 0;

    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; p->config && i < p->config->domains_count; i++) {
        const struct config_domain *domain = &p->config->domains[i];

        if (key.len > domain->key.len && key.data[key.len - domain->key.len - 1] == '@' &&
            span_equal(span_skip(key, key.len - domain->key.len), domain->key))
            separator = domain->detail_separator[0];
    }
    pthread_mutex_unlock(&p->lock);
    return separator;
}

bool policy_lists(struct policy *p, struct span key)
{
    bool found = false;

    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; p->config && i < p->config->accounts_count && !found; i++)
        found = span_equal(p->config->accounts[i].key, key);
    pthread_mutex_unlock(&p->lock);
    return found;
}

bool policy_serves_near(void *policy, const struct message *message)
{
    struct policy *p = policy;
    const struct account_ids *coming = __atomic_load_n(&p->coming, __ATOMIC_ACQUIRE);
    const struct account_ids *served = rcu_dereference(p->served);
    bool all = true;

    for (uint32_t i = 0; i < message->deliveries && all; i++)
        all = account_ids_has(served, message->delivery[i].account) ||
              account_ids_has(coming, message->delivery[i].account);
    return all;
}

bool policy_serves(void *policy, const struct message *message)
{
    struct policy *p = policy;
    bool all;

    pthread_mutex_lock(&p->lock);
    all = policy_serves_near(p, message);
    pthread_mutex_unlock(&p->lock);
    return all;
}

bool policy_look_at_rules(struct policy *p,
                          void (*visit)(void *context, const struct rule_look *look), void *context)
{
    return rule_loader_look(p->loader, visit, context);
}

void policy_counters(const struct policy *p, const struct counter_sink *sink)
{
    struct window_stats windows = window_table_stats(p->windows);

    sink->put(sink->user, "directory_entries", directory_count(p->directory));
    sink->put(sink->user, "limit_counters_evicted", windows.evicted);
    sink->put(sink->user, "limit_events_missed", windows.missed);
    if (p->tls)
        tls_service_counters(p->tls, sink);
}

void policy_sweep(struct policy *p)
{
    rule_loader_sweep(p->loader);
    tls_service_watch(p->tls);
}

struct greylist_service *policy_greylist(struct policy *p)
{
    return p->greylist;
}

void policy_stop(struct policy *p)
{
    if (p && p->accounts)
        account_service_stop(p->accounts);
    if (p && p->greylist)
        greylist_service_stop(p->greylist);
    if (p && p->tls)
        tls_service_stop(p->tls);
    if (p)
        p->tls = NULL;
    if (p)
        p->accounts = NULL;
    if (p)
        p->greylist = NULL;
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    if (p->settings)
        free(settings_publish(p->options.handoff, NULL));
    rule_loader_free(p->loader);
    directory_free(p->directory);
    window_table_free(p->windows);
    gauge_table_free(p->gauges);
    store_full_watch(p->options.store, NULL, NULL);
    mailbox_table_free(p->mailboxes);
    free(p->served);
    free(p->coming);
    known_table_free(p->known);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
