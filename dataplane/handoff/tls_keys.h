/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_TLS_KEYS_H
#define DATAPLANE_HANDOFF_TLS_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a handshake leaves for the records behind it: made by control, which then forgets it, used
 * by the worker that has the connection.
 */
enum tls_version {
    TLS_VERSION_1_0 = 0x0301,
    TLS_VERSION_1_1 = 0x0302,
    TLS_VERSION_1_2 = 0x0303,
    TLS_VERSION_1_3 = 0x0304,
};

/* Those with CBC have a hash beside them, for the MAC of a record; the others are AEADs. */
enum tls_cipher {
    TLS_CIPHER_AES_128_GCM,
    TLS_CIPHER_AES_256_GCM,
    TLS_CIPHER_CHACHA20_POLY1305,
    TLS_CIPHER_AES_128_CBC,
    TLS_CIPHER_AES_256_CBC,
    TLS_CIPHERS,
};
enum tls_hash { TLS_HASH_NONE, TLS_HASH_SHA1, TLS_HASH_SHA256, TLS_HASH_SHA384, TLS_HASHES };

enum { TLS_SECRET_MAX = 48, TLS_KEY_MAX = 32, TLS_IV = 12, TLS_GCM_SALT = 4, TLS_BLOCK = 16 };

struct tls_suite {
    uint16_t id;         /* as on the wire */
    uint8_t cipher;      /* enum tls_cipher */
    uint8_t mac;         /* enum tls_hash; none: an AEAD */
    bool sha384;         /* of keys; else SHA-256 */
    bool tls13;          /* of TLS 1.3, else of 1.2 */
    const char *name;    /* IANA's */
    const char *openssl; /* OpenSSL's */
};

/* As "TLS1.3": names of records and trace fields. */
const char *tls_version_text(uint16_t version);
/* The row with this id; NULL: not spoken here. */
const struct tls_suite *tls_suite_find(uint16_t id);
/* Row `i`; NULL behind the last. */
const struct tls_suite *tls_suite_at(uint32_t i);
/* Whether it is spoken in this version: of the older ones only what they had (RFC 5246 appendix
 * A.5; SHA-256 and SHA-384 came with TLS 1.2). */
bool tls_suite_is_of(const struct tls_suite *suite, uint16_t version);
uint32_t tls_key_length(enum tls_cipher cipher);
/* Of a hash, and so of a MAC and of its key: 0 to TLS_SECRET_MAX. */
uint32_t tls_hash_length(enum tls_hash hash);
/* What a key block has for each direction beside its key (RFC 5246 section 6.3): of TLS 1.2 and
 * before. */
uint32_t tls_iv_length(const struct tls_suite *suite);

/* One direction. TLS 1.3: the traffic secret, of which key and IV are made (RFC 8446 section 7.3).
 * TLS 1.2: key and IV, of AES-GCM its first TLS_GCM_SALT bytes (RFC 5288 section 3). CBC: key, the
 * MAC's key as the secret, and in TLS 1.0 the IV of the next record. */
struct tls_way {
    uint64_t sequence; /* of the next record */
    uint8_t secret[TLS_SECRET_MAX];
    uint8_t key[TLS_KEY_MAX];
    uint8_t iv[TLS_BLOCK];
};

struct tls_keys {
    uint16_t version; /* enum tls_version */
    uint16_t suite;   /* its id */
    bool etm;         /* CBC: the MAC is over what was encrypted (RFC 7366) */
    struct tls_way read, write;
};

#endif
