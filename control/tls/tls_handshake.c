/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_handshake.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "control/tls/tls_binding.h"
#include "control/tls/tls_identity.h"
#include "control/tls/tls_key_block.h"
#include "proto/tls/tls_hello.h"

enum {
    RANDOM = 32,
    MAC = 20, /* of all suites of TLS 1.0 */
    TAIL = TLS_BLOCK + MAC,
};

struct tls_handshake {
    SSL *ssl; /* NULL once it is over, unless it is kept */
    BIO *in, *out;
    bool client, keep;
    const char *why;
    uint8_t came[TAIL], went[TAIL]; /* the end of what each side sent */
    struct tls_outcome outcome;
};

/* Who writes what we read, and who reads what we write. */
struct ways {
    struct tls_way *client, *server; /* what each of them writes */
};

static struct ways ways(struct tls_handshake *h)
{
    struct tls_keys *keys = &h->outcome.keys;

    return h->client ? (struct ways){.client = &keys->write, .server = &keys->read}
                     : (struct ways){.client = &keys->read, .server = &keys->write};
}

/* ---- secrets of TLS 1.3 ---- */

static bool hex_digit(char c, uint8_t *out)
{
    if (c >= '0' && c <= '9')
        *out = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out = (uint8_t)(c - 'a' + 10);
    else
        return false;
    return true;
}

static void read_secret(const char *text, uint8_t out[TLS_SECRET_MAX])
{
    uint8_t high, low;

    for (int i = 0; i < TLS_SECRET_MAX; i++, text += 2) {
        if (!hex_digit(text[0], &high) || !hex_digit(text[1], &low))
            return;
        out[i] = (uint8_t)(high << 4 | low);
    }
}

/*
 * A line of a key log: label SP client_random SP secret, both in hexadecimal. It is the public way
 * to a connection's traffic secrets, and goes nowhere else.
 */
static void take_secret(const SSL *ssl, const char *line)
{
    static const char client[] = "CLIENT_TRAFFIC_SECRET_0 ", server[] = "SERVER_TRAFFIC_SECRET_0 ";
    enum { LABEL = sizeof(client) - 1, SECRET_AT = LABEL + 2 * RANDOM + 1 };
    struct tls_handshake *h = SSL_get_app_data(ssl);

    _Static_assert(sizeof(client) == sizeof(server), "labels are as long");
    if (!h || strlen(line) < SECRET_AT)
        return;
    if (strncmp(line, client, LABEL) == 0)
        read_secret(line + SECRET_AT, ways(h).client->secret);
    else if (strncmp(line, server, LABEL) == 0)
        read_secret(line + SECRET_AT, ways(h).server->secret);
}

/* Records in bytes of our own: what is sent behind Finished are tickets, each sealed with the
 * traffic key. */
static uint64_t count_records(struct span bytes)
{
    uint64_t n = 0;

    while (bytes.len >= 5) {
        bytes = span_skip(bytes, 5 + (size_t)(bytes.data[3] << 8 | bytes.data[4]));
        n++;
    }
    return n;
}

/* ---- keys of TLS 1.2 and before ---- */

/* What went one way last: in TLS 1.0 with CBC its end is the IV of what comes next. */
static void keep_tail(uint8_t tail[TAIL], struct span bytes)
{
    struct span end = span_skip(bytes, bytes.len > TAIL ? bytes.len - TAIL : 0);

    memmove(tail, tail + end.len, TAIL - end.len);
    if (end.len)
        memcpy(tail + TAIL - end.len, end.data, end.len);
}

/* The last block that was encrypted, which was of a Finished: RFC 2246 section 6.2.3.2. */
static void take_iv(const struct tls_handshake *h, const uint8_t tail[TAIL], struct tls_way *way)
{
    memcpy(way->iv, tail + TAIL - TLS_BLOCK - (h->outcome.keys.etm ? MAC : 0), TLS_BLOCK);
}

/* Whether the MAC comes behind the encryption, OpenSSL tells nobody; so it is read in the
 * ServerHello (RFC 7366 section 2). */
static void hear(int sent, int version, int type, const void *data, size_t len, SSL *ssl, void *arg)
{
    struct tls_handshake *h = SSL_get_app_data(ssl);
    struct span message = span_of(data, len);
    struct tls_hello hello;

    (void)sent;
    (void)version;
    (void)arg;
    if (h && type == SSL3_RT_HANDSHAKE && len > SSL3_HM_HEADER_LENGTH &&
        message.data[0] == SSL3_MT_SERVER_HELLO)
        h->outcome.keys.etm =
            tls_server_hello_read(span_skip(message, SSL3_HM_HEADER_LENGTH), &hello) && hello.etm;
}

static bool derive_tls12(struct tls_handshake *h, const struct tls_suite *suite)
{
    struct ways to = ways(h);

    if (!tls_key_block_take(h->ssl, suite, to.client, to.server))
        return false;
    if (h->outcome.keys.version == TLS_VERSION_1_0) {
        take_iv(h, h->came, &h->outcome.keys.read);
        take_iv(h, h->went, &h->outcome.keys.write);
    }
    return true;
}

/* ---- the handshake ---- */

void tls_handshake_prepare(SSL_CTX *context, bool logins)
{
    SSL_CTX_set_keylog_callback(context, take_secret);
    SSL_CTX_set_msg_callback(context, hear);
    tls_binding_prepare(context, logins);
}

int tls_handshake_accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

