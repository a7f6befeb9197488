/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_caller.h"

#include <openssl/err.h>
#include <stdlib.h>

enum { SUITES_TEXT = 1024 };

struct tls_caller {
    struct tls_caller_options options;
    SSL_CTX *context;
    SSL_SESSION *session; /* NULL: none was given yet */
};

struct tls_attempt {
    struct tls_caller *client;
    struct tls_handshake *handshake;
    SSL_SESSION *tried;        /* what it is to resume, a copy: OpenSSL lets each be tried once */
    const SSL_SESSION *source; /* of which; may be gone */
    bool listens;
};

/* ---- the context ---- */

/* Takes over a session, by a ticket of TLS 1.3 or at the end of a handshake of 1.2. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_caller *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(client->session);
    client->session = session;
    return 1;
}

static const struct tls_suite *find_suite(struct span name)
{
    const struct tls_suite *suite;

    for (uint32_t i = 0; (suite = tls_suite_at(i)) != NULL; i++)
        if (span_equal(name, span_text(suite->openssl)))
            return suite;
    return NULL;
}

static void add_suite(char texts[2][SUITES_TEXT], const struct tls_suite *suite)
{
    char *text = texts[suite->tls13];
    size_t len = strlen(text);

    if (len + strlen(suite->openssl) + 2 <= SUITES_TEXT)
        snprintf(text + len, SUITES_TEXT - len, "%s%s", len ? ":" : "", suite->openssl);
}

/* suites = name *( ":" name ); the record layer has to know each of them. By themselves those with
 * CBC are not offered. */
static bool read_suites(const char *names, char texts[2][SUITES_TEXT])
{
    const struct tls_suite *suite;
    struct span rest = span_text(names ? names : "");

    for (uint32_t i = 0; !names && (suite = tls_suite_at(i)) != NULL; i++)
        if (!suite->mac)
            add_suite(texts, suite);
    while (rest.len) {
        ptrdiff_t colon = span_find(rest, ':');
        struct span name = span_head(rest, colon < 0 ? rest.len : (size_t)colon);

        suite = find_suite(name);
        if (!suite)
            return false;
        add_suite(texts, suite);
        rest = span_skip(rest, name.len + (colon >= 0));
    }
    return texts[0][0] || texts[1][0];
}

/* A version of which no suite was named is not offered. */
static bool set_versions(SSL_CTX *context, uint16_t only, char texts[2][SUITES_TEXT])
{
    int least = texts[0][0] ? TLS1_2_VERSION : TLS1_3_VERSION;
    int most = texts[1][0] ? TLS1_3_VERSION : TLS1_2_VERSION;

    if (only && (only < least || only > most))
        return false;
    return SSL_CTX_set_min_proto_version(context, only ? only : least) == 1 &&
           SSL_CTX_set_max_proto_version(context, only ? only : most) == 1 &&
           SSL_CTX_set_ciphersuites(context, texts[1]) == 1 &&
           (!texts[0][0] || SSL_CTX_set_cipher_list(context, texts[0]) == 1);
}

static bool set_context(struct tls_caller *client, struct writer *why)
{
    const struct tls_caller_options *o = &client->options;
    char texts[2][SUITES_TEXT] = {"", ""};

    SSL_CTX_set_app_data(client->context, client);
    SSL_CTX_set_session_cache_mode(client->context,
                                   o->resumes ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                              : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_new_cb(client->context, keep_session);
    tls_handshake_prepare(client->context, false);
    if (!read_suites(o->suites, texts) || !set_versions(client->context, o->version, texts)) {
        writer_text(why, "no such suites, or none of that version");
        return false;
    }
    if (o->ca && SSL_CTX_load_verify_file(client->context, o->ca) != 1) {
        writer_printf(why, "%s has no certificates in PEM that can be read", o->ca);
        return false;
    }
    SSL_CTX_set_verify(client->context, o->ca ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    return true;
}

struct tls_caller *tls_caller_new(const struct tls_caller_options *options, struct writer *why)
{
    struct tls_caller *client = calloc(1, sizeof(*client));

    if (client) {
        client->options = *options;
        client->context = SSL_CTX_new(TLS_client_method());
    }
    if (client && client->context && set_context(client, why))
        return client;
    ERR_clear_error();
    tls_caller_free(client);
    return NULL;
}

void tls_caller_free(struct tls_caller *client)
{
    if (!client)
        return;
    SSL_SESSION_free(client->session);
    SSL_CTX_free(client->context);
    free(client);
}

/* ---- handshakes ---- */

struct tls_attempt *tls_caller_begin(struct tls_caller *client, bool resume)
{
    struct tls_attempt *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    *a = (struct tls_attempt){.client = client};
    if (resume && client->session) {
        a->tried = SSL_SESSION_dup(client->session);
        a->source = client->session;
    }
    a->handshake = tls_handshake_new_client(client->context, client->options.name, a->tried);
    if (!a->handshake) {
        tls_attempt_free(a);
        return NULL;
    }
    a->listens = client->options.resumes && !client->session;
    if (a->listens)
        tls_handshake_keep(a->handshake);
    return a;
}

/* A session that the server does not take any more is not tried again. */
static void forget_refused(struct tls_attempt *a)
{
    struct tls_caller *client = a->client;

    if (!a->tried || a->source != client->session || tls_attempt_outcome(a)->resumed)
        return;
    SSL_SESSION_free(client->session);
    client->session = NULL;
}

enum tls_step tls_attempt_feed(struct tls_attempt *a, struct span in, struct span *out,
                               uint32_t *taken_out)
{
    enum tls_step step = tls_handshake_feed(a->handshake, in, out, taken_out);

    if (step == TLS_STEP_DONE)
        forget_refused(a);
    return step;
}

const struct tls_outcome *tls_attempt_outcome(const struct tls_attempt *a)
{
    return tls_handshake_outcome(a->handshake);
}

const char *tls_attempt_why(const struct tls_attempt *a)
{
    return tls_handshake_why(a->handshake);
}

bool tls_attempt_listens(const struct tls_attempt *a)
{
    return a->listens;
}

bool tls_attempt_listen(struct tls_attempt *a, struct span record)
{
    a->listens = a->listens && !a->client->session && tls_handshake_listen(a->handshake, record) &&
                 !a->client->session;
    return a->listens;
}

void tls_attempt_free(struct tls_attempt *a)
{
    if (!a)
        return;
    tls_handshake_free(a->handshake);
    SSL_SESSION_free(a->tried);
    free(a);
}
