/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/tls_keys.h"

#include <stddef.h>

static const struct tls_suite suites[] = {
#define TLS_SUITE(id_, name_, openssl_, aead_, sha384_, tls13_)                                    \
    {.id = id_,                                                                                    \
     .aead = TLS_AEAD_##aead_,                                                                     \
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

uint32_t tls_key_length(enum tls_aead aead)
{
    return aead == TLS_AEAD_AES_128_GCM ? 16 : 32;
}
