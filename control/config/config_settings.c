/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_settings.h"

#include <stdlib.h>

#include "proto/address/address.h"

bool config_address_key(struct writer *w, struct span mailbox)
{
    struct address a;

    return address_mailbox(mailbox, ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK && address_key(w, &a, true);
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

/* An id that stays the same over reloads and restarts, whatever the order of the file (FNV-1a). */
static uint64_t domain_id(struct span key)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ key.data[i]) * UINT64_C(1099511628211);
    return h ? h : 1;
}

/* The fields that an entry has from its domain. */
static bool domain_fields(const struct config_settings_source *source, const struct config_domain *domain,
                          struct writer *key, struct directory_entry *fields_out)
{
    if (!config_domain_key(key, span_text(domain->name)))
        return false;
    *fields_out = (struct directory_entry){.domain = domain_id(writer_span(key)),
                                           .version = source->version,
                                           .class = (uint8_t)domain->class,
                                           .quarantine_score = (int32_t)domain->quarantine_score,
                                           .reject_score = (int32_t)domain->reject_score};
    return true;
}

static bool put_domain(const struct config_settings_source *source, const struct config_domain *domain)
{
    struct directory_entry fields;
    uint8_t key[ADDRESS_KEY_MAX];
    struct writer w = writer_of(key, sizeof(key));

    if (!domain_fields(source, domain, &w, &fields))
        return false;
    fields.kind = DIRECTORY_DOMAIN;
    return directory_put(source->directory, &fields, writer_span(&w));
}

static bool put_account(const struct config_settings_source *source, const struct config_account *account)
{
    const struct config_domain *domain = &source->config->domains[account->domain];
    struct directory_entry fields;
    uint8_t domain_key[ADDRESS_KEY_MAX], key[ADDRESS_KEY_MAX];
    struct writer domain_w = writer_of(domain_key, sizeof(domain_key));
    struct writer w = writer_of(key, sizeof(key));

    if (!domain_fields(source, domain, &domain_w, &fields) ||
        !config_address_key(&w, span_text(account->address)))
        return false;
    fields.kind = DIRECTORY_ADDRESS;
    fields.account = source->account_id(source->context, writer_span(&w));
    return fields.account && directory_put(source->directory, &fields, writer_span(&w));
}

static uint32_t milliseconds(int64_t microseconds)
{
    return (uint32_t)(microseconds / 1000);
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
                                            .protocol = (uint8_t)c->listeners[i].protocol};
    s->message_size_max = (uint64_t)c->smtp.message_size;
    s->recipients_max = (uint32_t)c->smtp.recipients;
    s->errors_max = (uint32_t)c->smtp.errors;
    s->messages_max = (uint32_t)c->smtp.messages;
    s->command_timeout_ms = milliseconds(c->smtp.command_timeout);
    s->data_timeout_ms = milliseconds(c->smtp.data_timeout);
    s->end_timeout_ms = milliseconds(c->smtp.end_timeout);
    s->pop3_idle_ms = milliseconds(c->pop3.idle_timeout);
    s->pop3_failures_max = (uint32_t)c->pop3.failures;
    s->pop3_cleartext = c->pop3.allow_cleartext;
    s->sample = source->profile ? 1 : (uint32_t)c->profile_sample;
    s->directory = source->directory;
    s->rules = source->rules;
}

struct settings *config_settings(const struct config_settings_source *source)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    const struct config *config = source->config;
    bool ok = settings != NULL;

    for (uint32_t i = 0; ok && i < config->domains_count; i++)
        ok = put_domain(source, &config->domains[i]);
    for (uint32_t i = 0; ok && i < config->accounts_count; i++)
        ok = put_account(source, &config->accounts[i]);
    if (!ok) {
        free(settings);
        return NULL;
    }
    fill(settings, source);
    return settings;
}
