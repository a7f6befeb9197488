/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TLS_TLS_CRYPTO_H
#define DATAPLANE_TLS_TLS_CRYPTO_H

#include <openssl/evp.h>

#include "dataplane/tls/tls_record.h"

/* What of libcrypto a worker has; private to this folder. Nothing here takes memory once it is
 * made, but for records with CBC. */
enum {
    TLS_SLOTS = 64,   /* contexts for each cipher; a power of two */
    TLS_RANDOMS = 64, /* the server's random and the client's */
};

struct tls_slot {
    EVP_CIPHER_CTX *context;
    uint64_t serial; /* of the key in it; 0: none */
};

struct tls_crypto {
    EVP_CIPHER *cipher[TLS_CIPHERS];
    uint64_t serials; /* given out so far */
    struct tls_slot slots[TLS_CIPHERS][TLS_SLOTS];
    EVP_MAC_CTX *mac[TLS_HASHES]; /* HMAC with each, without a key; NULL: of none */
};

/* The context that has the lane's key. NULL: libcrypto failed. */
EVP_CIPHER_CTX *tls_crypto_context(struct tls_crypto *crypto, enum tls_cipher cipher,
                                   const struct tls_lane *lane, bool seal);
/* HMAC (RFC 2104) of two runs of bytes, with a key that is no longer than the hash's block. */
void tls_crypto_hmac(enum tls_hash hash, struct span key, struct span head, struct span text,
                     uint8_t *out);
/* HKDF-Expand-Label (RFC 8446 section 7.1) with an empty context, of at most a hash's length. */
void tls_crypto_expand(bool sha384, const uint8_t *secret, const char *label, uint8_t *out,
                       size_t len);
/* The key block of TLS 1.2 (RFC 5246 sections 5 and 6.3), with the suite's hash. */
void tls_crypto_key_block(bool sha384, const uint8_t master[TLS_SECRET_MAX],
                          const uint8_t randoms[TLS_RANDOMS], uint8_t *out, size_t len);
/* Key and IV of a traffic secret (RFC 8446 section 7.3). */
void tls_crypto_derive(const struct tls_suite *suite, struct tls_way *way);

#endif
