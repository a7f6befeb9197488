/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/tls/server_context.h"

#include <openssl/x509.h>

#include "control/tls/tls_handshake.h"

static X509 *certify(EVP_PKEY *key)
{
    X509 *certificate = X509_new();

    if (!certificate)
        return NULL;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    if (X509_sign(certificate, key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

SSL_CTX *server_context(EVP_PKEY *key)
{
    X509 *certificate = key ? certify(key) : NULL;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    bool ok =
        certificate && context && SSL_CTX_use_cert_and_key(context, certificate, key, NULL, 1) == 1;

    X509_free(certificate);
    EVP_PKEY_free(key);
    if (!ok) {
        SSL_CTX_free(context);
        return NULL;
    }
    /* As many tickets as the engine gives. */
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
    tls_handshake_prepare(context, false);
    return context;
}
