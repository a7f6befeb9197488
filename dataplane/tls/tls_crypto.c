/* SPDX-License-Identifier: BSD-3-Clause */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/tls/tls_crypto.h"

#include <openssl/core_names.h>
#include <openssl/sha.h>
#include <stdlib.h>

static const char *const cipher_names[TLS_CIPHERS] = {
    "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-128-CBC", "AES-256-CBC"};
static const char *const hash_names[TLS_HASHES] = {NULL, "SHA1", "SHA256", "SHA384"};

static bool make_slots(struct tls_crypto *c, int cipher)
{
    static const uint8_t key[TLS_KEY_MAX], iv[TLS_BLOCK];

    for (int i = 0; i < TLS_SLOTS; i++) {
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

        c->slots[cipher][i].context = context;
        /* The first use takes the provider's memory; later ones find it. */
        if (!context || EVP_CipherInit_ex2(context, c->cipher[cipher], key, iv, 1, NULL) != 1)
            return false;
    }
    return true;
}

/* A context for each hash, from which those of records are copied. */
static bool make_macs(struct tls_crypto *c)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    bool ok = mac != NULL;

    for (int i = TLS_HASH_SHA1; ok && i < TLS_HASHES; i++) {
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                             (char *)(uintptr_t)hash_names[i], 0),
            OSSL_PARAM_construct_end()};

        c->mac[i] = EVP_MAC_CTX_new(mac);
        ok = c->mac[i] && EVP_MAC_CTX_set_params(c->mac[i], params) == 1;
    }
    EVP_MAC_free(mac);
    return ok;
}

struct tls_crypto *tls_crypto_new(void)
{
    struct tls_crypto *c = calloc(1, sizeof(*c));
    bool ok = c != NULL;

