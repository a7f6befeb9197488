/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "proto/base/base64.h"
#include "proto/sasl/sasl_message.h"

enum { FAKE_SALT = 16 };

static const struct {
    const char *name;
    size_t size;
    const EVP_MD *(*digest)(void);
} hashes[SCRAM_HASHES] = {
    [SCRAM_SHA1] = {"SCRAM-SHA-1", 20, EVP_sha1},
    [SCRAM_SHA256] = {"SCRAM-SHA-256", 32, EVP_sha256},
};

size_t scram_hash_size(enum scram_hash hash)
{
    return hashes[hash].size;
}

static bool hmac(enum scram_hash hash, const uint8_t *key, struct span text, uint8_t *out)
{
    return HMAC(hashes[hash].digest(), key, (int)hashes[hash].size, text.data, text.len, out,
                NULL) != NULL;
}

static bool digest(enum scram_hash hash, const uint8_t *bytes, uint8_t *out)
{
    return EVP_Digest(bytes, hashes[hash].size, out, NULL, hashes[hash].digest(), NULL) == 1;
}

/*
 * SaltedPassword := Hi(Normalize(password), salt, i)
 * ClientKey      := HMAC(SaltedPassword, "Client Key")
 * StoredKey      := H(ClientKey)
 * ServerKey      := HMAC(SaltedPassword, "Server Key")                   ; RFC 5802 section 3
 */
bool scram_keys_derive(struct scram_keys *k, struct span password)
{
    enum scram_hash hash = (enum scram_hash)k->hash;
    uint8_t salted[SCRAM_KEY_MAX], client[SCRAM_KEY_MAX];
    bool ok = PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len, k->salt,
                                k->salt_len, (int)k->iterations, hashes[hash].digest(),
                                (int)hashes[hash].size, salted) == 1;

    ok = ok && hmac(hash, salted, span_text("Client Key"), client) &&
         digest(hash, client, k->stored) && hmac(hash, salted, span_text("Server Key"), k->server);
    OPENSSL_cleanse(salted, sizeof(salted));
    OPENSSL_cleanse(client, sizeof(client));
    return ok;
}

/*
 * ClientSignature := HMAC(StoredKey, AuthMessage)
 * ClientKey       := ClientProof XOR ClientSignature
 * ServerSignature := HMAC(ServerKey, AuthMessage)                        ; RFC 5802 section 3
 */
bool scram_keys_check(const struct scram_keys *k, struct span auth_message, const uint8_t *proof,
                      uint8_t signature_out[SCRAM_KEY_MAX])
{
    enum scram_hash hash = (enum scram_hash)k->hash;
    uint8_t client[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX];
    bool ok = hmac(hash, k->stored, auth_message, client);

    for (size_t i = 0; ok && i < hashes[hash].size; i++)
        client[i] ^= proof[i];
    ok = ok && digest(hash, client, stored) && hmac(hash, k->server, auth_message, signature_out) &&
         CRYPTO_memcmp(stored, k->stored, hashes[hash].size) == 0;
    OPENSSL_cleanse(client, sizeof(client));
    return ok;
}

/* Two blocks of a keyed hash, so that stored keys are no function of the salt that is shown. */
bool scram_keys_fake(struct scram_keys *keys_out, enum scram_hash hash, uint32_t iterations,
                     struct span secret, struct span name)
{
    uint8_t block[SCRAM_KEY_MAX];

    *keys_out =
        (struct scram_keys){.hash = (uint8_t)hash, .salt_len = FAKE_SALT, .iterations = iterations};
    if (!HMAC(EVP_sha256(), secret.data, (int)secret.len, name.data, name.len, block, NULL))
        return false;
    memcpy(keys_out->salt, block, FAKE_SALT);
    return HMAC(EVP_sha256(), secret.data, (int)secret.len, block, sizeof(block), keys_out->stored,
                NULL) != NULL &&
           HMAC(EVP_sha256(), secret.data, (int)secret.len, keys_out->stored, SCRAM_KEY_MAX,
                keys_out->server, NULL) != NULL;
}

/* Takes what stands before the next such byte, and that byte. */
static bool take(struct span *text, uint8_t end, struct span *part_out)
{
    ptrdiff_t at = span_find(*text, end);

    if (at < 0)
        return false;
    *part_out = span_head(*text, (size_t)at);
    *text = span_skip(*text, (size_t)at + 1);
    return true;
}

static bool read_number(struct span text, uint32_t *number_out)
{
    uint64_t n = 0;

    if (text.len == 0 || text.len > 9)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)(text.data[i] - '0');

        if (c > 9)
            return false;
        n = n * 10 + c;
    }
    *number_out = (uint32_t)n;
    return n >= 1 && n <= SCRAM_ITERATIONS_MAX;
}

static bool read_key(struct span text, size_t size, uint8_t *key_out)
{
    struct writer w = writer_of(key_out, SCRAM_KEY_MAX);

    return sasl_base64_read(text, &w) && w.len == size;
}

/*
 * scram-mechanism "$" iter-count ":" salt "$" stored-key ":" server-key    ; RFC 5803 section 2
 */
bool scram_keys_read(struct span text, struct scram_keys *keys_out)
{
    struct span name, count, salt, stored;
    struct writer w = writer_of(keys_out->salt, sizeof(keys_out->salt));
    size_t size;

    memset(keys_out, 0, sizeof(*keys_out));
    if (!take(&text, '$', &name) || !take(&text, ':', &count) || !take(&text, '$', &salt) ||
        !take(&text, ':', &stored))
        return false;
    for (uint8_t h = SCRAM_SHA1; h < SCRAM_HASHES; h++)
        if (span_equal(name, span_text(hashes[h].name)))
            keys_out->hash = h;
    size = hashes[keys_out->hash].size;
    if (!keys_out->hash || !read_number(count, &keys_out->iterations) ||
        !sasl_base64_read(salt, &w) || w.len == 0)
        return false;
    keys_out->salt_len = (uint8_t)w.len;
    return read_key(stored, size, keys_out->stored) && read_key(text, size, keys_out->server);
}

void scram_keys_put(struct writer *w, const struct scram_keys *k)
{
    size_t size = hashes[k->hash].size;

    writer_text(w, hashes[k->hash].name);
    writer_byte(w, '$');
    writer_number(w, k->iterations);
    writer_byte(w, ':');
    base64_put(w, span_of(k->salt, k->salt_len));
    writer_byte(w, '$');
    base64_put(w, span_of(k->stored, size));
    writer_byte(w, ':');
    base64_put(w, span_of(k->server, size));
}
