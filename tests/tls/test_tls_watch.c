/* SPDX-License-Identifier: BSD-3-Clause */
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "dataplane/tls/tls_watch.h"
#include "tests/harness/check.h"

static struct tls_crypto *crypto;

/* The PRF of TLS 1.2 as libcrypto has it. */
static void key_block(const char *digest, const uint8_t master[48], uint8_t randoms[64],
                      uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    uint8_t key[48], seed[13 + 64];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, key, sizeof(key)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
        OSSL_PARAM_construct_end()};

    memcpy(key, master, sizeof(key));
    memcpy(seed, "key expansion", 13);
    memcpy(seed + 13, randoms, 64);
    CHECK(EVP_KDF_derive(context, out, len, params) == 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static void the_key_block_is_that_of_libcrypto(void)
{
    uint8_t master[48], randoms[64], block[128];

    for (size_t i = 0; i < sizeof(randoms); i++)
        randoms[i] = (uint8_t)(3 * i);
    for (size_t i = 0; i < sizeof(master); i++)
        master[i] = (uint8_t)(200 - i);
    for (uint32_t i = 0; tls_suite_at(i); i++) {
        const struct tls_suite *suite = tls_suite_at(i);
        size_t key = tls_key_length((enum tls_cipher)suite->cipher);
        size_t iv = tls_iv_length(suite);
        struct tls_watch w;

        CHECK(tls_watch_init(&w, suite->tls13 ? TLS_VERSION_1_2 : TLS_VERSION_1_3, suite->id) ==
              false);
        if (suite->tls13)
            continue;
        /* What has CBC is not opened. */
        CHECK(tls_watch_init(&w, TLS_VERSION_1_2, suite->id) == !suite->mac);
        if (suite->mac)
            continue;
        tls_watch_master(&w, crypto, master, randoms + 32, randoms);
        key_block(suite->sha384 ? "SHA384" : "SHA256", master, randoms, block, 2 * (key + iv));
        CHECK(memcmp(w.lane[0].way.key, block, key) == 0);
        CHECK(memcmp(w.lane[1].way.key, block + key, key) == 0);
        CHECK(memcmp(w.lane[0].way.iv, block + 2 * key, iv) == 0);
        CHECK(memcmp(w.lane[1].way.iv, block + 2 * key + iv, iv) == 0);
    }
}

/* What both ends seal is opened, in any order of directions, over new keys. */
static void both_directions_are_opened(void)
{
    for (uint32_t i = 0; tls_suite_at(i); i++) {
        const struct tls_suite *suite = tls_suite_at(i);
        uint16_t version = suite->tls13 ? TLS_VERSION_1_3 : TLS_VERSION_1_2;
        uint8_t secrets[2][48] = {{1, 2}, {3, 4}}, sealed[512], room[TLS_SEALED_MAX];
        struct tls_watch w, ends;

        if (suite->mac)
            continue;
        CHECK(tls_watch_init(&w, version, suite->id) && tls_watch_init(&ends, version, suite->id));
        for (int d = 0; d < 2 && suite->tls13; d++) {
            tls_watch_secret(&w, crypto, d, secrets[d]);
            tls_watch_secret(&ends, crypto, d, secrets[d]);
        }
        if (!suite->tls13) {
            tls_watch_master(&w, crypto, secrets[0], secrets[1], secrets[0]);
            tls_watch_master(&ends, crypto, secrets[0], secrets[1], secrets[0]);
        }
        for (int n = 0; n < 20; n++) {
            int d = n % 3 == 0;
            struct tls_record r = {.suite = suite, .version = version, .write = ends.lane[d]};
            struct tls_watched out = {.room = room};
            size_t len =
                tls_record_seal(&r, crypto, TLS_APPLICATION_DATA, span_text("mail"), sealed);

            ends.lane[d] = r.write;
            CHECK(tls_watch_plain(&w, len - TLS_HEADER) == 4);
            sealed[len - 1] ^= 1;
            CHECK(tls_watch_open(&w, crypto, d, span_of(sealed, len), &out) == TLS_FORGED);
            sealed[len - 1] ^= 1;
            CHECK(tls_watch_open(&w, crypto, d, span_of(sealed, len), &out) == TLS_OPENED);
            CHECK(out.type == TLS_APPLICATION_DATA);
            CHECK_TEXT(out.plain, "mail");
            tls_watch_taken(&w, d);
            if (n == 10 && suite->tls13) {
                tls_watch_update(&w, crypto, d);
                tls_watch_update(&ends, crypto, d);
            }
        }
    }
}

int main(void)
{
    check_begin();
    crypto = tls_crypto_new();
    CHECK_CASE(the_key_block_is_that_of_libcrypto);
    CHECK_CASE(both_directions_are_opened);
    tls_crypto_free(crypto);
    return check_end();
}
