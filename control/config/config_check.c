/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"
#include "control/config/config_settings.h"
#include "control/log/log.h"
#include "proto/sasl/sasl_mechanism.h"

/* What one option alone does not show: addresses that stand twice, options that need each
 * other. */

static uint32_t line_of(const uint32_t *lines, const char *path)
{
    for (uint32_t i = 0; i < config_option_count; i++)
        if (strcmp(config_options[i].path, path) == 0)
            return lines[i];
    return 0;
}

static void check_engine(const struct config *config, const char *path, const uint32_t *lines,
                         struct config_errors *errors)
{
    bool eal = config->engine.pmd == CONFIG_PMD_EAL;
    uint32_t line = line_of(lines, "engine.pmd");

    if (config->role == CONFIG_ROLE_TAP)
        return;
    if (!line)
        line = line_of(lines, "engine");
    if (eal && !config->engine.device[0])
        config_error(
            errors, path, line,
            "engine.device: expected a device as DPDK names it, since pmd is eal; it is missing");
    if (!eal && !config->engine.interface[0])
        config_error(errors, path, line,
                     "engine.interface: expected the name of a kernel interface; it is missing");
}

bool config_network_contains(const struct config_network *network, const struct ip_address *a)
{
    return ip_address_inside(a, &network->address, network->prefix);
}

/* An address that a host may have: no group, not unspecified, not of the loopback. */
static bool host_address(const struct ip_address *a)
{
    static const uint8_t none[16], loopback[16] = {[15] = 1};

    if (ip_address_is_v4(a))
        return a->bytes[12] != 0 && a->bytes[12] != 127 && a->bytes[12] < 224;
    return a->bytes[0] != 0xff && memcmp(a->bytes, none, 16) != 0 &&
           memcmp(a->bytes, loopback, 16) != 0;
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
            config_error(errors, path, line,
                         "network.addresses: expected addresses that a host may have; found %s",
                         address_text(a, text));
        for (uint32_t j = 0; j < i; j++)
            if (ip_address_equal(a, &ports->addresses[j].address))
                config_error(errors, path, line,
                             "network.addresses: expected each once; %s stands twice",
                             address_text(a, text));
    }
    for (uint32_t i = 0; i < ports->gateways_count; i++) {
        bool inside = false;

        for (uint32_t j = 0; j < ports->addresses_count; j++)
            inside |= config_network_contains(&ports->addresses[j], &ports->gateways[i]) &&
                      !ip_address_equal(&ports->addresses[j].address, &ports->gateways[i]);
        if (!inside)
            config_error(errors, path, line_of(lines, "network.gateways"),
                         "network.gateways: expected a neighbour inside the prefix of one of our "
                         "addresses; found %s",
                         address_text(&ports->gateways[i], text));
    }
}