    for (int i = 0; ok && i < TLS_CIPHERS; i++) {
        c->cipher[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
        ok = c->cipher[i] && make_slots(c, i);
    }
    if (ok && make_macs(c))
        return c;
    tls_crypto_free(c);
    return NULL;
}

void tls_crypto_free(struct tls_crypto *c)
{
    if (!c)
        return;
    for (int i = 0; i < TLS_CIPHERS; i++) {
        for (int k = 0; k < TLS_SLOTS; k++)
            EVP_CIPHER_CTX_free(c->slots[i][k].context);
        EVP_CIPHER_free(c->cipher[i]);
    }
    for (int i = 0; i < TLS_HASHES; i++)
        EVP_MAC_CTX_free(c->mac[i]);
    free(c);
}

EVP_CIPHER_CTX *tls_crypto_context(struct tls_crypto *c, enum tls_cipher cipher,
                                   const struct tls_lane *lane, bool seal)
{
    struct tls_slot *slot = &c->slots[cipher][lane->serial % TLS_SLOTS];

    if (slot->serial == lane->serial)
        return slot->context;
    slot->serial = 0;
    if (EVP_CipherInit_ex2(slot->context, NULL, lane->way.key, NULL, seal, NULL) != 1)
        return NULL;
    slot->serial = lane->serial;
    return slot->context;
}

/* ---- hashes ---- */

enum { BLOCK_MAX = 128, HASH_MAX = 48, LABEL_MAX = 64 };

union hash {
    SHA_CTX sha1;
    SHA256_CTX sha256;
    SHA512_CTX sha384;
};

/* EVP takes memory for each digest that it begins, and a peer may ask for new keys at any time: so
 * these are the plain functions. */
static void hash_begin(enum tls_hash kind, union hash *h)
{
    if (kind == TLS_HASH_SHA384)
        SHA384_Init(&h->sha384);
    else if (kind == TLS_HASH_SHA256)
        SHA256_Init(&h->sha256);
    else
        SHA1_Init(&h->sha1);
}

static void hash_more(enum tls_hash kind, union hash *h, struct span bytes)
{
    if (kind == TLS_HASH_SHA384)
        SHA384_Update(&h->sha384, bytes.data, bytes.len);
    else if (kind == TLS_HASH_SHA256)
        SHA256_Update(&h->sha256, bytes.data, bytes.len);
    else
        SHA1_Update(&h->sha1, bytes.data, bytes.len);
}

static void hash_end(enum tls_hash kind, union hash *h, uint8_t *out)
{
    if (kind == TLS_HASH_SHA384)
        SHA384_Final(out, &h->sha384);
    else if (kind == TLS_HASH_SHA256)
        SHA256_Final(out, &h->sha256);
    else
        SHA1_Final(out, &h->sha1);
    explicit_bzero(h, sizeof(*h));
}

/* Over three runs of bytes. */
static void hash(enum tls_hash kind, struct span a, struct span b, struct span c, uint8_t *out)
{
    union hash h;

    hash_begin(kind, &h);
    hash_more(kind, &h, a);
    hash_more(kind, &h, b);
    hash_more(kind, &h, c);
    hash_end(kind, &h, out);
}

void tls_crypto_hmac(enum tls_hash kind, struct span key, struct span head, struct span text,
                     uint8_t *out)
{
    size_t block = kind == TLS_HASH_SHA384 ? 128 : 64, size = tls_hash_length(kind);
    uint8_t inner[BLOCK_MAX] = {0}, outer[BLOCK_MAX] = {0}, digest[HASH_MAX];

    memcpy(inner, key.data, key.len);
    for (size_t i = 0; i < block; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    hash(kind, span_of(inner, block), head, text, digest);
    hash(kind, span_of(outer, block), span_of(digest, size), span_of(NULL, 0), out);
    explicit_bzero(inner, sizeof(inner));
    explicit_bzero(outer, sizeof(outer));
}

/* ---- HKDF and the PRF of TLS 1.2 ---- */

static void hmac(bool sha384, struct span key, struct span text, uint8_t *out)
{
    tls_crypto_hmac(sha384 ? TLS_HASH_SHA384 : TLS_HASH_SHA256, key, span_of(NULL, 0), text, out);
}

/*
 * struct { uint16 length; opaque label<7..255> = "tls13 " + Label; opaque context<0..255>; }
 * HKDF-Expand (RFC 5869 section 2.3) of no more than one block: T(1) = HMAC(secret, info | 0x01)
 */
void tls_crypto_expand(bool sha384, const uint8_t *secret, const char *label, uint8_t *out,
                       size_t len)
{
    uint8_t info[LABEL_MAX], block[HASH_MAX];
    size_t label_len = strlen(label), n = 0;

    info[n++] = (uint8_t)(len >> 8);
    info[n++] = (uint8_t)len;
    info[n++] = (uint8_t)(6 + label_len);
    memcpy(info + n, "tls13 ", 6);
    memcpy(info + n + 6, label, label_len);
    n += 6 + label_len;
    info[n++] = 0;
    info[n++] = 1;
    hmac(sha384, span_of(secret, sha384 ? 48 : 32), span_of(info, n), block);
    memcpy(out, block, len);
    explicit_bzero(block, sizeof(block));
}

void tls_crypto_derive(const struct tls_suite *suite, struct tls_way *way)
{
    tls_crypto_expand(suite->sha384, way->secret, "key", way->key,
                      tls_key_length((enum tls_cipher)suite->cipher));
    tls_crypto_expand(suite->sha384, way->secret, "iv", way->iv, TLS_IV);
}

/*
 * key_block = PRF(master_secret, "key expansion", server_random + client_random)
 * PRF(secret, label, seed) = P_hash(secret, label + seed)
 * P_hash: HMAC(secret, A(i) + seed) for i = 1, 2, ...; A(0) = seed, A(i) = HMAC(secret, A(i - 1))
 */
void tls_crypto_key_block(bool sha384, const uint8_t master[TLS_SECRET_MAX],
                          const uint8_t randoms[TLS_RANDOMS], uint8_t *out, size_t len)
{
    static const char label[] = "key expansion";
    enum { LABEL = sizeof(label) - 1, SEED = LABEL + TLS_RANDOMS };
    size_t size = sha384 ? 48 : 32;
    struct span secret = span_of(master, TLS_SECRET_MAX);
    uint8_t text[HASH_MAX + SEED], block[HASH_MAX];
    uint8_t *seed = text + size;

    memcpy(seed, label, LABEL);
    memcpy(seed + LABEL, randoms, TLS_RANDOMS);
    hmac(sha384, secret, span_of(seed, SEED), text);
    while (len) {
        size_t n = len < size ? len : size;

        hmac(sha384, secret, span_of(text, size + SEED), block);
        memcpy(out, block, n);
        out += n;
        len -= n;
        hmac(sha384, secret, span_of(text, size), block);
        memcpy(text, block, size);
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(block, sizeof(block));
}
