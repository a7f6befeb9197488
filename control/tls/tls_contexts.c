/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_contexts.h"

#include <openssl/err.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "control/log/log.h"
#include "control/tls/tls_certificate.h"
#include "control/tls/tls_handshake.h"
#include "control/tls/tls_identity.h"
#include "control/tls/tls_tickets.h"
#include "dataplane/handoff/settings.h"
#include "dataplane/handoff/tls_keys.h"

/* One ticket: who has several connections gets one on each. */
enum { SUITES_TEXT = 2048, TICKETS = 1, KINDS = 8 };

/* What a listener's context is made of; the context leads to it. */
struct tls_set {
    struct tls_contexts *home;
    SSL_CTX *context;
    const struct tls_certificate **certificates; /* of the home's, those that it has */
    uint32_t certificate_count;
    uint16_t port;
    uint8_t protocol;
};

struct tls_contexts {
    struct tls_certificate *certificates;
    uint32_t certificate_count;
    struct tls_identities *identities;
    struct tls_set sets[SETTINGS_LISTENERS];
    uint32_t set_count;
    int64_t warning;         /* seconds */
    _Atomic uint32_t others; /* users beside the first: handshakes that outlive a reload */
};

/* ---- the choice of a certificate ---- */

/* Uses, of each kind of key, the first certificate that is for the name, or the first at all. True
 * if there was one. */
static bool use_certificates(SSL *ssl, const struct tls_set *set, const char *name)
{
    int used[KINDS], used_count = 0;

    for (uint32_t i = 0; i < set->certificate_count; i++) {
        const struct tls_certificate *c = set->certificates[i];
        int kind = EVP_PKEY_get_base_id(c->key);
        bool again = false;

        for (int k = 0; k < used_count; k++)
            again |= used[k] == kind;
        if (again || used_count == KINDS || (name && !tls_certificate_names(c, name)))
            continue;
        if (SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) == 1)
            used[used_count++] = kind;
    }
    return used_count > 0;
}

/* OpenSSL then takes the kind that the client can verify. */
static int choose_certificate(SSL *ssl, void *arg)
{
    const struct tls_set *set = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    return (name && use_certificates(ssl, set, name)) || use_certificates(ssl, set, NULL);
}

