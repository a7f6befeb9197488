/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OpenSSL as the client of a handshake of ours and of the records behind it: each version with each
 * suite that it has, both orders of encryption and MAC, whole and resumed.
 */
#include <openssl/err.h>
#include <stdlib.h>

#include "control/tls/tls_handshake.h"
#include "dataplane/tls/tls_stream.h"
#include "tests/harness/check.h"
#include "tests/tls/server_context.h"

enum { WIRE = 1 << 17 };

static struct tls_crypto *crypto;
static SSL_CTX *servers[2]; /* with ECDSA, with RSA */

struct peer {
    SSL *ssl;
    BIO *in, *out;
    struct tls_stream stream;
    bool resumed, ready;
    uint8_t wire[WIRE]; /* what the client has sent and we have not read */
    size_t len;
};

struct kind {
    const struct tls_suite *suite;
    uint16_t version;
    bool etm;
};

static void set_up(SSL_CTX *context, const struct kind *k)
{
    SSL_CTX_set_security_level(context, 0);
    CHECK(SSL_CTX_set_min_proto_version(context, k->version) == 1);
    CHECK(SSL_CTX_set_max_proto_version(context, k->version) == 1);
    CHECK(k->suite->tls13 ? SSL_CTX_set_ciphersuites(context, k->suite->openssl) == 1
                          : SSL_CTX_set_cipher_list(context, k->suite->openssl) == 1);
    SSL_CTX_set_dh_auto(context, 1);
}

static SSL_CTX *server_for(const struct kind *k)
{
    SSL_CTX *context = servers[!strstr(k->suite->openssl, "ECDSA")];

    set_up(context, k);
    return context;
}

static SSL_CTX *client_for(const struct kind *k)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    set_up(context, k);
    if (!k->etm)
        SSL_CTX_set_options(context, SSL_OP_NO_ENCRYPT_THEN_MAC);
    return context;
}

/* What the client has to send comes behind what was not read yet. */
static void hear(struct peer *p)
{
    int n = BIO_read(p->out, p->wire + p->len, (int)(WIRE - p->len));

    p->len += n > 0 ? (size_t)n : 0;
}

static void heard(struct peer *p, size_t n)
{
    memmove(p->wire, p->wire + n, p->len - n);
    p->len -= n;
}

/* A step of each side, in pieces of one record. */
static enum tls_step step(struct peer *p, struct tls_handshake *server)
{
    enum tls_step result = TLS_STEP_MORE;
    struct span out;
    uint32_t taken;

    SSL_do_handshake(p->ssl);
    hear(p);
    while (p->len && result == TLS_STEP_MORE) {
        size_t len = tls_record_length(p->wire);

        result = tls_handshake_feed(server, span_of(p->wire, len), &out, &taken);
        BIO_write(p->in, out.data, (int)out.len);
        heard(p, taken);
    }
    return result;
}

static bool connect_peer(struct peer *p, SSL_CTX *server_context, SSL_CTX *client,
                         SSL_SESSION *session)
{
    struct tls_handshake *server = tls_handshake_new(server_context);
    enum tls_step result = TLS_STEP_MORE;

    *p = (struct peer){.ssl = SSL_new(client), .in = BIO_new(BIO_s_mem()), .out = BIO_new(BIO_s_mem())};
    BIO_set_mem_eof_return(p->in, -1);
    SSL_set_bio(p->ssl, p->in, p->out);
    SSL_set_connect_state(p->ssl);
    if (session)
        SSL_set_session(p->ssl, session);
    for (int i = 0; i < 4 && result == TLS_STEP_MORE; i++)
        result = step(p, server);
    if (result == TLS_STEP_DONE) {
        const struct tls_outcome *o = tls_handshake_outcome(server);

        p->ready = tls_stream_init(&p->stream, crypto, &o->keys) && SSL_do_handshake(p->ssl) == 1;
        p->resumed = o->resumed;
        hear(p);
    }
    tls_handshake_free(server);
    return p->ready;
}

static void leave(struct peer *p)
{
    SSL_free(p->ssl);
    ERR_clear_error();
}

/* The data of all records that are there; the event that ended it. */
static enum tls_event read_all(struct peer *p, uint8_t *data, size_t *len_out)
{
    static uint8_t room[TLS_SEALED_MAX];
    enum tls_event event = TLS_EVENT_NONE;
    struct span got;

    *len_out = 0;
    while (p->len && (event == TLS_EVENT_NONE || event == TLS_EVENT_DATA)) {
        size_t len = tls_record_length(p->wire);

        event = tls_stream_open(&p->stream, crypto, span_of(p->wire, len), room, &got);
        if (event == TLS_EVENT_DATA) {
            memcpy(data + *len_out, got.data, got.len);
            *len_out += got.len;
            tls_stream_taken(&p->stream);
        }
        heard(p, len);
    }
    return event;
}

