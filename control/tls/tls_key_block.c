/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tls/tls_key_block.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <string.h>

#include "proto/base/cursor.h"

enum { RANDOM = 32, MASTER = 48, KEY_BLOCK_MAX = 2 * (TLS_SECRET_MAX + TLS_KEY_MAX + TLS_BLOCK) };

/* RFC 5246 section 5: the suite's hash; before TLS 1.2 both of RFC 2246 section 5. */
static const char *digest_of(const SSL *ssl, const struct tls_suite *suite)
{
    if (SSL_version(ssl) < TLS1_2_VERSION)
        return "MD5-SHA1";
    return suite->sha384 ? "SHA384" : "SHA256";
}

/* key_block = PRF(master_secret, "key expansion", server_random + client_random)
 * (RFC 5246 section 6.3) */
static bool expand(SSL *ssl, const struct tls_suite *suite, uint8_t *block, size_t len)
{
    static const char label[] = "key expansion";
    uint8_t master[MASTER], seed[sizeof(label) - 1 + 2 * RANDOM];
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                         (char *)(uintptr_t)digest_of(ssl, suite), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, sizeof(master)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
        OSSL_PARAM_construct_end()};
    bool ok;

    memcpy(seed, label, sizeof(label) - 1);
    ok = context &&
         SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof(master)) == MASTER &&
         SSL_get_server_random(ssl, seed + sizeof(label) - 1, RANDOM) == RANDOM &&
         SSL_get_client_random(ssl, seed + sizeof(label) - 1 + RANDOM, RANDOM) == RANDOM &&
         EVP_KDF_derive(context, block, len, params) == 1;
    explicit_bzero(master, sizeof(master));
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return ok;
}

/* The next `len` bytes for each of them. */
static void deal(struct cursor *block, size_t len, uint8_t *client, uint8_t *server)
{
    struct span first = cursor_take(block, len), second = cursor_take(block, len);

    memcpy(client, first.data, first.len);
    memcpy(server, second.data, second.len);
}

/* client_write_MAC_key, server_write_MAC_key, client_write_key, server_write_key, client_write_IV,
 * server_write_IV; an AEAD has no MAC keys. */
bool tls_key_block_take(SSL *ssl, const struct tls_suite *suite, struct tls_way *client,
                        struct tls_way *server)
{
    size_t mac = tls_hash_length((enum tls_hash)suite->mac), iv = tls_iv_length(suite);
    size_t key = tls_key_length((enum tls_cipher)suite->cipher), len = 2 * (mac + key + iv);
    uint8_t block[KEY_BLOCK_MAX];
    struct cursor rest = cursor_of(span_of(block, len));

    if (!expand(ssl, suite, block, len))
        return false;
    deal(&rest, mac, client->secret, server->secret);
    deal(&rest, key, client->key, server->key);
    deal(&rest, iv, client->iv, server->iv);
    explicit_bzero(block, sizeof(block));
    /* Each side's Finished was its first record with these keys. */
    client->sequence = server->sequence = 1;
    return true;
}
