/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/jwks.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "control/oauth/base64url.h"

enum {
    NUMBER_MAX = 1024,   /* octets: RSA of 8192 bits */
    RSA_BITS_MIN = 2048, /* RFC 7518 section 3.3 */
    RSA_BITS_MAX = 8192,
    COORDINATE = 32, /* of P-256 */
    ED25519 = 32,
    EXPONENT_MAX = 4,
};

struct jwk {
    EVP_PKEY *key;
    uint8_t algorithm; /* enum jwt_algorithm */
    struct span id;    /* in the set's document; no data: it has none */
};

struct jwks {
    json_t *document;
    uint32_t count;
    struct jwk keys[JWKS_KEYS];
};

static bool read_number(const json_t *item, const char *name, struct writer *w)
{
    struct span text = jwt_text(item, name);

    return text.len && base64url_read(text, w) && w->len;
}

/* A key of the kind from parameters; takes `b`. */
static EVP_PKEY *make(const char *kind, OSSL_PARAM_BLD *b, bool complete)
{
    OSSL_PARAM *params = complete ? OSSL_PARAM_BLD_to_param(b) : NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    EVP_PKEY *key = NULL;

    if (params && context && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    return key;
}

/* RFC 7518 section 6.3.1 */
static EVP_PKEY *read_rsa(const json_t *item)
{
    uint8_t memory[NUMBER_MAX], exponent[EXPONENT_MAX];
    struct writer n = writer_of(memory, sizeof(memory)), e = writer_of(exponent, sizeof(exponent));
    BIGNUM *modulus, *power;
    OSSL_PARAM_BLD *b;
    EVP_PKEY *key;

    if (!read_number(item, "n", &n) || !read_number(item, "e", &e) || !(exponent[e.len - 1] & 1) ||
        (e.len == 1 && exponent[0] < 3))
        return NULL;
    modulus = BN_bin2bn(memory, (int)n.len, NULL);
    power = BN_bin2bn(exponent, (int)e.len, NULL);
    b = OSSL_PARAM_BLD_new();
    key = make("RSA", b,
               b && modulus && power && BN_num_bits(modulus) >= RSA_BITS_MIN &&
                   BN_num_bits(modulus) <= RSA_BITS_MAX &&
                   OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
                   OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, power) == 1);
    BN_free(modulus);
    BN_free(power);
    return key;
}

/* RFC 7518 section 6.2.1: an uncompressed point, which must be on the curve. */
static EVP_PKEY *read_ec(const json_t *item)
{
    uint8_t point[1 + 2 * COORDINATE] = {POINT_CONVERSION_UNCOMPRESSED};
    struct writer x = writer_of(point + 1, COORDINATE);
    struct writer y = writer_of(point + 1 + COORDINATE, COORDINATE);
    EVP_PKEY_CTX *context;
    OSSL_PARAM_BLD *b;
    EVP_PKEY *key;
    bool good;

    if (!span_equal(jwt_text(item, "crv"), span_text("P-256")) || !read_number(item, "x", &x) ||
        !read_number(item, "y", &y) || x.len != COORDINATE || y.len != COORDINATE)
        return NULL;
    b = OSSL_PARAM_BLD_new();
    key = make(
        "EC", b,
        b && OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) ==
                1);
    context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    good = context && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    if (good)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* RFC 8037 section 2 */
static EVP_PKEY *read_okp(const json_t *item)
{
    uint8_t octets[ED25519];
    struct writer x = writer_of(octets, sizeof(octets));

    if (!span_equal(jwt_text(item, "crv"), span_text("Ed25519")) || !read_number(item, "x", &x) ||
        x.len != ED25519)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets, sizeof(octets));
}

static const struct {
    const char *type;
    enum jwt_algorithm algorithm;
    EVP_PKEY *(*read)(const json_t *item);
} kinds[] = {
    {"RSA", JWT_RS256, read_rsa}, {"EC", JWT_ES256, read_ec}, {"OKP", JWT_EDDSA, read_okp}};