static void check_listeners(const struct config *config, const char *path,
                            struct config_errors *errors)
{
    for (uint32_t i = 0; i < config->listeners_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (config->listeners[i].port == config->listeners[j].port)
                config_error(errors, path, config->listeners[i].line,
                             "listeners[].port: expected each once; %u stands in line %u already",
                             config->listeners[i].port, config->listeners[j].line);
}

/* A connection has to hold a whole record (RFC 8446 section 5.2) before it can be opened. */
enum { TLS_WINDOW = 32768 };

static bool has_set(const struct config_tls *tls, const char *set)
{
    for (uint32_t i = 0; i < tls->certificates_count; i++)
        if (strcmp(tls->certificates[i].set, set) == 0)
            return true;
    return false;
}

/* Each listener with TLS has a certificate, and names sets that there are. */
static void check_certificates(const struct config *config, const struct config_listener *l,
                               const char *path, struct config_errors *errors)
{
    if (l->tls == LISTENER_CLEAR && l->certificates_count)
        config_error(errors, path, l->line,
                     "listeners[].certificates: expected none, since the listener has no tls");
    if (l->tls != LISTENER_CLEAR && !l->certificates_count && !has_set(&config->tls, ""))
        config_error(errors, path, l->line,
                     "listeners[].tls: expected none, since tls.certificates has none%s",
                     config->tls.certificates_count ? " without a set" : "");
    for (uint32_t i = 0; i < l->certificates_count; i++)
        if (!l->certificates[i][0] || !has_set(&config->tls, l->certificates[i]))
            config_error(errors, path, l->line,
                         "listeners[].certificates: expected sets of tls.certificates; none has "
                         "the set \"%s\"",
                         l->certificates[i]);
}

static void check_tls(const struct config *config, const char *path, const uint32_t *lines,
                      struct config_errors *errors)
{
    for (uint32_t i = 0; i < config->listeners_count; i++) {
        const struct config_listener *l = &config->listeners[i];

        check_certificates(config, l, path, errors);
        if (l->tls != LISTENER_CLEAR && config->engine.receive_window < TLS_WINDOW)
            config_error(errors, path, l->line,
                         "listeners[].tls: expected none, since engine.receive_window is less than "
                         "32KiB");
        if (l->client_certificates != CONFIG_CLIENTS_NONE && l->tls == LISTENER_CLEAR)
            config_error(errors, path, l->line,
                         "listeners[].client_certificates: expected none, since the listener has "
                         "no tls");
        if (l->client_certificates != CONFIG_CLIENTS_NONE && !config->tls.client_ca[0])
            config_error(errors, path, line_of(lines, "tls.client_ca"),
                         "tls.client_ca: expected a file, since a listener asks for certificates");
    }
}

/* Mail to <postmaster>, without a domain, is always taken (RFC 5321 section 4.5.1): somebody's. */
static void check_postmaster(const struct config *config, const char *path,
                             struct config_errors *errors)
{
    for (uint32_t i = 0; i < config->domains_count; i++)
        if (config->domains[i].class == DIRECTORY_LOCAL)
            return;
    for (uint32_t i = 0; i < config->listeners_count; i++)
        if (config->listeners[i].protocol == LISTENER_SMTP) {
            config_error(errors, path, config->listeners[i].line,
                         "domains: expected one of class local, since a listener speaks smtp: mail "
                         "to <postmaster> would lead nowhere");
            return;
        }
}

static void check_limits(const struct config *config, const char *path,
                         struct config_errors *errors)
{
    const struct config_limits *l = &config->limits;

    for (uint32_t i = 0; i < l->networks_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (l->networks[i].network.prefix == l->networks[j].network.prefix &&
                config_network_contains(&l->networks[j].network, &l->networks[i].network.address))
                config_error(errors, path, l->networks[i].line,
                             "limits.networks[].network: expected each once; the same stands in "
                             "line %u already",
                             l->networks[j].line);
}

bool config_endpoint(const char *text, struct ip_address *address_out, uint16_t *port_out)
{
    struct span s = span_text(text), address;
    const char *colon = strrchr(text, ':');
    size_t digits = colon ? strlen(colon + 1) : 0;
    uint32_t port = 0;

    if (!colon || digits == 0 || digits > 5)
        return false;
    for (const char *at = colon + 1; *at; at++) {
        if ((uint8_t)(*at - '0') >= 10)
            return false;
        port = port * 10 + (uint32_t)(*at - '0');
    }
    address = span_head(s, (size_t)(colon - text));
    if (address.len > 2 && address.data[0] == '[' && address.data[address.len - 1] == ']')
        address = span_of(address.data + 1, address.len - 2);
    else if (span_find(address, ':') >= 0)
        return false;
    *port_out = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX && ip_address_parse(address, address_out);
}

static void check_auth(struct config *config, const char *path, const uint32_t *lines,
                       struct config_errors *errors)
{
    struct config_auth *auth = &config->auth;

    if (!auth->mechanisms_count)
        auth->offered = (sasl_mechanism_bit(SASL_MECHANISMS) - 1) &
                        ~sasl_mechanism_bit(SASL_SCRAM_SHA_1) & config_oauth_mechanisms(config);
    for (uint32_t i = 0; i < auth->mechanisms_count; i++) {
        enum sasl_mechanism m = sasl_mechanism_find(span_text(auth->mechanisms[i]), UINT32_MAX);

        if (m == SASL_MECHANISMS)
            config_error(errors, path, line_of(lines, "auth.mechanisms"),
                         "auth.mechanisms: expected SCRAM-SHA-256-PLUS, SCRAM-SHA-256, "
                         "SCRAM-SHA-1, EXTERNAL, OAUTHBEARER, XOAUTH2, PLAIN or LOGIN; "
                         "found \"%s\"",
                         auth->mechanisms[i]);
        else
            auth->offered |= sasl_mechanism_bit(m);
    }
}

const char *config_hash_prefix(const struct config *config)
{
    static const char *const prefixes[] = {[CONFIG_HASH_YESCRYPT] = "$y$",
                                           [CONFIG_HASH_SCRYPT] = "$7$",
                                           [CONFIG_HASH_BCRYPT] = "$2b$",
                                           [CONFIG_HASH_SHA512] = "$6$"};

    return prefixes[config->directory.hash];
}

static void check_directory(const struct config *config, const char *path, const uint32_t *lines,
                            struct config_errors *errors)
{
    static const char *const known[] = {"yaml", "store", "ldap"};
    const struct config_directory *d = &config->directory;

