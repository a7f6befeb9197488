/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_settings.h"

#include <stdlib.h>

#include "control/config/config_maps.h"
#include "proto/address/address.h"
#include "proto/base/utf8.h"

bool config_address_key(struct writer *w, struct span mailbox, bool fold_local)
{
    struct address a;

    return address_mailbox(mailbox, ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK &&
           address_key(w, &a, fold_local);
}

bool config_domain_key(struct writer *w, struct span domain)
{
    uint8_t key[ADDRESS_KEY_MAX];
    struct writer whole = writer_of(key, sizeof(key));
    struct address a;

    if (address_domain(domain, ADDRESS_ALLOW_UTF8, &a) != ADDRESS_OK)
        return false;
    a.local = span_of(NULL, 0);
    if (!address_key(&whole, &a, true))
        return false;
    /* The key of an address with no local part: "@" and the domain. */
    writer_span_put(w, span_skip(writer_span(&whole), 1));
    return !w->full;
}

bool config_sender_key(struct writer *w, struct span text)
{
    if (text.len == 0 || text.data[0] != '@')
        return config_address_key(w, text, true);
    writer_byte(w, '@');
    return config_domain_key(w, span_skip(text, 1));
}

struct span config_forward_domain(struct span address)
{
    size_t at = address.len;

    while (at > 0 && address.data[at - 1] != '@')
        at--;
    return span_skip(address, at);
}

bool config_forward_address(struct writer *w, struct span mailbox)
{
    uint8_t text[ADDRESS_DOMAIN_MAX];
    struct writer domain = writer_of(text, sizeof(text));
    size_t start = w->len;
    struct address a;

    if (address_mailbox(mailbox, ADDRESS_ALLOW_UTF8, &a) != ADDRESS_OK ||
        a.kind != ADDRESS_DOMAIN || utf8_needed(a.local) || !config_domain_key(&domain, a.domain))
        return false;
    writer_span_put(w, a.local);
    writer_byte(w, '@');
    writer_span_put(w, writer_span(&domain));
    return !w->full && w->len - start <= CONFIG_FORWARD_MAX;
}

/* An id that stays the same over reloads and restarts, whatever the order of the file (FNV-1a). */
static uint64_t domain_id(struct span key)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ key.data[i]) * UINT64_C(1099511628211);
    return h ? h : 1;
}

/* What is being put: the ids of all accounts and domains' tenants are asked for once. */
struct filling {
    const struct config_settings_source *source;
    const struct config *config;
    uint64_t *ids, *tenants; /* of accounts, of domains */
};

static bool ask_ids(struct filling *f)
{
    f->ids = calloc(f->config->accounts_count + 1, sizeof(*f->ids));
    f->tenants = calloc(f->config->domains_count + 1, sizeof(*f->tenants));
    if (!f->ids || !f->tenants)
        return false;
    for (uint32_t i = 0; i < f->config->accounts_count; i++) {
        f->ids[i] = f->source->account_id(f->source->context, f->config->accounts[i].key);
        if (!f->ids[i])
            return false;
    }
    for (uint32_t i = 0; i < f->config->domains_count; i++) {
        f->tenants[i] =
            f->source->tenant_id(f->source->context, span_text(f->config->domains[i].tenant));
        if (!f->tenants[i])
            return false;
    }
    return true;
}

/* What an entry leads to, as it is filled. */
struct leading {
    struct directory_account accounts[DIRECTORY_ACCOUNTS];
    uint32_t count;
};

static void lead_on(struct leading *l, const struct filling *f, const struct config_domain *home,
                    struct span forwarder, struct span to)
{
    if (l->count < DIRECTORY_ACCOUNTS)
        l->accounts[l->count++] =
            (struct directory_account){.id = f->source->queue,
                                       .quarantine_score = (int32_t)home->quarantine_score,
                                       .reject_score = (int32_t)home->reject_score,
                                       .address = forwarder,
                                       .tenant = span_text(home->tenant),
                                       .forward = to};
}

/* The account, and where its mail goes on to. */
static void lead_to(struct leading *l, const struct filling *f, uint32_t at)
{
    const struct config_account *account = &f->config->accounts[at];
    const struct config_domain *home = &f->config->domains[account->domain];

    if (l->count < DIRECTORY_ACCOUNTS)
        l->accounts[l->count++] =
            (struct directory_account){.id = f->ids[at],
                                       .no_copy = account->forward_count && !account->keep_copy,
                                       .quarantine_score = (int32_t)home->quarantine_score,
                                       .reject_score = (int32_t)home->reject_score,
                                       .address = account->mailbox,
                                       .tenant = span_text(home->tenant)};
    for (uint32_t i = 0; i < account->forward_count; i++)
        lead_on(l, f, home, account->mailbox, account->elsewhere[i]);
}

