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
#include "control/service/account_table.h"
#include "control/service/directory_backends.h"
#include "control/service/directory_resolve.h"
#include "control/service/directory_service.h"
#include "control/service/greylist_service.h"
#include "control/service/sender_service.h"
#include "control/service/identity_service.h"
#include "control/service/limit_tables.h"
#include "control/service/retired_chains.h"
#include "control/service/tls_service.h"
#include "control/tls/tls_contexts.h"
#include "dataplane/handoff/known_table.h"
#include "dataplane/handoff/mailbox_table.h"
#include "control/store/store_quarantine.h"

struct policy {
    struct policy_options options;
    struct rule_loader *loader;
    struct directory *directory;
    struct account_service *accounts;
    struct identity_service *identities;
    struct directory_service *lookups;
    struct directory_chain *chain; /* in force */
    struct retired_chains retired;
    struct limit_tables limits;
    struct mailbox_table *mailboxes; /* that are full, as the store says */
    struct known_table *known;       /* of greylisting */
    struct greylist_service *greylist;
    struct sender_service *senders;
    struct tls_service *tls;
    pthread_mutex_t lock;        /* of the next, for other threads */
    const struct config *config; /* in force */
    struct account_ids *served;  /* the accounts of it; like the next published by RCU */
    struct account_ids *coming;  /* those of one that is being put into force; or NULL */
    struct account_ids *gone;    /* that there were, of a configuration or a back end */
    struct settings *settings;   /* published */
    uint64_t version;            /* the last that was tried */
    _Atomic bool dynamic;        /* there are other back ends than the configuration */
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
    bool ok;

    if (!p)
        return NULL;
    p->options = *options;
    pthread_mutex_init(&p->lock, NULL);
    p->loader = rule_loader_new();
    p->directory = directory_new(options->addresses_max);
    ok = getrandom(secret, sizeof(secret), 0) == sizeof(secret) &&
         limit_tables_init(&p->limits,
                           &(struct limit_tables_options){.sessions = options->connections,
                                                          .counters = options->counters,
                                                          .store = options->store,
                                                          .handoff = options->handoff},
                           secret);
    if (ok && p->directory)
        directory_cache(p->directory, options->cache, options->cache_absent, secret);
    p->mailboxes = mailbox_table_new(options->addresses_max);
    p->known = known_table_new(options->known);
    if (!ok || !p->loader || !p->directory || !p->mailboxes || !p->known) {
        policy_free(p);
        return NULL;
    }
    store_full_watch(options->store, put_full, p->mailboxes);
    return p;
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
                                            .gauges = p->limits.gauges,
                                            .windows = p->limits.windows,
                                            .bans = p->limits.banned,
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

static bool change_gone(struct policy *p, uint64_t account, bool in)
{
    struct account_ids *before, *after;

    pthread_mutex_lock(&p->lock);
    before = p->gone;
    if (account_ids_has(before, account) == in) {
        pthread_mutex_unlock(&p->lock);
        return true;
    }
    after = account_ids_changed(before, account, in);
    if (after)
        rcu_assign_pointer(p->gone, after);
    pthread_mutex_unlock(&p->lock);
    if (!after)
        return false;
    if (before)
        synchronize_rcu();
    free(before);
    return true;
}

bool policy_gone(struct policy *p, uint64_t account)
{
    return change_gone(p, account, true);
}

/* Workers may see this account of a back end from now on. */
static void see_account(void *context, uint64_t account)
{
    (void)change_gone(context, account, false);
}

/* An account of a back end that logs in. */
static uint64_t account_id(void *context, const struct directory_member *member)
{
    struct policy *p = context;
    struct directory_member m = *member;
    struct directory_chain *chain;
    enum directory_result result;
    uint64_t quota;

    pthread_mutex_lock(&p->lock);
    chain = p->chain;
    quota = p->config ? (uint64_t)p->config->store.quota : 0;
    directory_chain_hold(chain);
    pthread_mutex_unlock(&p->lock);
    result = directory_resolve(chain, p->options.store, quota, &m);
    directory_chain_drop(chain);
    if (result != DIRECTORY_FOUND)
        return 0;
    see_account(p, m.id);
    return m.id;
}

static bool start_accounts(struct policy *p, const struct config *config,
                           const struct account_setting *setting)
{
    struct account_service_options options = {.handoff = p->options.handoff,
                                              .threads = (uint32_t)config->auth.threads,
                                              .method = config_hash_prefix(config),
                                              .account_id = account_id,
                                              .context = p,
                                              .guard = p->limits.guard,
                                              .bans = p->limits.bans};

    p->accounts = account_service_start(&options, setting);
    return p->accounts != NULL;
}

static bool take_lookups(struct policy *p, const struct config *config,
                         struct directory_chain *chain)
{
    struct directory_service_options options = {.handoff = p->options.handoff,
                                                .table = p->directory,
                                                .store = p->options.store,
                                                .seen = see_account,
                                                .context = p};
    struct directory_setting setting = {
        .chain = chain,
        .timeout_ms = (uint32_t)(config->directory.timeout / 1000),
        .found_s = (uint32_t)(config->directory.time_to_live / 1000000),
        .absent_s = (uint32_t)(config->directory.time_to_live_absent / 1000000),
        .quota = (uint64_t)config->store.quota};

