/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_crypto.h"

#include <stdlib.h>

static const char *const cipher_names[TLS_AEADS] = {"AES-128-GCM", "AES-256-GCM",
                                                    "ChaCha20-Poly1305"};
static const char *const hash_names[2] = {"SHA256", "SHA384"};

static bool make_slots(struct tls_crypto *c, int aead)
{
    static const uint8_t key[TLS_KEY_MAX], iv[TLS_IV];

    for (int i = 0; i < TLS_SLOTS; i++) {
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

        c->slots[aead][i].context = context;
        /* The first use takes the provider's memory; later ones find it. */
        if (!context || EVP_CipherInit_ex2(context, c->cipher[aead], key, iv, 1, NULL) != 1)
            return false;
    }
    return true;
}

struct tls_crypto *tls_crypto_new(void)
{
    struct tls_crypto *c = calloc(1, sizeof(*c));
    bool ok = c != NULL;

    for (int i = 0; ok && i < 2; i++) {
        c->md[i] = EVP_MD_fetch(NULL, hash_names[i], NULL);
        c->digest[i] = EVP_MD_CTX_new();
        ok = c->md[i] && c->digest[i] && EVP_DigestInit_ex2(c->digest[i], c->md[i], NULL) == 1;
    }
    for (int i = 0; ok && i < TLS_AEADS; i++) {
        c->cipher[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
        ok = c->cipher[i] && make_slots(c, i);
    }
    if (ok)
        return c;
    tls_crypto_free(c);
    return NULL;
}

void tls_crypto_free(struct tls_crypto *c)
{
    if (!c)
        return;
    for (int i = 0; i < TLS_AEADS; i++) {
        for (int k = 0; k < TLS_SLOTS; k++)
            EVP_CIPHER_CTX_free(c->slots[i][k].context);
        EVP_CIPHER_free(c->cipher[i]);
    }
    for (int i = 0; i < 2; i++) {
        EVP_MD_CTX_free(c->digest[i]);
        EVP_MD_free(c->md[i]);
    }
    free(c);
}

EVP_CIPHER_CTX *tls_crypto_context(struct tls_crypto *c, enum tls_aead aead,
                                   const struct tls_lane *lane, bool seal)
{
    struct tls_slot *slot = &c->slots[aead][lane->serial % TLS_SLOTS];

    if (slot->serial == lane->serial)
        return slot->context;
    slot->serial = 0;
    if (EVP_CipherInit_ex2(slot->context, NULL, lane->way.key, NULL, seal, NULL) != 1)
        return NULL;
    slot->serial = lane->serial;
    return slot->context;
}

/* ---- HKDF ---- */

enum { BLOCK_MAX = 128, HASH_MAX = 48, LABEL_MAX = 64 };

/* A hash over two runs of bytes. */
static void hash(struct tls_crypto *c, bool sha384, struct span a, struct span b, uint8_t *out)
{
    EVP_MD_CTX *context = c->digest[sha384];

    EVP_DigestInit_ex2(context, NULL, NULL);
    EVP_DigestUpdate(context, a.data, a.len);
    EVP_DigestUpdate(context, b.data, b.len);
    EVP_DigestFinal_ex(context, out, NULL);
}

/* HMAC (RFC 2104) with a key of the hash's length, which is less than its block. */
static void hmac(struct tls_crypto *c, bool sha384, const uint8_t *key, struct span text,
                 uint8_t *out)
{
    size_t block = sha384 ? 128 : 64, size = sha384 ? 48 : 32;
    uint8_t inner[BLOCK_MAX] = {0}, outer[BLOCK_MAX] = {0}, digest[HASH_MAX];

    memcpy(inner, key, size);
    for (size_t i = 0; i < block; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    hash(c, sha384, span_of(inner, block), text, digest);
    hash(c, sha384, span_of(outer, block), span_of(digest, size), out);
    explicit_bzero(inner, sizeof(inner));
    explicit_bzero(outer, sizeof(outer));
}

/*
 * struct { uint16 length; opaque label<7..255> = "tls13 " + Label; opaque context<0..255>; }
 * HKDF-Expand (RFC 5869 section 2.3) of no more than one block: T(1) = HMAC(secret, info | 0x01)
 */
void tls_crypto_expand(struct tls_crypto *c, bool sha384, const uint8_t *secret, const char *label,
                       uint8_t *out, size_t len)
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
    hmac(c, sha384, secret, span_of(info, n), block);
    memcpy(out, block, len);
    explicit_bzero(block, sizeof(block));
}