/* An entry with what it has from its domain and the accounts that it leads to. */
static bool put(const struct filling *f, struct directory_entry fields,
                const struct config_domain *domain, const struct config_accounts *list,
                struct span key)
{
    struct leading leading = {.count = 0};

    fields.version = f->source->version;
    fields.tenant = f->tenants[domain - f->config->domains];
    fields.domain = domain_id(domain->key);
    fields.class = (uint8_t)domain->class;
    fields.greylist = domain->greylist;
    for (uint32_t i = 0; i < list->count; i++)
        lead_to(&leading, f, list->at[i]);
    for (uint32_t i = 0; i < list->elsewhere_count; i++)
        lead_on(&leading, f, domain, list->forwarder, list->elsewhere[i]);
    fields.accounts = leading.accounts;
    fields.account_count = leading.count;
    return directory_put(f->source->directory, &fields, key);
}

static bool put_domain(const struct filling *f, const struct config_domain *domain)
{
    struct directory_entry fields = {.kind = DIRECTORY_DOMAIN,
                                     .detail_separator = (uint8_t)domain->detail_separator[0],
                                     .case_sensitive = domain->case_sensitive};

    return put(f, fields, domain, &domain->caught, domain->key);
}

static bool put_address(const struct filling *f, uint32_t domain,
                        const struct config_accounts *accounts, struct span key)
{
    ptrdiff_t at = span_find(key, '@');
    struct directory_entry fields = {.kind = DIRECTORY_ADDRESS,
                                     .exempt =
                                         address_role(at < 0 ? key : span_head(key, (size_t)at))};

    return put(f, fields, &f->config->domains[domain], accounts, key);
}

/* "postmaster" or "abuse" at a domain, whoever has it. Most often that was put already, and stays
 * as it is. */
static bool put_role(const struct filling *f, uint32_t domain, const char *role,
                     const struct config_accounts *accounts)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer w = writer_of(text, sizeof(text));

    writer_printf(&w, "%s@", role);
    writer_span_put(&w, f->config->domains[domain].key);
    return put_address(f, domain, accounts, writer_span(&w));
}

/* The engine's own: <postmaster>, and at its address literals (RFC 5321 sections 4.1.3 and 4.5.1).
 */
static bool put_engine_postmaster(const struct filling *f, uint32_t domain)
{
    const struct config_accounts *accounts = &f->config->domains[domain].postmaster;
    bool ok = put_address(f, domain, accounts, span_text("postmaster"));

    for (uint32_t i = 0; ok && i < f->config->network.addresses_count; i++) {
        const struct ip_address *ip = &f->config->network.addresses[i].address;
        uint8_t text[ADDRESS_KEY_MAX];
        struct writer w = writer_of(text, sizeof(text));

        writer_text(&w, ip_address_is_v4(ip) ? "postmaster@[" : "postmaster@[ipv6:");
        ip_address_put(&w, ip);
        writer_byte(&w, ']');
        ok = put_address(f, domain, accounts, writer_span(&w));
    }
    return ok;
}

static bool put_roles(const struct filling *f)
{
    bool first = true, ok = true;

    for (uint32_t i = 0; ok && i < f->config->domains_count; i++) {
        const struct config_domain *domain = &f->config->domains[i];

        if (domain->class != DIRECTORY_LOCAL)
            continue;
        ok = put_role(f, i, "postmaster", &domain->postmaster) &&
             put_role(f, i, "abuse", &domain->abuse) && (!first || put_engine_postmaster(f, i));
        first = false;
    }
    return ok;
}

/* What else an account may send as. A domain of ours that keeps case has keys of its own. */
static bool put_senders(const struct filling *f, uint32_t account)
{
    const struct config_account *a = &f->config->accounts[account];
    struct directory_entry fields = {.kind = DIRECTORY_SENDER, .version = f->source->version};
    bool ok = true;

    for (uint32_t i = 0; ok && i < a->send_as_count; i++) {
        uint8_t text[DIRECTORY_SENDER_KEY], name[ADDRESS_KEY_MAX + 1];
        struct writer key = writer_of(text, sizeof(text)), w = writer_of(name, sizeof(name));

        ok = config_sender_key(&w, span_text(a->send_as[i]));
        directory_sender_key(&key, f->ids[account], writer_span(&w));
        ok = ok && !key.full && directory_put(f->source->directory, &fields, writer_span(&key));
    }
    return ok;
}

/* Mail for other servers: of an account of the store's own, whose thresholds are off. */
static bool put_queue(const struct filling *f)
{
    struct directory_account account = {
        .id = f->source->queue, .quarantine_score = INT32_MAX, .reject_score = INT32_MAX};
    struct directory_entry fields = {.kind = DIRECTORY_QUEUE,
                                     .version = f->source->version,
                                     .accounts = &account,
                                     .account_count = 1};

    return !f->source->queue ||
           directory_put(f->source->directory, &fields, span_text(DIRECTORY_QUEUE_KEY));
}

