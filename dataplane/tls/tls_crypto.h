/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TLS_TLS_CRYPTO_H
#define DATAPLANE_TLS_TLS_CRYPTO_H

#include <openssl/evp.h>

#include "dataplane/tls/tls_record.h"

/* What of libcrypto a worker has; private to this folder. Nothing here takes memory once it is
 * made. */
enum { TLS_SLOTS = 64 }; /* contexts for each AEAD; a power of two */

struct tls_slot {
    EVP_CIPHER_CTX *context;
    uint64_t serial; /* of the key in it; 0: none */
};

struct tls_crypto {
    EVP_CIPHER *cipher[TLS_AEADS];
    EVP_MD *md[2]; /* SHA-256, SHA-384 */
    EVP_MD_CTX *digest[2];
    uint64_t serials; /* given out so far */
    struct tls_slot slots[TLS_AEADS][TLS_SLOTS];
};

/* The context that has the lane's key. NULL: libcrypto failed. */
EVP_CIPHER_CTX *tls_crypto_context(struct tls_crypto *crypto, enum tls_aead aead,
                                   const struct tls_lane *lane, bool seal);
/* HKDF-Expand-Label (RFC 8446 section 7.1) with an empty context, of at most a hash's length. */
void tls_crypto_expand(struct tls_crypto *crypto, bool sha384, const uint8_t *secret,
                       const char *label, uint8_t *out, size_t len);

#endif
