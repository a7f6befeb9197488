/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_CONFIG_SETTINGS_H
#define CONTROL_CONFIG_CONFIG_SETTINGS_H

#include "control/config/config.h"
#include "dataplane/handoff/settings.h"

/* From the configuration to what workers read. */
struct config_settings_source {
    const struct config *config;
    uint64_t version;              /* counts reloads; not 0 */
    bool profile;                  /* every message carries stamps of its own */
    struct directory *directory;   /* filled here, shared by all settings */
    struct rule_generation *rules; /* passed on as it is, like the next */
    struct gauge_table *gauges;
    struct window_table *windows;
    const struct ban_table *bans;
    struct mailbox_table *mailboxes;
    struct known_table *known;
    uint64_t queue; /* id of the account that mail for other servers is kept in; 0: none */
    /*
     * The immutable id of the account with this key (address_key() of its address), made when there
     * is none. 0: failed.
     */
    uint64_t (*account_id)(void *context, struct span key);
    /* The same of the tenant with this name, which one of the configuration's domains has. */
    uint64_t (*tenant_id)(void *context, struct span name);
    void *context;
};

/*
 * New settings from malloc, to be given to settings_publish() and freed with free(). Puts the
 * configuration's domains and addresses into the directory under `version`; after publication
 * directory_sweep() removes what they no longer name. NULL: no memory, the directory is full, or an
 * account got no id; entries that were put remain.
 */
struct settings *config_settings(const struct config_settings_source *source);

/*
 * The key of a mail address or of a domain, as the directory has it. Whether the local part is
 * folded is the domain's matter: who does not know the domain tries without, then with. False when
 * it has none: the reader refused such.
 */
bool config_address_key(struct writer *w, struct span mailbox, bool fold_local);
bool config_domain_key(struct writer *w, struct span domain);
/*
 * An address on another server as the envelope has it: the local part as spelled, the domain as
 * A-labels. False when it has none, a local part beyond ASCII (nobody promises SMTPUTF8 there), or
 * more than CONFIG_FORWARD_MAX octets (RFC 5321 section 4.5.3.1.3).
 */
enum { CONFIG_FORWARD_MAX = 254 };
bool config_forward_address(struct writer *w, struct span mailbox);
/* The domain of what that has written. */
struct span config_forward_domain(struct span address);
/* The key of what an account may send as: an address, folded, or "@" and a domain. */
bool config_sender_key(struct writer *w, struct span text);

/* The mechanisms that the configuration has something for: bits by enum sasl_mechanism. */
uint32_t config_oauth_mechanisms(const struct config *config);
/* Whether control opens connections of its own: a filter of system calls has to let it. */
bool config_needs_network(const struct config *config);
/* Writes the URL of the issuer's discovery document; nothing where there is none. */
void config_oauth_discovery(const struct config_issuer *issuer, struct writer *w);
/* Writes the scopes that are wanted, with a space between. */
void config_oauth_scope(const struct config_issuer *issuer, struct writer *w);

#endif
