/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_TLS_KEYS_H
#define DATAPLANE_HANDOFF_TLS_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a handshake leaves for the records behind it: made by control, which then forgets it, used
 * by the worker that has the connection.
 */
enum tls_version { TLS_VERSION_1_2 = 0x0303, TLS_VERSION_1_3 = 0x0304 };
enum tls_aead { TLS_AEAD_AES_128_GCM, TLS_AEAD_AES_256_GCM, TLS_AEAD_CHACHA20_POLY1305, TLS_AEADS };

enum { TLS_SECRET_MAX = 48, TLS_KEY_MAX = 32, TLS_IV = 12, TLS_GCM_SALT = 4 };

struct tls_suite {
    uint16_t id;         /* as on the wire */
    uint8_t aead;        /* enum tls_aead */
    bool sha384;         /* else SHA-256 */
    bool tls13;          /* of TLS 1.3, else of 1.2 */
    const char *name;    /* IANA's */
    const char *openssl; /* OpenSSL's */
};

/* The row with this id; NULL: not spoken here. */
const struct tls_suite *tls_suite_find(uint16_t id);
/* Row `i`; NULL behind the last. */
const struct tls_suite *tls_suite_at(uint32_t i);
uint32_t tls_key_length(enum tls_aead aead);

/* One direction. TLS 1.3: the traffic secret, of which key and IV are made (RFC 8446 section 7.3).
 * TLS 1.2: key and IV, of AES-GCM its first TLS_GCM_SALT bytes (RFC 5288 section 3). */
struct tls_way {
    uint64_t sequence; /* of the next record */
    uint8_t secret[TLS_SECRET_MAX];
    uint8_t key[TLS_KEY_MAX];
    uint8_t iv[TLS_IV];
};

struct tls_keys {
    uint16_t version; /* enum tls_version */
    uint16_t suite;   /* its id */
    struct tls_way read, write;
};

#endif