    for (uint32_t i = 0; i < d->backends_count; i++) {
        bool found = false, twice = false;

        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
            found = found || strcmp(d->backends[i], known[k]) == 0;
        for (uint32_t k = 0; k < i; k++)
            twice = twice || strcmp(d->backends[i], d->backends[k]) == 0;
        if (!found || twice || (i > 0 && strcmp(d->backends[i], "yaml") == 0))
            config_error(
                errors, path, line_of(lines, "directory.backends"),
                "directory.backends: expected yaml first, then store and ldap, each once; found "
                "\"%s\"",
                d->backends[i]);
        if (strcmp(d->backends[i], "ldap") == 0 && !config->ldap_count)
            config_error(errors, path, line_of(lines, "directory.backends"),
                         "ldap: expected a directory, since directory.backends has ldap");
    }
}

/* Keys of one mechanism under the name of the other would only fail later. */
static void check_scram(const struct config *config, const char *path, struct config_errors *errors)
{
    for (uint32_t i = 0; i < config->accounts_count; i++) {
        const struct config_account *a = &config->accounts[i];

        if ((a->scram_sha_256[0] && strncmp(a->scram_sha_256, "SCRAM-SHA-256$", 14) != 0) ||
            (a->scram_sha_1[0] && strncmp(a->scram_sha_1, "SCRAM-SHA-1$", 12) != 0))
            config_error(errors, path, a->line,
                         "accounts[].scram_sha_256, accounts[].scram_sha_1: expected keys of "
                         "SCRAM-SHA-256$ and SCRAM-SHA-1$, each under its own name");
    }
}

static void check_send_as(const struct config *config, const char *path,
                          struct config_errors *errors)
{
    for (uint32_t i = 0; i < config->accounts_count; i++)
        for (uint32_t k = 0; k < config->accounts[i].send_as_count; k++) {
            uint8_t text[DIRECTORY_SENDER_KEY];
            struct writer w = writer_of(text, sizeof(text));

            if (!config_sender_key(&w, span_text(config->accounts[i].send_as[k])))
                config_error(errors, path, config->accounts[i].line,
                             "accounts[].send_as: expected addresses, or \"@\" and a domain");
        }
}

static void check_metrics(const struct config *config, const char *path, const uint32_t *lines,
                          struct config_errors *errors)
{
    struct ip_address address;
    uint16_t port;

    if (config->metrics_listen[0] && !config_endpoint(config->metrics_listen, &address, &port))
        config_error(errors, path, line_of(lines, "metrics.listen"),
                     "metrics.listen: expected an address and a port, such as 127.0.0.1:9109 or "
                     "[::1]:9109");
}

static void check_log(const struct config *config, const char *path, const uint32_t *lines,
                      struct config_errors *errors)
{
    if (config->log.target == LOG_TARGET_FILE && !config->log.path[0])
        config_error(errors, path, line_of(lines, "log.target"),
                     "log.path: expected a path, since log.target is file; it is missing");
}

/* At most so many entries are put: roles that a catch-all stands for, and the engine's own
 * postmasters, have their own. */
static uint64_t directory_entries(const struct config *config)
{
    uint64_t n = (uint64_t)config->domains_count + config->accounts_count + config->aliases_count;

    for (uint32_t i = 0; i < config->accounts_count; i++)
        n += config->accounts[i].send_as_count;

    for (uint32_t i = 0; i < config->domains_count; i++)
        n += config->domains[i].catch_all[0] ? 2 : 0;
    return config->domains_count ? n + 2 + config->network.addresses_count : n;
}

void config_warn(const struct config *config, struct writer *out)
{
    if (config->role == CONFIG_ROLE_TAP && config->tap.secrets && !config->tap.commands)
        writer_text(out, "tap.show_secrets: nothing shows them without tap.commands\n");
    if (config->submission.allow_cleartext)
        writer_text(out, "submission.allow_cleartext: names, passwords and mail of who logs in can "
                         "be read and changed by everybody on the way\n");
    if (config->role == CONFIG_ROLE_SERVE && config->store.kind == CONFIG_STORE_ROCKSDB &&
        !config->store.reserve)
        writer_text(out, "store.reserve: without one, a disk that is full may end the engine when "
                         "room comes back; all that was answered 250 is there after the next "
                         "start\n");
    config_warn_ldap(config, out);
}

static void check_serve(const char *path, const uint32_t *lines, struct config_errors *errors)
{
    if (line_of(lines, "tap"))
        config_error(errors, path, line_of(lines, "tap"),
                     "tap: expected nothing, since role is serve");
}

static void check_tap_port(const struct config_tap *tap, uint32_t i, const char *path,
                           struct config_errors *errors)
{
    const struct config_tap_port *port = &tap->ports[i];
    bool eal = port->pmd == CONFIG_PMD_EAL;