    if (p->lookups)
        directory_service_set(p->lookups, &setting);
    else
        p->lookups = directory_service_start(&options, &setting);
    return p->lookups != NULL;
}

static bool take_accounts(struct policy *p, const struct config *config,
                          struct account_table *accounts, struct writer *why)
{
    struct account_fakes fakes = *account_table_fakes(accounts);
    struct directory_chain *old,
        *chain = directory_backends_make(config, p->options.store,
                                         (struct directory_backend *)accounts, why);
    struct account_setting setting = {.chain = chain,
                                      .fakes = &fakes,
                                      .timeout_ms = (uint32_t)(config->directory.timeout / 1000)};
    bool ok = chain != NULL;

    if (!p->accounts)
        ok = ok && start_accounts(p, config, &setting);
    ok = ok && take_lookups(p, config, chain);
    if (!ok) {
        writer_printf(why, "account service: %s\n", strerror(errno));
        explicit_bzero(&fakes, sizeof(fakes));
        directory_chain_free(chain);
        return false;
    }
    if (p->identities)
        identity_service_set_chain(p->identities, chain);
    account_service_set(p->accounts, &setting);
    explicit_bzero(&fakes, sizeof(fakes));
    atomic_store(&p->dynamic, directory_chain_dynamic(chain));
    directory_set_dynamic(p->directory, directory_chain_dynamic(chain));
    pthread_mutex_lock(&p->lock);
    old = p->chain;
    p->chain = chain;
    pthread_mutex_unlock(&p->lock);
    retired_chains_add(&p->retired, old);
    return true;
}

static bool take_identities(struct policy *p, const struct config *config, struct oauth **oauth,
                            struct writer *why)
{
    struct identity_service_options options = {.handoff = p->options.handoff,
                                               .threads = (uint32_t)config->oauth.threads,
                                               .account_id = account_id,
                                               .context = p,
                                               .guard = p->limits.guard,
                                               .bans = p->limits.bans};

