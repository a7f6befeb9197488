/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/tls_keys.h"

#include <stddef.h>

static const struct tls_suite suites[] = {
#define TLS_SUITE(id_, name_, openssl_, cipher_, mac_, sha384_, tls13_)                            \
    {.id = id_,                                                                                    \
     .cipher = TLS_CIPHER_##cipher_,                                                               \
     .mac = TLS_HASH_##mac_,                                                                       \
     .sha384 = sha384_,                                                                            \
     .tls13 = tls13_,                                                                              \
     .name = #name_,                                                                               \
     .openssl = openssl_},
#include "dataplane/handoff/tls_suite.def"
#undef TLS_SUITE
};

enum { SUITES = sizeof(suites) / sizeof(suites[0]) };

const struct tls_suite *tls_suite_find(uint16_t id)
{
    for (uint32_t i = 0; i < SUITES; i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

const struct tls_suite *tls_suite_at(uint32_t i)
{
    return i < SUITES ? &suites[i] : NULL;
}

const char *tls_version_text(uint16_t version)
{
    static const char *const texts[] = {"TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3"};
    uint32_t i = (uint32_t)(version - TLS_VERSION_1_0);

    return i < sizeof(texts) / sizeof(texts[0]) ? texts[i] : "";
}

bool tls_suite_is_of(const struct tls_suite *suite, uint16_t version)
{
    switch (version) {
    case TLS_VERSION_1_0:
    case TLS_VERSION_1_1:
        return suite->mac == TLS_HASH_SHA1;
    case TLS_VERSION_1_2:
        return !suite->tls13;
    case TLS_VERSION_1_3:
        return suite->tls13;
    default:
        return false;
    }
}

uint32_t tls_key_length(enum tls_cipher cipher)
{
    return cipher == TLS_CIPHER_AES_128_GCM || cipher == TLS_CIPHER_AES_128_CBC ? 16 : 32;
}

uint32_t tls_hash_length(enum tls_hash hash)
{
    static const uint8_t lengths[TLS_HASHES] = {0, 20, 32, 48};

    return lengths[hash];
}

uint32_t tls_iv_length(const struct tls_suite *suite)
{
    if (suite->mac != TLS_HASH_NONE)
        return TLS_BLOCK;
    return suite->cipher == TLS_CIPHER_CHACHA20_POLY1305 ? TLS_IV : TLS_GCM_SALT;
}
