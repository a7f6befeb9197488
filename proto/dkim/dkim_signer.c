/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_signer.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "proto/base/base64.h"
#include "proto/dkim/dkim_key.h"

struct asked {
    struct span passphrase;
    bool encrypted;
};

/* OpenSSL wants the passphrase. */
static int give(char *room, int size, int encrypting, void *context)
{
    struct asked *asked = context;

    asked->encrypted = true;
    if (asked->passphrase.len == 0 || asked->passphrase.len > (size_t)size)
        return -1;
    memcpy(room, asked->passphrase.data, asked->passphrase.len);
    return (int)asked->passphrase.len;
}

enum dkim_signer_status dkim_signer_read(struct span pem, struct span passphrase,
                                         struct dkim_signer *signer_out)
{
    struct asked asked = {.passphrase = passphrase};
    BIO *bio = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give, &asked) : NULL;
    enum dkim_signer_status status = DKIM_SIGNER_GOOD;

    BIO_free(bio);
    *signer_out = (struct dkim_signer){.key = key};
    if (!key)
        return asked.encrypted && passphrase.len == 0 ? DKIM_SIGNER_ENCRYPTED : DKIM_SIGNER_BAD;
    signer_out->type = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? DKIM_ED25519 : DKIM_RSA;
    signer_out->bits = (uint32_t)EVP_PKEY_get_bits(key);
    if (signer_out->type == DKIM_RSA && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        status = DKIM_SIGNER_TYPE;
    else if (signer_out->type == DKIM_RSA &&
             (signer_out->bits < DKIM_RSA_BITS_LEAST || signer_out->bits > DKIM_RSA_BITS_MOST))
        status = DKIM_SIGNER_SHORT;
    if (status != DKIM_SIGNER_GOOD)
        dkim_signer_fini(signer_out);
    return status;
}

void dkim_signer_fini(struct dkim_signer *s)
{
    EVP_PKEY_free(s->key);
    s->key = NULL;
}

bool dkim_signer_record(const struct dkim_signer *s, struct writer *w)
{
    uint8_t raw[32], *der = NULL;
    size_t len = sizeof(raw);

    writer_text(w, s->type == DKIM_RSA ? "v=DKIM1; k=rsa; p=" : "v=DKIM1; k=ed25519; p=");
    if (s->type == DKIM_ED25519) {
        if (EVP_PKEY_get_raw_public_key(s->key, raw, &len) != 1)
            return false;
        base64_put(w, span_of(raw, len));
    } else {
        int size = i2d_PUBKEY(s->key, &der);

        if (size <= 0)
            return false;
        base64_put(w, span_of(der, (size_t)size));
        OPENSSL_free(der);
    }
    return !w->full;
}

static size_t sign_rsa(EVP_PKEY *key, struct span digest, uint8_t *room, size_t size)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool good = context && EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
                EVP_PKEY_sign(context, room, &size, digest.data, digest.len) == 1;

    EVP_PKEY_CTX_free(context);
    return good ? size : 0;
}

static size_t sign_ed25519(EVP_PKEY *key, struct span digest, uint8_t *room, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestSign(context, room, &size, digest.data, digest.len) == 1;

    EVP_MD_CTX_free(context);
    return good ? size : 0;
}

bool dkim_signer_sign(const struct dkim_signer *s, struct span digest, struct writer *w)
{
    uint8_t bytes[DKIM_SIGNATURE_MAX];
    size_t len = s->type == DKIM_RSA ? sign_rsa(s->key, digest, bytes, sizeof(bytes))
                                     : sign_ed25519(s->key, digest, bytes, sizeof(bytes));

    writer_span_put(w, span_of(bytes, len));
    return len > 0 && !w->full;
}