static bool put_all(const struct filling *f)
{
    const struct config *config = f->config;
    bool ok = true;

    for (uint32_t i = 0; ok && i < config->domains_count; i++)
        ok = put_domain(f, &config->domains[i]);
    for (uint32_t i = 0; ok && i < config->accounts_count; i++)
        ok =
            put_address(f, config->accounts[i].domain,
                        &(struct config_accounts){.at = &i, .count = 1}, config->accounts[i].key) &&
            put_senders(f, i);
    for (uint32_t i = 0; ok && i < config->aliases_count; i++)
        ok = put_address(f, config->aliases[i].domain, &config->aliases[i].accounts,
                         config->aliases[i].key);
    return ok && put_roles(f) && put_queue(f);
}

static uint32_t milliseconds(int64_t microseconds)
{
    return (uint32_t)(microseconds / 1000);
}

static void put_networks(struct network_list *list, const struct config_network *networks,
                         uint32_t count)
{
    list->count = count;
    for (uint32_t i = 0; i < count; i++) {
        list->network[i].address = networks[i].address;
        list->network[i].bits = networks[i].prefix;
    }
}

/* Beyond which limit a message is refused: the anomaly that tells of it. */
static uint64_t refused(int over, enum mime_anomaly anomaly)
{
    return over == CONFIG_OVER_REFUSE ? UINT64_C(1) << anomaly : 0;
}

/* Whose token is refused is told of the first issuer. */
static void fill_oauth(struct settings *s, const struct config_oauth *c)
{
    struct writer scope = writer_of(s->oauth_scope, sizeof(s->oauth_scope) - 1);
    struct writer discovery = writer_of(s->oauth_discovery, sizeof(s->oauth_discovery) - 1);

    if (!c->issuers_count)
        return;
    config_oauth_scope(&c->issuers[0], &scope);
    config_oauth_discovery(&c->issuers[0], &discovery);
}

static void fill_mime(struct settings *s, const struct config_mime *c)
{
    const struct mime_limits defaults = MIME_LIMITS_DEFAULT;

    s->mime = (struct mime_limits){.field = defaults.field,
                                   .header = (uint32_t)c->header_size,
                                   .lines = (uint32_t)c->header_lines,
                                   .parts = (uint16_t)c->parts,
                                   .depth = (uint16_t)c->depth};
    s->mime_refused = refused(c->depth_over, MIME_ANOMALY_DEPTH) |
                      refused(c->parts_over, MIME_ANOMALY_PARTS) |
                      refused(c->header_size_over, MIME_ANOMALY_HEADER_LONG) |
                      refused(c->header_lines_over, MIME_ANOMALY_HEADER_LINES);
}

