/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_key.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "proto/base/ascii.h"
#include "proto/base/tag_list.h"

static struct span value_of(const struct tag_list *tags, const char *name, const char *otherwise)
{
    const struct tag *tag = tag_list_find(tags, name);

    return tag ? tag->value : span_text(otherwise);
}

/* The RSA key of a SubjectPublicKeyInfo, as all have it, or of an RSAPublicKey, as RFC 6376 section
 * 3.6.1 says. */
static EVP_PKEY *read_rsa(struct span der)
{
    const unsigned char *at = der.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);

    if (!key) {
        at = der.data;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);
    }
    if (key && (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || at != der.data + der.len)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static enum dkim_reason read_key(struct dkim_key *k, struct span base64)
{
    uint8_t bytes[DKIM_BASE64_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (!dkim_base64_read(base64, &w))
        return DKIM_KEY_BAD;
    if (k->type == DKIM_RSA)
        k->key = read_rsa(writer_span(&w));
    else
        k->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, w.len);
    if (!k->key)
        return DKIM_KEY_BAD;
    k->bits = (uint32_t)EVP_PKEY_get_bits(k->key);
    return DKIM_GOOD;
}

/* h=: what is not there allows all; names that are not known are passed over. */
static uint8_t hashes_of(const struct tag_list *tags)
{
    const struct tag *tag = tag_list_find(tags, "h");

    if (!tag)
        return 1 << DKIM_SHA256 | 1 << DKIM_SHA1;
    return (uint8_t)(tag_has_piece(tag->value, "sha256") << DKIM_SHA256 |
                     tag_has_piece(tag->value, "sha1") << DKIM_SHA1);
}

static void keep_local(struct dkim_key *k, const struct tag_list *tags)
{
    const struct tag *tag = tag_list_find(tags, "g");

    k->has_local = tag != NULL;
    if (!tag)
        return;
    /* What no local part matches stays so. */
    k->local_len = (uint8_t)(tag->value.len < sizeof(k->local) ? tag->value.len : 0);
    memcpy(k->local, tag->value.data, k->local_len);
}

static enum dkim_reason read_record(struct dkim_key *k, struct span text)
{
    struct tag_list tags;
    const struct tag *version, *key;
    struct span type, services, flags;

    if (tag_list_read(text, &tags) != TAG_LIST_GOOD)
        return DKIM_KEY_SYNTAX;
    version = tag_list_find(&tags, "v");
    if (version && (version != tags.tags || !span_equal(version->value, span_text("DKIM1"))))
        return DKIM_KEY_VERSION;
    key = tag_list_find(&tags, "p");
    if (!key)
        return DKIM_KEY_SYNTAX;
    services = value_of(&tags, "s", "*");
    flags = value_of(&tags, "t", "");
    k->mail = tag_has_piece(services, "*") || tag_has_piece(services, "email");
    k->testing = tag_has_piece(flags, "y");
    k->strict = tag_has_piece(flags, "s");
    k->hashes = hashes_of(&tags);
    keep_local(k, &tags);
    type = value_of(&tags, "k", "rsa");
    if (span_equal(type, span_text("ed25519")))
        k->type = DKIM_ED25519;
    else if (!span_equal(type, span_text("rsa")))
        return DKIM_KEY_TYPE;
    if (key->value.len == 0)
        return DKIM_KEY_REVOKED;
    return read_key(k, key->value);
}

void dkim_key_init(struct dkim_key *k, struct span text)
{
    *k = (struct dkim_key){.type = DKIM_RSA};
    k->reason = (uint8_t)read_record(k, text);
}

void dkim_key_fini(struct dkim_key *k)
{
    EVP_PKEY_free(k->key);
    k->key = NULL;
}

/* g=: a local part, in which one "*" stands for any bytes (RFC 4871 section 3.6.1). */
static bool local_fits(const struct dkim_key *k, const struct dkim_signature *s)
{
    struct span pattern = span_of(k->local, k->local_len);
    struct span local = dkim_signature_identity_local(s);
    ptrdiff_t star = span_find(pattern, '*');
    struct span tail;

    if (star < 0)
        return span_equal(pattern, local) && local.len;
    tail = span_skip(pattern, (size_t)star + 1);
    return local.len >= (size_t)star + tail.len &&
           span_equal(span_head(local, (size_t)star), span_head(pattern, (size_t)star)) &&
           span_equal(span_skip(local, local.len - tail.len), tail);
}

enum dkim_reason dkim_key_fits(const struct dkim_key *k, const struct dkim_signature *s,
                               bool strict_match, uint32_t bits_least, bool legacy)
{
    if (k->reason != DKIM_GOOD)
        return k->reason;
    if (k->type != s->key_type)
        return DKIM_KEY_TYPE;
    if (!(k->hashes & 1 << s->hash))
        return DKIM_KEY_HASH;
    if (!k->mail)
        return DKIM_KEY_SERVICE;
    if (k->strict && !strict_match)
        return DKIM_KEY_STRICT;
    if (legacy && k->has_local && !local_fits(k, s))
        return DKIM_KEY_LOCAL;
    if (k->type == DKIM_RSA && k->bits < bits_least)
        return DKIM_KEY_SHORT;
    if (k->bits > DKIM_RSA_BITS_MOST)
        return DKIM_KEY_LONG;
    return DKIM_GOOD;
}

static enum dkim_reason verify_rsa(const struct dkim_key *k, enum dkim_hash hash,
                                   struct span digest, struct span signature)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(k->key, NULL);
    enum dkim_reason reason = DKIM_MEMORY;

    if (context && EVP_PKEY_verify_init(context) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(context, hash == DKIM_SHA1 ? EVP_sha1() : EVP_sha256()) == 1)
        reason =
            EVP_PKEY_verify(context, signature.data, signature.len, digest.data, digest.len) == 1
                ? DKIM_GOOD
                : DKIM_SIGNATURE;
    EVP_PKEY_CTX_free(context);
    return reason;
}

static enum dkim_reason verify_ed25519(const struct dkim_key *k, struct span digest,
                                       struct span signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum dkim_reason reason = DKIM_MEMORY;

    if (context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, k->key) == 1)
        reason =
            EVP_DigestVerify(context, signature.data, signature.len, digest.data, digest.len) == 1
                ? DKIM_GOOD
                : DKIM_SIGNATURE;
    EVP_MD_CTX_free(context);
    return reason;
}

enum dkim_reason dkim_key_verify(const struct dkim_key *k, enum dkim_hash hash, struct span digest,
                                 struct span signature)
{
    if (k->type == DKIM_ED25519)
        return verify_ed25519(k, digest, signature);
    return verify_rsa(k, hash, digest, signature);
}