/* The staple of the certificate that was chosen. */
static int give_staple(SSL *ssl, void *arg)
{
    const struct tls_set *set = arg;
    const X509 *chosen = SSL_get_certificate(ssl);

    for (uint32_t i = 0; i < set->certificate_count; i++) {
        const struct tls_certificate *c = set->certificates[i];
        uint8_t *copy;

        if (c->leaf != chosen || !c->staple)
            continue;
        copy = OPENSSL_memdup(c->staple, c->staple_len);
        if (!copy)
            break;
        SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->staple_len);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/*
 * ProtocolNameList (RFC 7301 section 3.1). Of ours only POP3 has a registered name; who offers
 * others alone is not let in, lest one protocol's bytes be taken for another's.
 */
static const char *const alpn_names[] = {
    [LISTENER_POP3] = "\4pop3", [LISTENER_IMAP] = "\4imap", [LISTENER_SUBMISSION] = NULL};

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned int in_len, void *arg)
{
    const char *name = arg;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, (const unsigned char *)name,
                              (unsigned int)strlen(name), in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- making ---- */

/* Suites of a profile: Mozilla's lists. "old" adds those with CBC and without forward secrecy. */
static bool in_profile(const struct tls_suite *suite, int profile)
{
    bool forward = suite->tls13 || strstr(suite->openssl, "DHE-");

    if (profile == CONFIG_TLS_MODERN)
        return suite->tls13;
    return profile == CONFIG_TLS_OLD || (forward && !suite->mac);
}

static bool set_suites(SSL_CTX *context, int profile)
{
    char texts[2][SUITES_TEXT] = {"", ""};
    const struct tls_suite *suite;

    for (uint32_t i = 0; (suite = tls_suite_at(i)) != NULL; i++) {
        char *text = texts[suite->tls13];

        if (!in_profile(suite, profile))
            continue;
        if (text[0])
            strcat(text, ":");
        strcat(text, suite->openssl);
    }
    return SSL_CTX_set_ciphersuites(context, texts[1]) == 1 &&
           (!texts[0][0] || SSL_CTX_set_cipher_list(context, texts[0]) == 1);
}

static int least_version(int profile)
{
    return profile == CONFIG_TLS_MODERN ? TLS1_3_VERSION
           : profile == CONFIG_TLS_OLD  ? TLS1_VERSION
                                        : TLS1_2_VERSION;
}

/* TLS 1.0 and 1.1 sign with MD5 and SHA-1, which OpenSSL has at its lowest level alone. What is
 * asked of clients' certificates stays as it was. */
static void allow_old(SSL_CTX *context)
{
    X509_VERIFY_PARAM_set_auth_level(SSL_CTX_get0_param(context),
                                     SSL_CTX_get_security_level(context));
    SSL_CTX_set_security_level(context, 0);
}

/* No compression, no renegotiation (RFC 9325 sections 3.3 and 3.5), no early data: OpenSSL's
 * default. */
static bool set_context(SSL_CTX *context, const struct config_tls *config)
{
    uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;

    if (config->profile == CONFIG_TLS_OLD) {
        options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
        allow_old(context);
    }
    SSL_CTX_set_options(context, options);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_dh_auto(context, 1);
    return SSL_CTX_set_min_proto_version(context, least_version(config->profile)) == 1 &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1 &&
           set_suites(context, config->profile);
}

/* Clients show a certificate where they are asked for one; whether it must be a good one is the
 * listener's matter. */
static bool set_clients(SSL_CTX *context, const struct config *config,
                        const struct config_listener *listener, struct writer *why)
{
    static const char id[] = "wirepost";
    int mode = SSL_VERIFY_PEER;

    SSL_CTX_set_session_id_context(context, (const unsigned char *)id, sizeof(id) - 1);
    if (listener->client_certificates == CONFIG_CLIENTS_NONE)
        return true;
    if (listener->client_certificates == CONFIG_CLIENTS_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (SSL_CTX_load_verify_file(context, config->tls.client_ca) != 1) {
        ERR_clear_error();
        writer_printf(why, "tls.client_ca: %s has no certificates in PEM that can be read\n",
                      config->tls.client_ca);
        return false;
    }
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(config->tls.client_ca));
    SSL_CTX_set_verify(
        context, mode,
        listener->client_certificates == CONFIG_CLIENTS_ASK ? tls_handshake_accept_any : NULL);
    return true;
}

/* Whether the listener has a certificate of that set. */
static bool has_set(const struct config_listener *listener, const char *set)
{
    for (uint32_t i = 0; i < listener->certificates_count; i++)
        if (strcmp(listener->certificates[i], set) == 0)
            return true;
    return listener->certificates_count == 0 && !set[0];
}

static bool choose_certificates(struct tls_set *set, const struct config_listener *listener)
{
    const struct tls_contexts *home = set->home;

    set->certificates = calloc(home->certificate_count + 1, sizeof(*set->certificates));
    for (uint32_t i = 0; set->certificates && i < home->certificate_count; i++)
        if (has_set(listener, home->certificates[i].set))
            set->certificates[set->certificate_count++] = &home->certificates[i];
    return set->certificates;
}

static bool add_set(struct tls_contexts *contexts, const struct config *config,
                    const struct config_listener *listener, struct tls_tickets *tickets,
                    struct writer *why)
{
    struct tls_set *set = &contexts->sets[contexts->set_count];
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context || !set_context(context, &config->tls)) {
        ERR_clear_error();
        SSL_CTX_free(context);
        writer_text(why, "tls: OpenSSL has not what the profile asks for\n");
        return false;
    }
    *set = (struct tls_set){.home = contexts,
                            .context = context,
                            .port = listener->port,
                            .protocol = (uint8_t)listener->protocol};
    contexts->set_count++;
    SSL_CTX_set_cert_cb(context, choose_certificate, set);
    SSL_CTX_set_tlsext_status_cb(context, give_staple);
    SSL_CTX_set_tlsext_status_arg(context, set);
    if (alpn_names[listener->protocol])
        SSL_CTX_set_alpn_select_cb(context, choose_protocol,
                                   (void *)alpn_names[listener->protocol]);
    /* A relay on port 25 does not log in. */
    tls_handshake_prepare(context, listener->protocol != LISTENER_SMTP);
    tls_identities_use(contexts->identities, context);
    tls_tickets_use(tickets, context, TICKETS);
    return choose_certificates(set, listener) && set_clients(context, config, listener, why);
}

