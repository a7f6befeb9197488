/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_cbc.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "dataplane/tls/tls_crypto.h"

/* Where the IV of the record behind the one that was opened waits until that one is taken: TLS 1.0
 * has no MAC but with SHA-1, whose key leaves room in the secret. */
enum { NEXT_IV = TLS_SECRET_MAX - TLS_BLOCK };

/* Since TLS 1.1 each record has an IV of its own; before, it is the last block of the one before. */
static size_t explicit_iv(const struct tls_record *r)
{
    return r->version == TLS_VERSION_1_0 ? 0 : TLS_BLOCK;
}

static size_t mac_length(const struct tls_record *r)
{
    return tls_hash_length((enum tls_hash)r->suite->mac);
}

static struct span mac_key(const struct tls_record *r, const struct tls_lane *lane)
{
    return span_of(lane->way.secret, mac_length(r));
}

/* MAC(MAC_write_key, seq_num + type + version + length + fragment) */
static void authenticate(const struct tls_record *r, const struct tls_lane *lane,
                         const uint8_t header[TLS_HEADER], struct span fragment, uint8_t *out)
{
    uint8_t head[TLS_PSEUDO_HEADER];

    tls_record_pseudo_header(lane, header, fragment.len, head);
    tls_crypto_hmac((enum tls_hash)r->suite->mac, mac_key(r, lane), span_of(head, sizeof(head)),
                    fragment, out);
}

/*
 * The context with the lane's key and this IV. `unpads`: it opens a record of TLS, and takes off
 * padding and MAC; else it takes whole blocks.
 */
static EVP_CIPHER_CTX *begin(struct tls_record *r, struct tls_crypto *crypto,
                             const struct tls_lane *lane, const uint8_t *iv, bool seal, bool unpads)
{
    EVP_CIPHER_CTX *context =
        tls_crypto_context(crypto, (enum tls_cipher)r->suite->cipher, lane, seal);
    unsigned padding = unpads, version = unpads ? r->version : 0;
    size_t mac = unpads ? mac_length(r) : 0;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_PADDING, &padding),
        OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_TLS_VERSION, &version),
        OSSL_PARAM_construct_size_t(OSSL_CIPHER_PARAM_TLS_MAC_SIZE, &mac),
        OSSL_PARAM_construct_end()};

    return context && EVP_CipherInit_ex2(context, NULL, NULL, iv, seal, params) == 1 ? context
                                                                                     : NULL;
}

/* ---- opening ---- */

/*
 * The MAC of the record's content, in a time that does not tell how long that is: of `all` octets
 * `content.len` are it, the others MAC and padding.
 */
static bool hidden_mac(struct tls_record *r, struct tls_crypto *crypto, const uint8_t *header,
                       struct span content, size_t all, uint8_t out[TLS_SECRET_MAX])
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(crypto->mac[r->suite->mac]);
    struct span key = mac_key(r, &r->read);
    uint8_t head[TLS_PSEUDO_HEADER];
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_TLS_DATA_SIZE, &all),
                                 OSSL_PARAM_construct_end()};
    size_t len = 0;
    bool ok;

    tls_record_pseudo_header(&r->read, header, content.len, head);
    ok = context && EVP_MAC_init(context, key.data, key.len, params) == 1 &&
         EVP_MAC_update(context, head, sizeof(head)) == 1 &&
         EVP_MAC_update(context, content.data, content.len) == 1 &&
         EVP_MAC_final(context, out, &len, TLS_SECRET_MAX) == 1 && len == key.len;
    EVP_MAC_CTX_free(context);
    return ok;
}

/* The MAC is over the content, and encrypted with it and the padding. */
static bool open_then_verify(struct tls_record *r, struct tls_crypto *crypto, struct span record,
                             uint8_t *room, struct span *plain_out)
{
    struct span body = span_skip(record, TLS_HEADER);
    size_t iv = explicit_iv(r);
    EVP_CIPHER_CTX *context = begin(r, crypto, &r->read, r->read.way.iv, false, true);
    uint8_t expected[TLS_SECRET_MAX];
    void *mac = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_ptr(OSSL_CIPHER_PARAM_TLS_MAC, &mac, mac_length(r)),
        OSSL_PARAM_construct_end()};
    int len = 0;
    bool ok;

    memcpy(room, body.data, body.len);
    if (!context || EVP_DecryptUpdate(context, room, &len, room, (int)body.len) != 1 ||
        EVP_CIPHER_CTX_get_params(context, params) != 1 || !mac)
        return false;
    *plain_out = span_of(room + iv, (size_t)len);
    ok = hidden_mac(r, crypto, record.data, *plain_out, body.len - iv, expected) &&
         CRYPTO_memcmp(expected, mac, mac_length(r)) == 0;
    explicit_bzero(expected, sizeof(expected));
    return ok;
}

