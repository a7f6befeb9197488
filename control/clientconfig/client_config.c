/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/clientconfig/client_config.h"

#include <string.h>

#include "proto/sasl/sasl_mechanism.h"

const struct client_service_row client_services[CLIENT_SERVICES] = {
#define CLIENT_SERVICE(NAME, listener, srv, srv_implicit, type, priority)                          \
    [CLIENT_##NAME] = {listener, srv, srv_implicit, type, priority},
#include "control/clientconfig/client_service.def"
#undef CLIENT_SERVICE
};

/* Servers of listeners with this kind of TLS, in the order of the file. */
static void add_servers(struct client_config *c, const struct config *config, int tls)
{
    for (uint32_t i = 0; i < config->listeners_count; i++)
        for (int s = 0; s < CLIENT_SERVICES; s++)
            if (config->listeners[i].tls == tls &&
                config->listeners[i].protocol == client_services[s].listener)
                c->servers[c->count++] = (struct client_server){
                    (enum client_service)s, config->listeners[i].port, tls == LISTENER_IMPLICIT};
}

/* True when only the file says which domains there are, and it does not have this one. */
static bool is_stranger(const struct config *config, struct span key)
{
    for (uint32_t i = 0; i < config->domains_count; i++)
        if (span_equal(config->domain_keys[i], key))
            return false;
    for (uint32_t i = 0; i < config->directory.backends_count; i++)
        if (strcmp(config->directory.backends[i], "yaml") != 0)
            return false;
    return true;
}

static bool read_name(struct client_config *c, const char *name)
{
    const char *at = strrchr(name, '@');
    struct address whole;
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer w = writer_of(text, sizeof(text));

    c->address = at ? name : NULL;
    c->spelled = at ? at + 1 : name;
    if ((at ? address_mailbox(span_text(name), ADDRESS_ALLOW_UTF8, &whole)
            : address_domain(span_text(name), ADDRESS_ALLOW_UTF8, &whole)) != ADDRESS_OK ||
        whole.kind != ADDRESS_DOMAIN)
        return false;
    whole.local = span_text("");
    if (!address_key(&w, &whole, false))
        return false;
    snprintf(c->domain, sizeof(c->domain), "%.*s", (int)w.len - 1, (const char *)text + 1);
    return true;
}

bool client_config_init(struct client_config *c, const struct config *config, const char *name,
                        struct writer *why)
{
    *c = (struct client_config){.hostname = config->hostname};
    c->password = (config->auth.offered &
                   (sasl_mechanism_bit(SASL_PLAIN) | sasl_mechanism_bit(SASL_LOGIN))) != 0;
    if (config->role != CONFIG_ROLE_SERVE) {
        writer_text(why, "expected a configuration of role serve");
        return false;
    }
    if (!read_name(c, name)) {
        writer_printf(why, "expected a domain or an address, not %s", name);
        return false;
    }
    if (is_stranger(config, span_text(c->domain))) {
        writer_printf(why, "no such domain in the configuration: %s", c->spelled);
        return false;
    }
    add_servers(c, config, LISTENER_IMPLICIT);
    add_servers(c, config, LISTENER_STARTTLS);
    return true;
}

const struct client_server *client_config_best(const struct client_config *c,
                                               enum client_service service)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->servers[i].service == service)
            return &c->servers[i];
    return NULL;
}

const struct client_server *client_config_reading(const struct client_config *c)
{
    const struct client_server *imap = client_config_best(c, CLIENT_IMAP);

    return imap ? imap : client_config_best(c, CLIENT_POP3);
}
