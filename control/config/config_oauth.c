/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"
#include "control/config/config_settings.h"
#include "proto/sasl/sasl_bearer.h"
#include "proto/sasl/sasl_mechanism.h"

/* Who proves identities other than by passwords: issuers of tokens, certificates of clients. */

uint32_t config_oauth_mechanisms(const struct config *config)
{
    uint32_t all = sasl_mechanism_bit(SASL_MECHANISMS) - 1;

    if (!config->oauth.issuers_count)
        all &= ~(sasl_mechanism_bit(SASL_OAUTHBEARER) | sasl_mechanism_bit(SASL_XOAUTH2));
    if (!config->auth.certificates_count && !config->auth.certificate_email)
        all &= ~sasl_mechanism_bit(SASL_EXTERNAL);
    return all;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Tokens, secrets and keys do not travel in the clear, but on the machine itself. */
static bool is_safe_url(const char *text)
{
    static const char *const near[] = {"http://localhost", "http://127.0.0.1", "http://[::1]"};

    if (starts(text, "https://"))
        return text[8] != 0;
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
        if (starts(text, near[i]) && strchr(":/", text[strlen(near[i])]))
            return true;
    return false;
}

void config_oauth_discovery(const struct config_issuer *i, struct writer *w)
{
    size_t n = strlen(i->issuer);

    if (i->discovery[0]) {
        writer_text(w, i->discovery);
        return;
    }
    if (!is_safe_url(i->issuer))
        return;
    writer_span_put(w, span_of(i->issuer, n - (i->issuer[n - 1] == '/')));
    writer_text(w, "/.well-known/openid-configuration");
}

void config_oauth_scope(const struct config_issuer *i, struct writer *w)
{
    for (uint32_t k = 0; k < i->scope_count; k++) {
        writer_text(w, k ? " " : "");
        writer_text(w, i->scope[k]);
    }
}

static bool is_algorithm(const char *name)
{
    return strcmp(name, "RS256") == 0 || strcmp(name, "ES256") == 0 || strcmp(name, "EdDSA") == 0;
}

static const char *fault_of(const struct config_issuer *i)
{
    char told[SASL_DISCOVERY_MAX + 64];
    struct writer discovery = writer_of(told, sizeof(told));
    char wanted[SASL_SCOPE_MAX];
    struct writer scope = writer_of(wanted, sizeof(wanted));

    config_oauth_discovery(i, &discovery);
    config_oauth_scope(i, &scope);
    if (i->keys[0] && i->keys[0] != '/' && !is_safe_url(i->keys))
        return "keys: expected an absolute path or a URL of https (http on localhost alone)";
    if (i->discovery[0] && !is_safe_url(i->discovery))
        return "discovery: expected a URL of https (http on localhost alone)";
    if (i->introspection[0] && !is_safe_url(i->introspection))
        return "introspection: expected a URL of https (http on localhost alone)";
    if (!i->keys[0] && !i->introspection[0] && !discovery.len)
        return "keys: expected where they are, since the issuer is no URL of https";
    if (i->client_secret[0] && !i->client_id[0])
        return "client_id: expected one, since there is a client_secret";
    if (discovery.len > SASL_DISCOVERY_MAX || !sasl_refusal_text_good(writer_span(&discovery)))
        return "discovery: expected 256 characters at most, without quotes and backslashes";
    if (scope.full || !sasl_refusal_text_good(writer_span(&scope)))
        return "scope: expected 160 characters at most in all, without quotes and backslashes";
    for (uint32_t k = 0; k < i->algorithms_count; k++)
        if (!is_algorithm(i->algorithms[k]))
            return "algorithms: expected RS256, ES256 or EdDSA";
    return NULL;
}

static bool is_fingerprint(const char *text)
{
    int digits = 0;

    for (; *text; text++)
        if (*text != ':') {
            if (!strchr("0123456789abcdefABCDEF", *text))
                return false;
            digits++;
        }
    return digits == 64;
}

static void check_identities(const struct config *config, const char *path,
                             struct config_errors *errors)
{
    for (uint32_t i = 0; i < config->auth.certificates_count; i++) {
        const struct config_identity *c = &config->auth.certificates[i];

        if (!c->fingerprint[0] == !c->subject[0])
            config_error(errors, path, c->line,
                         "auth.certificates[]: expected either a fingerprint or a subject");
        else if (c->fingerprint[0] && !is_fingerprint(c->fingerprint))
            config_error(errors, path, c->line,
                         "auth.certificates[].fingerprint: expected the 64 digits of SHA-256");
    }
}

void config_check_oauth(const struct config *config, const char *path, struct config_errors *errors)
{
    static const struct {
        enum sasl_mechanism mechanism;
        const char *wants;
    } needs[] = {{SASL_OAUTHBEARER, "OAUTHBEARER needs oauth.issuers"},
                 {SASL_XOAUTH2, "XOAUTH2 needs oauth.issuers"},
                 {SASL_EXTERNAL, "EXTERNAL needs auth.certificates or auth.certificate_email"}};

    for (uint32_t i = 0; i < config->oauth.issuers_count; i++) {
        const char *fault = fault_of(&config->oauth.issuers[i]);

        if (fault)
            config_error(errors, path, config->oauth.issuers[i].line, "oauth.issuers[].%s", fault);
    }
    check_identities(config, path, errors);
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        if (config->auth.offered & ~config_oauth_mechanisms(config) &
            sasl_mechanism_bit(needs[i].mechanism))
            config_error(errors, path, 0, "auth.mechanisms: %s", needs[i].wants);
}
