/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_binding.h"

#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

/* What is kept with OpenSSL's own. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int of_certificate, of_context;

/* A certificate's hash. */
struct end_point {
    uint8_t len, hash[TLS_END_POINT_MAX];
};

static void forget(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long argl, void *argp)
{
    (void)parent;
    (void)all;
    (void)index;
    (void)argl;
    (void)argp;
    OPENSSL_free(data);
}

static void make_places(void)
{
    of_certificate =
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, NULL, NULL, NULL, forget);
    of_context = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* RFC 5929 section 4.1: the hash of the certificate's own signature, but SHA-256 for MD5 and SHA-1;
 * none is defined for a signature without one. */
static const EVP_MD *hash_of(X509 *certificate)
{
    int hash, key, bits;
    uint32_t flags;

    if (X509_get_signature_info(certificate, &hash, &key, &bits, &flags) != 1 || hash == NID_undef)
        return NULL;
    return hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
}

void tls_binding_note(X509 *certificate)
{
    const EVP_MD *hash = hash_of(certificate);
    struct end_point *e = OPENSSL_zalloc(sizeof(*e));
    unsigned len = 0;

    pthread_once(&once, make_places);
    if (e && hash && EVP_MD_get_size(hash) <= TLS_END_POINT_MAX &&
        X509_digest(certificate, hash, e->hash, &len) == 1)
        e->len = (uint8_t)len;
    if (X509_set_ex_data(certificate, of_certificate, e) != 1)
        OPENSSL_free(e);
}

/* Of the certificate that was shown, which has been noted when it was read. */
static uint8_t take_end_point(SSL *ssl, uint8_t out[TLS_END_POINT_MAX])
{
    const X509 *certificate = SSL_get_certificate(ssl);
    const struct end_point *e =
        certificate ? X509_get_ex_data(certificate, of_certificate) : NULL;

    if (!e)
        return 0;
    memcpy(out, e->hash, e->len);
    return e->len;
}

/* A session that was itself resumed has the note already. */
static int note_certificate(SSL *ssl, void *arg)
{
    uint8_t hash[TLS_END_POINT_MAX];
    uint8_t len;

    (void)arg;
    if (SSL_session_reused(ssl) == 1)
        return 1;
    len = take_end_point(ssl, hash);
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), hash, len);
}

void tls_binding_prepare(SSL_CTX *context, bool logins)
{
    static char yes;

    pthread_once(&once, make_places);
    SSL_CTX_set_ex_data(context, of_context, logins ? &yes : NULL);
    SSL_CTX_set_session_ticket_cb(context, note_certificate, NULL, NULL);
}

static uint8_t noted_certificate(SSL *ssl, uint8_t out[TLS_END_POINT_MAX])
{
    void *data = NULL;
    size_t len = 0;

    if (SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &data, &len) != 1 || !data ||
        len > TLS_END_POINT_MAX)
        return 0;
    memcpy(out, data, len);
    return (uint8_t)len;
}

/* RFC 9266 section 2: label, empty context and length; section 4: not in TLS 1.2 without the
 * extended master secret (RFC 7627), where two connections can be made to have the same. */
static bool export(SSL *ssl, uint8_t out[TLS_EXPORTER])
{
    static const char label[] = "EXPORTER-Channel-Binding";

    if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
        return false;
    return SSL_export_keying_material(ssl, out, TLS_EXPORTER, label, sizeof(label) - 1,
                                      (const unsigned char *)"", 0, 1) == 1;
}

void tls_binding_take(SSL *ssl, struct tls_binding *b)
{
    if (!SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), of_context))
        return;
    b->exporter_len = export(ssl, b->exporter) ? TLS_EXPORTER : 0;
    b->end_point_len = SSL_session_reused(ssl) == 1 ? noted_certificate(ssl, b->end_point)
                                                    : take_end_point(ssl, b->end_point);
}