static void fill(struct settings *s, const struct config_settings_source *source)
{
    const struct config *c = source->config;

    struct writer hostname = writer_of(s->hostname, sizeof(s->hostname) - 1);

    /* As A-labels: greetings and Received fields are ASCII. */
    config_domain_key(&hostname, span_text(c->hostname));
    s->version = source->version;
    s->listener_count = c->listeners_count;
    for (uint32_t i = 0; i < c->listeners_count; i++)
        s->listeners[i] = (struct listener){.port = c->listeners[i].port,
                                            .protocol = (uint8_t)c->listeners[i].protocol,
                                            .tls = (uint8_t)c->listeners[i].tls};
    s->message_size_max = (uint64_t)c->smtp.message_size;
    s->recipients_max = (uint32_t)c->smtp.recipients;
    s->errors_max = (uint32_t)c->smtp.errors;
    s->idle_max = (uint32_t)c->smtp.idle_commands;
    s->messages_max = (uint32_t)c->smtp.messages;
    s->command_timeout_ms = milliseconds(c->smtp.command_timeout);
    s->data_timeout_ms = milliseconds(c->smtp.data_timeout);
    s->end_timeout_ms = milliseconds(c->smtp.end_timeout);
    s->line_timeout_ms = milliseconds(c->smtp.line_timeout);
    s->message_timeout_ms = milliseconds(c->smtp.message_timeout);
    s->pressure = (uint32_t)c->smtp.pressure;
    s->pressure_rate = (uint32_t)c->smtp.pressure_rate;
    put_networks(&s->xclient_networks, c->smtp.xclient_networks, c->smtp.xclient_networks_count);
    put_networks(&s->proxy_networks, c->network.proxy_networks, c->network.proxy_networks_count);
    s->proxy_timeout_ms = milliseconds(c->network.proxy_timeout);
    s->greet_delay_ms = milliseconds(c->smtp.greet_delay);
    s->pregreet_refuse = c->smtp.pregreet == CONFIG_PREGREET_REFUSE;
    s->tls_timeout_ms = milliseconds(c->tls.handshake_timeout);
    s->tls_handshakes = (uint32_t)c->tls.handshakes;
    fill_mime(s, &c->mime);
    s->mechanisms = c->auth.offered;
    fill_oauth(s, &c->oauth);
    s->submission_cleartext = c->submission.allow_cleartext;
    s->submission_from = c->submission.header_from == CONFIG_FROM_CHECK;
    s->submission_privacy = c->submission.privacy;
    s->imap_idle_ms = milliseconds(c->imap.idle_timeout);
    s->imap_login_ms = milliseconds(c->imap.login_timeout);
    s->imap_failures_max = (uint32_t)c->imap.failures;
    s->imap_cleartext = c->imap.allow_cleartext;
    s->detail_folders = (uint8_t)c->imap.detail_folders;
    s->junk = c->quarantine.place == CONFIG_PLACE_JUNK;
    snprintf(s->junk_name, sizeof(s->junk_name), "%s", c->imap.special_use.junk);
    s->pop3_idle_ms = milliseconds(c->pop3.idle_timeout);
    s->pop3_failures_max = (uint32_t)c->pop3.failures;
    s->pop3_ahead = (uint32_t)c->pop3.read_ahead;
    s->pop3_ahead_all = (uint64_t)c->pop3.read_ahead_all;
    s->pop3_cleartext = c->pop3.allow_cleartext;
    s->pop3_utf8_refuse = c->pop3.utf8_downgrade == CONFIG_UTF8_REFUSE;
    s->pop3_login_delay_s = (uint32_t)(c->pop3.login_delay / 1000000);
    s->sample = source->profile ? 1 : (uint32_t)c->profile_sample;
    s->full_ms = (uint64_t)c->store.full_days * 24 * 3600 * 1000;
    s->directory = source->directory;
    s->directory_timeout_ms = milliseconds(c->directory.timeout);
    s->mailboxes = source->mailboxes;
    s->rules = source->rules;
}

static void fill_limit(uint32_t out[LIMIT_KINDS], const struct config_limit *in)
{
    out[LIMIT_SESSIONS] = (uint32_t)in->sessions;
    out[LIMIT_CONNECTS] = (uint32_t)in->connects;
    out[LIMIT_ERRORS] = (uint32_t)in->errors;
    out[LIMIT_MESSAGES] = (uint32_t)in->messages;
    out[LIMIT_RECIPIENTS] = (uint32_t)in->recipients;
    out[LIMIT_BYTES] = (uint32_t)(in->bytes / LIMIT_BYTES_UNIT);
}

static void fill_limits(struct limits *l, const struct config_settings_source *source)
{
    const struct config_limits *c = &source->config->limits;

    l->window_ms = milliseconds(c->window);
    l->prefix_v4 = (uint8_t)c->prefix_v4;
    l->prefix_v6 = (uint8_t)c->prefix_v6;
    fill_limit(l->limit[LIMIT_ADDRESS], &c->address);
    fill_limit(l->limit[LIMIT_NETWORK], &c->network);
    fill_limit(l->limit[LIMIT_SENDER], &c->sender);
    fill_limit(l->limit[LIMIT_SENDER_DOMAIN], &c->sender_domain);
    fill_limit(l->limit[LIMIT_ACCOUNT], &c->account);
    l->network_count = c->networks_count;
    for (uint32_t i = 0; i < c->networks_count; i++) {
        const struct config_limit_network *from = &c->networks[i];
        struct limit_network *to = &l->networks[i];

        to->bits =
            (uint8_t)(from->network.prefix + (ip_address_is_v4(&from->network.address) ? 96 : 0));
        to->address = limits_masked(&from->network.address, to->bits);
        to->trusted = from->trusted;
        fill_limit(to->limit, &from->limit);
    }
    l->gauges = source->gauges;
    l->windows = source->windows;
    l->bans = source->bans;
    l->ban_reset = c->ban.answer == CONFIG_BAN_RESET;
}

struct settings *config_settings(const struct config_settings_source *source)
{
    struct filling filling = {.source = source, .config = source->config};
    size_t maps = config_maps_size(source->config), size = (sizeof(struct settings) + 7) & ~7u;
    struct settings *settings = calloc(1, size + maps);
    bool ok = settings != NULL && ask_ids(&filling) && put_all(&filling);

    free(filling.ids);
    free(filling.tenants);
    if (!ok) {
        free(settings);
        return NULL;
    }
    fill(settings, source);
    if (maps)
        settings->submission_maps = config_maps_put(source->config, (uint8_t *)settings + size);
    fill_limits(&settings->limits, source);
    settings->greylist = (struct greylist){
        .timeout_ms = milliseconds(source->config->greylist.timeout), .known = source->known};
    return settings;
}