    if (eal ? !port->device[0] : !port->interface[0])
        config_error(errors, path, port->line, "tap.ports[].%s",
                     eal ? "device: expected a device as DPDK names it, since pmd is eal; it is "
                           "missing"
                         : "interface: expected the name of a kernel interface; it is missing");
    for (uint32_t j = 0; j < i; j++)
        if (!eal && strcmp(port->interface, tap->ports[j].interface) == 0)
            config_error(errors, path, port->line,
                         "tap.ports[].interface: expected each once; the same stands in line %u "
                         "already",
                         tap->ports[j].line);
}

/* What a tap has no use for would only look as if it did something. */
static void check_tap(const struct config *config, const char *path, const uint32_t *lines,
                      struct config_errors *errors)
{
    static const char *const others[] = {"engine.pmd",
                                         "engine.interface",
                                         "engine.device",
                                         "engine.connections",
                                         "engine.half_open",
                                         "engine.send_limit",
                                         "engine.time_wait",
                                         "engine.receive_window",
                                         "engine.chunks_large",
                                         "engine.chunks_medium",
                                         "engine.chunks_small",
                                         "engine.jobs",
                                         "engine.records",
                                         "tcp",
                                         "network",
                                         "listeners",
                                         "smtp",
                                         "limits",
                                         "greylist",
                                         "spf",
                                         "directory",
                                         "auth",
                                         "submission",
                                         "pop3",
                                         "store",
                                         "quarantine",
                                         "audit",
                                         "rules.streams",
                                         "domains",
                                         "accounts",
                                         "aliases",
                                         "ldap",
                                         "metrics",
                                         "api",
                                         "records.privacy",
                                         "profile"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (line_of(lines, others[i]))
            config_error(errors, path, line_of(lines, others[i]),
                         "%s: expected nothing, since role is tap", others[i]);
    for (uint32_t i = 0; i < config->tap.ports_count; i++)
        check_tap_port(&config->tap, i, path, errors);
}

void config_check(struct config *config, const char *path, const uint32_t *lines,
                  struct config_errors *errors)
{
    uint64_t entries = directory_entries(config);

    if (config->role == CONFIG_ROLE_TAP)
        check_tap(config, path, lines, errors);
    else
        check_serve(path, lines, errors);
    check_engine(config, path, lines, errors);
    check_network(config, path, lines, errors);
    check_listeners(config, path, errors);
    check_auth(config, path, lines, errors);
    config_check_oauth(config, path, errors);
    check_directory(config, path, lines, errors);
    check_scram(config, path, errors);
    check_send_as(config, path, errors);
    check_tls(config, path, lines, errors);
    check_metrics(config, path, lines, errors);
    config_check_api(config, path, errors);
    config_check_imap(config, path, errors);
    check_log(config, path, lines, errors);
    check_limits(config, path, errors);
    if (config->quarantine.full && config->quarantine.quota &&
        config->quarantine.quota < config->smtp.message_size)
        config_error(errors, path, line_of(lines, "quarantine.quota"),
                     "quarantine.quota: expected at least smtp.message_size with `full: defer`, or "
                     "the largest messages would be deferred for ever");
    if (entries > (uint64_t)config->engine.directory)
        config_error(errors, path, line_of(lines, "engine.directory"),
                     "engine.directory: expected room for all domains and addresses, %llu in all",
                     (unsigned long long)entries);
    if (!config_check_addresses(config, path, errors) || !config_check_ldap(config, path, errors) ||
        !config_check_maps(config, path, errors))
        config_error(errors, path, 0, "out of memory");
    check_postmaster(config, path, errors);
}