/* RFC 7517 section 4: `kty` says the kind, `use` and `alg` what it is for, where they are there. */
static bool read_key(const json_t *item, struct jwk *key_out)
{
    struct span type = jwt_text(item, "kty"), use = jwt_text(item, "use");
    struct span algorithm = jwt_text(item, "alg");

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if (!span_equal(type, span_text(kinds[k].type)))
            continue;
        if ((use.data && !span_equal(use, span_text("sig"))) ||
            (algorithm.data && jwt_algorithm_find(algorithm) != kinds[k].algorithm))
            return false;
        *key_out = (struct jwk){.key = kinds[k].read(item),
                                .algorithm = (uint8_t)kinds[k].algorithm,
                                .id = jwt_text(item, "kid")};
        ERR_clear_error();
        return key_out->key != NULL;
    }
    return false;
}

struct jwks *jwks_read(struct span text)
{
    struct jwks *s = calloc(1, sizeof(*s));
    const json_t *items, *item;
    size_t i;

    if (!s)
        return NULL;
    s->document = jwt_json(text);
    items = json_object_get(s->document, "keys");
    if (!json_is_array(items)) {
        jwks_free(s);
        return NULL;
    }
    json_array_foreach(items, i, item)
    {
        if (s->count < JWKS_KEYS && read_key(item, &s->keys[s->count]))
            s->count++;
    }
    return s;
}

void jwks_free(struct jwks *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        EVP_PKEY_free(s->keys[i].key);
    json_decref(s->document);
    free(s);
}

uint32_t jwks_count(const struct jwks *s)
{
    return s->count;
}

/* The signature as OpenSSL takes it: of ECDSA, JWS has two numbers of 32 octets (RFC 7518 section
 * 3.4), OpenSSL DER. To be freed with OPENSSL_free(). */
static uint8_t *to_der(const struct jwt *jwt, int *len_out)
{
    ECDSA_SIG *both = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(jwt->signature, COORDINATE, NULL);
    BIGNUM *s = BN_bin2bn(jwt->signature + COORDINATE, COORDINATE, NULL);
    uint8_t *der = NULL;

    *len_out = 0;
    if (both && r && s && ECDSA_SIG_set0(both, r, s) == 1) {
        r = s = NULL;
        *len_out = i2d_ECDSA_SIG(both, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(both);
    return der;
}

static bool verify(EVP_PKEY *key, const EVP_MD *hash, struct span signature, struct span input)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool right =
        context && EVP_DigestVerifyInit(context, NULL, hash, NULL, key) == 1 &&
        EVP_DigestVerify(context, signature.data, signature.len, input.data, input.len) == 1;

    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return right;
}

static bool has_signed(const struct jwk *key, const struct jwt *jwt)
{
    struct span signature = span_of(jwt->signature, jwt->signature_len);
    uint8_t *der;
    int len;
    bool right;

    if (key->algorithm == JWT_EDDSA)
        return verify(key->key, NULL, signature, jwt->input);
    if (key->algorithm == JWT_RS256)
        return verify(key->key, EVP_sha256(), signature, jwt->input);
    if (signature.len != 2 * COORDINATE)
        return false;
    der = to_der(jwt, &len);
    right = len > 0 && verify(key->key, EVP_sha256(), span_of(der, (size_t)len), jwt->input);
    OPENSSL_free(der);
    return right;
}

enum jwks_verdict jwks_verify(const struct jwks *s, const struct jwt *jwt)
{
    bool named = false;

    for (uint32_t i = 0; i < s->count; i++) {
        const struct jwk *key = &s->keys[i];

        if (jwt->key_id.data && !(key->id.data && span_equal(key->id, jwt->key_id)))
            continue;
        if (key->algorithm == jwt->algorithm && has_signed(key, jwt))
            return JWKS_RIGHT;
        named |= jwt->key_id.data != NULL;
    }
    return named ? JWKS_WRONG : JWKS_UNKNOWN;
}
