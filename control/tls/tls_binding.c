/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_binding.h"

#include <openssl/x509.h>
#include <string.h>

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

static uint8_t hash_certificate(SSL *ssl, uint8_t out[TLS_END_POINT_MAX])
{
    X509 *certificate = SSL_get_certificate(ssl);
    const EVP_MD *hash = certificate ? hash_of(certificate) : NULL;
    unsigned len = 0;

    if (!hash || EVP_MD_get_size(hash) > TLS_END_POINT_MAX ||
        X509_digest(certificate, hash, out, &len) != 1)
        return 0;
    return (uint8_t)len;
}

/* A session that was itself resumed has the note already. */
static int note_certificate(SSL *ssl, void *arg)
{
    uint8_t hash[TLS_END_POINT_MAX];
    uint8_t len;

    (void)arg;
    if (SSL_session_reused(ssl) == 1)
        return 1;
    len = hash_certificate(ssl, hash);
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), hash, len);
}

void tls_binding_prepare(SSL_CTX *context)
{
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
    b->exporter_len = export(ssl, b->exporter) ? TLS_EXPORTER : 0;
    b->end_point_len = SSL_session_reused(ssl) == 1 ? noted_certificate(ssl, b->end_point)
                                                    : hash_certificate(ssl, b->end_point);
}