/* uint8 padding[padding_length], padding_length, all of one value; the record is the peer's. */
static bool unpad(struct span *plain)
{
    size_t padding = (size_t)plain->data[plain->len - 1] + 1;

    if (padding > plain->len)
        return false;
    for (size_t i = plain->len - padding; i < plain->len; i++)
        if (plain->data[i] != padding - 1)
            return false;
    plain->len -= padding;
    return true;
}

/* The MAC is over the IV and what was encrypted (RFC 7366 section 3): verified before anything is
 * decrypted. */
static bool verify_then_open(struct tls_record *r, struct tls_crypto *crypto, struct span record,
                             uint8_t *room, struct span *plain_out)
{
    size_t iv = explicit_iv(r), mac = mac_length(r);
    struct span sealed = span_of(record.data + TLS_HEADER, record.len - TLS_HEADER - mac);
    struct span blocks = span_skip(sealed, iv);
    uint8_t expected[TLS_SECRET_MAX];
    EVP_CIPHER_CTX *context;
    int len;

    authenticate(r, &r->read, record.data, sealed, expected);
    if (CRYPTO_memcmp(expected, sealed.data + sealed.len, mac) != 0)
        return false;
    context = begin(r, crypto, &r->read, iv ? sealed.data : r->read.way.iv, false, false);
    if (!context ||
        EVP_DecryptUpdate(context, room, &len, blocks.data, (int)blocks.len) != 1 ||
        (size_t)len != blocks.len)
        return false;
    *plain_out = span_of(room, blocks.len);
    return unpad(plain_out);
}

enum tls_opened tls_cbc_open(struct tls_record *r, struct tls_crypto *crypto, struct span record,
                             uint8_t *room, struct span *plain_out)
{
    size_t len = record.len - TLS_HEADER, after = r->etm ? mac_length(r) : 0;
    size_t least = explicit_iv(r) + (r->etm ? 1 : mac_length(r) + 1);

    /* All of this is to be seen from outside. */
    if (len < after + least || len < after + explicit_iv(r) + TLS_BLOCK ||
        (len - after) % TLS_BLOCK != 0)
        return TLS_FORGED;
    if (!(r->etm ? verify_then_open(r, crypto, record, room, plain_out)
                 : open_then_verify(r, crypto, record, room, plain_out))) {
        explicit_bzero(room, len);
        return TLS_FORGED;
    }
    if (r->version == TLS_VERSION_1_0)
        memcpy(r->read.way.secret + NEXT_IV, record.data + record.len - after - TLS_BLOCK,
               TLS_BLOCK);
    return TLS_OPENED;
}

void tls_cbc_taken(struct tls_record *r)
{
    if (r->version == TLS_VERSION_1_0)
        memcpy(r->read.way.iv, r->read.way.secret + NEXT_IV, TLS_BLOCK);
}

/* ---- sealing ---- */

static size_t pad(uint8_t *data, size_t len)
{
    size_t padding = TLS_BLOCK - len % TLS_BLOCK;

    memset(data + len, (int)padding - 1, padding);
    return len + padding;
}

size_t tls_cbc_seal(struct tls_record *r, struct tls_crypto *crypto, struct span plain,
                    uint8_t *room)
{
    size_t iv = explicit_iv(r), mac = mac_length(r), len = plain.len;
    uint8_t *body = room + TLS_HEADER, *data = body + iv;
    struct tls_lane *lane = &r->write;
    EVP_CIPHER_CTX *context;
    int n;

    /* RFC 5246 section 6.2.3.2: it must not be predictable. */
    if (iv && RAND_bytes(body, (int)iv) != 1)
        return 0;
    if (len)
        memcpy(data, plain.data, len);
    if (!r->etm) {
        authenticate(r, lane, room, plain, data + len);
        len += mac;
    }
    len = pad(data, len);
    context = begin(r, crypto, lane, iv ? body : lane->way.iv, true, false);
    if (!context || EVP_EncryptUpdate(context, data, &n, data, (int)len) != 1 || (size_t)n != len)
        return 0;
    memcpy(lane->way.iv, data + len - TLS_BLOCK, TLS_BLOCK);
    len += iv;
    if (r->etm) {
        authenticate(r, lane, room, span_of(body, len), body + len);
        len += mac;
    }
    tls_record_number(room + 3, len, 2);
    return TLS_HEADER + len;
}