struct tls_handshake *tls_handshake_new(SSL_CTX *context)
{
    struct tls_handshake *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->ssl = SSL_new(context);
    h->in = BIO_new(BIO_s_mem());
    h->out = BIO_new(BIO_s_mem());
    if (!h->ssl || !h->in || !h->out || BIO_up_ref(h->in) != 1 || BIO_up_ref(h->out) != 1) {
        tls_handshake_free(h);
        return NULL;
    }
    BIO_set_mem_eof_return(h->in, -1);
    SSL_set_bio(h->ssl, h->in, h->out);
    SSL_set_app_data(h->ssl, h);
    SSL_set_accept_state(h->ssl);
    return h;
}

struct tls_handshake *tls_handshake_new_client(SSL_CTX *context, const char *name,
                                               SSL_SESSION *session)
{
    struct tls_handshake *h = tls_handshake_new(context);

    if (!h)
        return NULL;
    h->client = true;
    SSL_set_connect_state(h->ssl);
    if ((!name ||
         (SSL_set_tlsext_host_name(h->ssl, name) == 1 && SSL_set1_host(h->ssl, name) == 1)) &&
        (!session || SSL_set_session(h->ssl, session) == 1))
        return h;
    tls_handshake_free(h);
    return NULL;
}

void tls_handshake_keep(struct tls_handshake *h)
{
    h->keep = true;
}

/* The session outlives it, and can be resumed: who has the keys sees to the end of the records. */
static void end_connection(struct tls_handshake *h)
{
    if (h->ssl)
        SSL_set_shutdown(h->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(h->ssl);
    h->ssl = NULL;
}

void tls_handshake_free(struct tls_handshake *h)
{
    if (!h)
        return;
    end_connection(h);
    BIO_free(h->in);
    BIO_free(h->out);
    explicit_bzero(h, sizeof(*h));
    free(h);
}

static void take_name(struct tls_handshake *h)
{
    const char *name = SSL_get_servername(h->ssl, TLSEXT_NAMETYPE_host_name);
    struct span text = span_head(span_text(name ? name : ""), TLS_NAME_MAX);

    h->outcome.name_len = (uint8_t)text.len;
    memcpy(h->outcome.name, text.data, text.len);
}

static void take_client(struct tls_handshake *h)
{
    struct writer identity = writer_of(h->outcome.identity, sizeof(h->outcome.identity));

    h->outcome.client = TLS_CLIENT_NONE;
    if (!SSL_get0_peer_certificate(h->ssl))
        return;
    h->outcome.client = TLS_CLIENT_UNPROVEN;
    if (SSL_get_verify_result(h->ssl) != X509_V_OK)
        return;
    h->outcome.client = TLS_CLIENT_VERIFIED;
    tls_identities_find(h->ssl, &identity);
    h->outcome.identity_len = (uint16_t)identity.len;
}

/* All that is wanted of OpenSSL's state is taken out of it. */
static bool take_outcome(struct tls_handshake *h, struct span out)
{
    struct tls_keys *keys = &h->outcome.keys;
    const struct tls_suite *suite;

    keys->version = (uint16_t)SSL_version(h->ssl);
    keys->suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(h->ssl));
    suite = tls_suite_find(keys->suite);
    if (!suite)
        return false;
    h->outcome.resumed = SSL_session_reused(h->ssl) == 1;
    take_name(h);
    take_client(h);
    tls_binding_take(h->ssl, &h->outcome.binding);
    if (keys->version == TLS_VERSION_1_3) {
        if (!h->client)
            keys->write.sequence = count_records(out);
        return true;
    }
    return derive_tls12(h, suite);
}

static enum tls_step fail(struct tls_handshake *h)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    h->why = reason ? reason : "the peer broke off";
    ERR_clear_error();
    return TLS_STEP_FAILED;
}

static enum tls_step go_on(struct tls_handshake *h)
{
    int rc = SSL_do_handshake(h->ssl);

    if (rc == 1)
        return TLS_STEP_DONE;
    return SSL_get_error(h->ssl, rc) == SSL_ERROR_WANT_READ ? TLS_STEP_MORE : fail(h);
}

enum tls_step tls_handshake_feed(struct tls_handshake *h, struct span in, struct span *out,
                                 uint32_t *taken_out)
{
    enum tls_step step;
    char *data;

    *out = span_of(NULL, 0);
    *taken_out = 0;
    if (!h->ssl)
        return TLS_STEP_FAILED;
    (void)BIO_reset(h->out);
    if (BIO_write(h->in, in.data, (int)in.len) != (int)in.len)
        return fail(h);
    step = go_on(h);
    *taken_out = (uint32_t)(in.len - BIO_ctrl_pending(h->in));
    *out = span_of(NULL, (size_t)BIO_get_mem_data(h->out, &data));
    out->data = (const uint8_t *)data;
    keep_tail(h->came, span_head(in, *taken_out));
    keep_tail(h->went, *out);
    if (step == TLS_STEP_DONE && !take_outcome(h, *out))
        step = fail(h);
    if (step == TLS_STEP_FAILED || (step == TLS_STEP_DONE && !h->keep))
        end_connection(h);
    return step;
}

bool tls_handshake_listen(struct tls_handshake *h, struct span record)
{
    uint8_t nothing[1];

    if (!h->ssl)
        return false;
    (void)BIO_reset(h->in);
    if (BIO_write(h->in, record.data, (int)record.len) == (int)record.len &&
        SSL_get_error(h->ssl, SSL_read(h->ssl, nothing, sizeof(nothing))) == SSL_ERROR_WANT_READ)
        return true;
    ERR_clear_error();
    end_connection(h);
    return false;
}

const struct tls_outcome *tls_handshake_outcome(const struct tls_handshake *h)
{
    return &h->outcome;
}

const char *tls_handshake_why(const struct tls_handshake *h)
{
    return h->why;
}
