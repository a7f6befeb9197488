/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLIENTCONFIG_CLIENT_CONFIG_H
#define CONTROL_CLIENTCONFIG_CLIENT_CONFIG_H

#include <stdio.h>

#include "control/config/config.h"
#include "dataplane/handoff/settings.h"
#include "proto/address/address.h"

/*
 * What mail programs set themselves up by, taken from a configuration: `wirepost client-config`,
 * docs/client-setup.md. Listeners without TLS are left out: nobody is told to log in in the clear
 * (RFC 8314 section 3).
 */
enum client_service {
#define CLIENT_SERVICE(NAME, listener, srv, srv_implicit, type, priority) CLIENT_##NAME,
#include "control/clientconfig/client_service.def"
#undef CLIENT_SERVICE
    CLIENT_SERVICES
};

struct client_service_row {
    int listener; /* enum listener_protocol */
    const char *srv, *srv_implicit, *type;
    unsigned priority;
};

extern const struct client_service_row client_services[CLIENT_SERVICES];

struct client_server {
    enum client_service service;
    uint16_t port;
    bool implicit; /* TLS from the first byte on; else by STARTTLS or STLS */
};

struct client_config {
    const char *hostname; /* borrowed from the configuration */
    const char *spelled;  /* the domain as it was asked for; borrowed */
    const char *address;  /* whose programs they are; borrowed. NULL: anybody's in the domain */
    char domain[ADDRESS_DOMAIN_MAX + 1]; /* as A-labels */
    /* Whether a password can be sent to `submission`, by PLAIN or LOGIN: many programs know no
     * other way. POP3 has USER and PASS always. */
    bool password;
    bool oauth; /* whether a token can be, by OAUTHBEARER or XOAUTH2 */
    uint32_t count;
    struct client_server servers[SETTINGS_LISTENERS]; /* implicit ones first */
};

/*
 * For a domain or an address in one, which the configuration must list unless its directory has
 * other back ends than the file. `config` and `name` are borrowed. False: a line in `why`.
 */
bool client_config_init(struct client_config *c, const struct config *config, const char *name,
                        struct writer *why);

/* The best server of a service, the first there is. NULL: none is offered. */
const struct client_server *client_config_best(const struct client_config *c,
                                               enum client_service service);
/* What mail is read from: IMAP if that is offered, else POP3. NULL: neither is. */
const struct client_server *client_config_reading(const struct client_config *c);

/* Write one format each. False: it could not be written. */
typedef bool client_config_write(const struct client_config *c, FILE *out);
/* Needs a server to read from and one to submit to. */
client_config_write client_autoconfig_write;
/* The same, and c->password. */
client_config_write client_autodiscover_write, client_mobileconfig_write;
client_config_write client_srv_write;

#endif