static bool load_certificates(struct tls_contexts *contexts, const struct config_tls *config,
                              struct writer *why)
{
    bool ok = true;

    contexts->certificates =
        calloc(config->certificates_count + 1, sizeof(*contexts->certificates));
    for (uint32_t i = 0; contexts->certificates && i < config->certificates_count; i++)
        if (tls_certificate_load(&contexts->certificates[contexts->certificate_count],
                                 &config->certificates[i], why))
            contexts->certificate_count++;
        else
            ok = false;
    return ok && contexts->certificates;
}

struct tls_contexts *tls_contexts_new(const struct config *config, struct tls_tickets *tickets,
                                      struct writer *why)
{
    struct tls_contexts *contexts = calloc(1, sizeof(*contexts));
    bool ok = contexts && load_certificates(contexts, &config->tls, why);

    if (contexts) {
        contexts->warning = config->tls.expiry_warning / 1000000;
        contexts->identities = tls_identities_new(&config->auth);
        ok = ok && contexts->identities;
    }
    for (uint32_t i = 0; ok && i < config->listeners_count; i++)
        if (config->listeners[i].tls != LISTENER_CLEAR)
            ok = add_set(contexts, config, &config->listeners[i], tickets, why);
    if (ok)
        return contexts;
    tls_contexts_free(contexts);
    return NULL;
}

struct tls_contexts *tls_contexts_share(struct tls_contexts *contexts)
{
    atomic_fetch_add(&contexts->others, 1);
    return contexts;
}

static void free_set(struct tls_set *set)
{
    SSL_CTX_free(set->context);
    free(set->certificates);
}

void tls_contexts_free(struct tls_contexts *contexts)
{
    if (!contexts || atomic_fetch_sub(&contexts->others, 1) > 0)
        return;
    for (uint32_t i = 0; i < contexts->set_count; i++)
        free_set(&contexts->sets[i]);
    for (uint32_t i = 0; i < contexts->certificate_count; i++)
        tls_certificate_fini(&contexts->certificates[i]);
    free(contexts->certificates);
    tls_identities_free(contexts->identities);
    free(contexts);
}

SSL_CTX *tls_contexts_find(const struct tls_contexts *contexts, uint16_t port)
{
    for (uint32_t i = 0; i < contexts->set_count; i++)
        if (contexts->sets[i].port == port)
            return contexts->sets[i].context;
    return NULL;
}

int64_t tls_contexts_expiry(const struct tls_contexts *contexts)
{
    int64_t first = INT64_MAX;

    for (uint32_t i = 0; i < contexts->certificate_count; i++)
        if (contexts->certificates[i].expires < first)
            first = contexts->certificates[i].expires;
    return first;
}

void tls_contexts_warn(const struct tls_contexts *contexts, int64_t now)
{
    for (uint32_t i = 0; i < contexts->certificate_count; i++) {
        int64_t left = contexts->certificates[i].expires - now;

        if (left < contexts->warning)
            LOG(WARNING, "certificate %s expires in %lld days", contexts->certificates[i].path,
                (long long)(left > 0 ? left / 86400 : 0));
    }
}

bool tls_contexts_check(const struct config *config, struct writer *why)
{
    bool keys = tls_tickets_check(&config->tls, why);
    struct tls_contexts *contexts = tls_contexts_new(config, NULL, why);

    tls_contexts_free(contexts);
    return keys && contexts;
}