static void exchange(struct peer *p)
{
    static const size_t sizes[] = {1, 2, 15, 16, 31, 32, 33, 1000, 16383, 16384};
    static uint8_t data[TLS_PLAIN_MAX], got[2 * TLS_PLAIN_MAX], sealed[TLS_PLAIN_MAX + TLS_STREAM_ROOM];
    size_t len;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 13);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int read = 0, n;

        CHECK(SSL_write(p->ssl, data, (int)sizes[i]) == (int)sizes[i]);
        hear(p);
        CHECK(read_all(p, got, &len) == TLS_EVENT_DATA);
        CHECK(span_equal(span_of(got, len), span_of(data, sizes[i])));
        len = tls_stream_seal(&p->stream, crypto, span_of(data, sizes[i]), sealed);
        CHECK(BIO_write(p->in, sealed, (int)len) == (int)len);
        while ((n = SSL_read(p->ssl, got + read, (int)sizeof(got) - read)) > 0)
            read += n;
        CHECK(span_equal(span_of(got, (size_t)read), span_of(data, sizes[i])));
    }
}

static void close_both(struct peer *p)
{
    uint8_t byte, sealed[TLS_STREAM_ROOM];
    size_t len;

    SSL_shutdown(p->ssl);
    hear(p);
    CHECK(read_all(p, &byte, &len) == TLS_EVENT_CLOSED);
    len = tls_stream_end(&p->stream, crypto, sealed);
    BIO_write(p->in, sealed, (int)len);
    CHECK(SSL_shutdown(p->ssl) == 1);
}

/* Any byte that is changed ends it, and the client is told so under its keys. */
static void forge(struct peer *p, size_t at)
{
    static uint8_t got[64];
    uint8_t sealed[TLS_STREAM_ROOM];
    size_t len, last = 0;

    SSL_write(p->ssl, "secret", 6);
    hear(p);
    /* Before the last record OpenSSL may have put an empty one. */
    for (size_t i = 0; i < p->len; i += tls_record_length(p->wire + i))
        last = i;
    p->wire[last + TLS_HEADER + at % (p->len - last - TLS_HEADER)] ^= 0x10;
    CHECK(read_all(p, got, &len) == TLS_EVENT_BAD);
    CHECK(len == 0 && p->stream.alert == TLS_ALERT_BAD_RECORD_MAC);
    len = tls_stream_end(&p->stream, crypto, sealed);
    BIO_write(p->in, sealed, (int)len);
    ERR_clear_error();
    CHECK(SSL_read(p->ssl, got, sizeof(got)) <= 0);
    CHECK(ERR_GET_REASON(ERR_peek_error()) == SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

static void try(const struct kind *k)
{
    static struct peer p;
    SSL_CTX *client = client_for(k), *server = server_for(k);
    SSL_SESSION *session = NULL;

    for (int round = 0; round < 3; round++) {
        if (!CHECK(connect_peer(&p, server, client, session))) {
            fprintf(stderr, "# %s %s\n", tls_version_text(k->version), k->suite->name);
            leave(&p);
            break;
        }
        CHECK(p.stream.record.version == k->version && p.stream.record.suite == k->suite);
        CHECK(p.stream.record.etm == k->etm && p.resumed == (round > 0));
        exchange(&p);
        SSL_SESSION_free(session);
        session = SSL_get1_session(p.ssl);
        close_both(&p);
        leave(&p);
    }
    for (size_t at = 0; at < 48; at += 5)
        if (CHECK(connect_peer(&p, server, client, session))) {
            forge(&p, at);
            leave(&p);
        }
    SSL_SESSION_free(session);
    SSL_CTX_free(client);
}

static void try_version(uint16_t version)
{
    const struct tls_suite *suite;
    uint32_t tried = 0;

    for (uint32_t i = 0; (suite = tls_suite_at(i)) != NULL; i++)
        for (int etm = 0; etm <= (suite->mac != TLS_HASH_NONE); etm++)
            if (tls_suite_is_of(suite, version)) {
                struct kind k = {suite, version, etm};

                try(&k);
                tried++;
            }
    CHECK(tried > 0);
}

static void each_suite_of_tls10(void)
{
    try_version(TLS_VERSION_1_0);
}

static void each_suite_of_tls11(void)
{
    try_version(TLS_VERSION_1_1);
}

static void each_suite_of_tls12(void)
{
    try_version(TLS_VERSION_1_2);
}

static void each_suite_of_tls13(void)
{
    try_version(TLS_VERSION_1_3);
}

int main(void)
{
    check_begin();
    crypto = tls_crypto_new();
    servers[0] = server_context(EVP_EC_gen("P-256"));
    servers[1] = server_context(EVP_RSA_gen(2048));
    CHECK_CASE(each_suite_of_tls10);
    CHECK_CASE(each_suite_of_tls11);
    CHECK_CASE(each_suite_of_tls12);
    CHECK_CASE(each_suite_of_tls13);
    SSL_CTX_free(servers[0]);
    SSL_CTX_free(servers[1]);
    tls_crypto_free(crypto);
    return check_end();
}