    return identity_service_apply(&p->identities, &options, config, p->chain, oauth, why);
}

static bool take_greylist(struct policy *p, const struct config *config, struct writer *why)
{
    struct greylist_service_options options = {.handoff = p->options.handoff,
                                               .store = p->options.store,
                                               .known = p->known,
                                               .names = p->limits.windows};

    if (p->greylist)
        greylist_service_set(p->greylist, &config->greylist);
    else
        p->greylist = greylist_service_start(&options, &config->greylist);
    if (!p->greylist)
        writer_printf(why, "greylist service: %s\n", strerror(errno));
    return p->greylist != NULL;
}

/* The last that may fail: it borrows from the configuration until the next one. */
static bool take_senders(struct policy *p, const struct config *config, struct writer *why)
{
    return sender_service_apply(
        &p->senders, &(struct sender_service_options){.handoff = p->options.handoff}, config, why);
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
    for (uint32_t i = 0; before && i < before->count; i++)
        if (!account_ids_has(p->served, before->ids[i]))
            policy_gone(p, before->ids[i]);
    free(before);
}

static bool give_up(struct policy *p, struct rule_generation *rules, struct tls_contexts *tls,
                    struct oauth *oauth)
{
    expect_accounts(p, NULL);
    rule_loader_retire(p->loader, rules);
    tls_contexts_free(tls);
    oauth_drop(oauth);
    return false;
}

bool policy_apply(struct policy *p, const struct config *config, struct writer *why)
{
    struct rule_loader_options options;
    struct rule_generation *rules = NULL;
    struct account_table *accounts;
    struct settings *settings;
    struct tls_contexts *tls = read_tls(p, config, why);
    struct oauth *oauth = oauth_new(&config->oauth, why);

    policy_rule_options(config, &options);
    if (!tls || !oauth || !rule_loader_load(p->loader, &options, why, &rules))
        return give_up(p, rules, tls, oauth);
    if (!make(p, config, rules, &settings, &accounts)) {
        writer_printf(why,
                      "domains and accounts cannot be set up: the store failed, or "
                      "engine.directory (%lld) is too small\n",
                      (long long)config->engine.directory);
        restore_directory(p);
        return give_up(p, rules, tls, oauth);
    }
    if (!take_accounts(p, config, accounts, why) || !take_identities(p, config, &oauth, why) ||
        !take_greylist(p, config, why) || !take_senders(p, config, why)) {
        free(settings);
        return give_up(p, rules, tls, oauth);
    }
    tls_service_swap(p->tls, tls);
    limit_tables_set(&p->limits, config);
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
        r.hash_prefix = config_hash_prefix(p->config);
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

char policy_detail_separator(struct policy *p, struct span key)
{
    char separator;

    pthread_mutex_lock(&p->lock);
    separator = p->config ? config_detail_separator(p->config, key) : 0;
    pthread_mutex_unlock(&p->lock);
    return separator;
}

bool policy_keeps(struct policy *p, enum directory_kind kind, struct span key)
{
    return directory_keeps(p->directory, kind, key);
}

bool policy_asks(struct policy *p, const char *backend)
{
    bool asks;

    pthread_mutex_lock(&p->lock);
    asks = p->chain && directory_chain_find(p->chain, backend) >= 0;
    pthread_mutex_unlock(&p->lock);
    return asks;
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
    const struct account_ids *gone = rcu_dereference(p->gone);
    bool dynamic = atomic_load(&p->dynamic), all = true;

    for (uint32_t i = 0; i < message->deliveries && all; i++) {
        uint64_t account = message->delivery[i].account;

        all = account_ids_has(served, account) || account_ids_has(coming, account) ||
              (dynamic && !account_ids_has(gone, account));
    }
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
    sink->put(sink->user, "directory_entries", directory_count(p->directory));
    sink->put(sink->user, "directory_cached", directory_cached(p->directory, false));
    sink->put(sink->user, "directory_cached_absent", directory_cached(p->directory, true));
    if (p->lookups)
        directory_service_counters(p->lookups, sink);
    limit_tables_counters(&p->limits, sink);
    if (p->tls)
        tls_service_counters(p->tls, sink);
    if (p->identities)
        identity_service_counters(p->identities, sink);
    if (p->senders)
        sender_service_counters(p->senders, sink);
}

void policy_sweep(struct policy *p)
{
    rule_loader_sweep(p->loader);
    retired_chains_free(&p->retired);
    tls_service_watch(p->tls);
}

struct directory_service *policy_directory(struct policy *p)
{
    return p->lookups;
}

struct ban_list *policy_bans(struct policy *p)
{
    return p->limits.bans;
}

struct defence_store *policy_defence(struct policy *p)
{
    return p->limits.defence;
}

struct greylist_service *policy_greylist(struct policy *p)
{
    return p->greylist;
}

void policy_stop(struct policy *p)
{
    if (!p)
        return;
    if (p->accounts)
        account_service_stop(p->accounts);
    if (p->identities)
        identity_service_stop(p->identities);
    if (p->lookups)
        directory_service_stop(p->lookups);
    if (p->greylist)
        greylist_service_stop(p->greylist);
    if (p->senders)
        sender_service_stop(p->senders);
    if (p->tls)
        tls_service_stop(p->tls);
    p->accounts = NULL;
    p->identities = NULL;
    p->lookups = NULL;
    p->greylist = NULL;
    p->senders = NULL;
    p->tls = NULL;
    retired_chains_free(&p->retired);
    directory_chain_free(p->chain);
    p->chain = NULL;
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    if (p->settings)
        free(settings_publish(p->options.handoff, NULL));
    rule_loader_free(p->loader);
    directory_free(p->directory);
    limit_tables_fini(&p->limits);
    store_full_watch(p->options.store, NULL, NULL);
    mailbox_table_free(p->mailboxes);
    free(p->served);
    free(p->coming);
    free(p->gone);
    known_table_free(p->known);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
